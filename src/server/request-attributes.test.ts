import { expect, test } from 'vitest'
import { attributesOf } from './request-attributes.ts'

const resource = (verb: string, plural: string, rest: object = {}) => ({
  type: 'resource',
  verb,
  group: '',
  version: 'v1',
  resource: plural,
  subresource: '',
  namespace: '',
  name: '',
  ...rest,
})

test.each([
  ['GET /api/v1/pods', resource('list', 'pods')],
  ['GET /api/v1/pods?watch=true', resource('watch', 'pods')],
  [
    'GET /api/v1/pods?fieldSelector=metadata.name%3Da',
    resource('list', 'pods', { name: 'a', fieldSelector: [{ field: 'metadata.name', equal: true, value: 'a' }] }),
  ],
  [
    'GET /api/v1/pods?fieldSelector=metadata.name%3Da%2Fb',
    resource('list', 'pods', { fieldSelector: [{ field: 'metadata.name', equal: true, value: 'a/b' }] }),
  ],
  [
    'GET /api/v1/pods?watch=1&fieldSelector=a!%3Db',
    resource('watch', 'pods', { fieldSelector: [{ field: 'a', equal: false, value: 'b' }] }),
  ],
  ['GET /api/v1/pods?fieldSelector=a', resource('list', 'pods')],
  [
    'DELETE /api/v1/pods?labelSelector=a',
    resource('deletecollection', 'pods', { labelSelector: [{ key: 'a', operator: 'Exists', values: [] }] }),
  ],
  ['DELETE /api/v1/pods?labelSelector=%3D', resource('deletecollection', 'pods')],
  ['POST /api/v1/namespaces/n/pods', resource('create', 'pods', { namespace: 'n' })],
  ['DELETE /api/v1/namespaces/n/pods', resource('deletecollection', 'pods', { namespace: 'n' })],
  ['DELETE /api/v1/namespaces/n/pods/a', resource('delete', 'pods', { namespace: 'n', name: 'a' })],
  ['POST /api/v1/namespaces/n/pods/a/exec', resource('create', 'pods', { namespace: 'n', name: 'a', subresource: 'exec' })],
  ['GET /api/v1/namespaces/n', resource('get', 'namespaces', { namespace: 'n', name: 'n' })],
  ['PUT /api/v1/namespaces/n/status', resource('update', 'namespaces', { namespace: 'n', name: 'n', subresource: 'status' })],
  ['PATCH /apis/apps/v1/namespaces/n/deployments/d', resource('patch', 'deployments', { group: 'apps', namespace: 'n', name: 'd' })],
  ['GET /version', { type: 'path', verb: 'get', path: '/version' }],
  ['POST /apis/apps/v1', { type: 'path', verb: 'post', path: '/apis/apps/v1' }],
])('%s', (line, expected) => {
  const [method = '', url = ''] = line.split(' ')
  const [path = '', query = ''] = url.split('?')
  const caller = { type: 'socket', address: '' } as const
  expect(attributesOf({ method, path, query, headers: {}, caller, signal: new AbortController().signal })).toEqual(expected)
})
