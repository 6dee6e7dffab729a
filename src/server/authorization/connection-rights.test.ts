import { expect, test } from 'vitest'
import { Notes } from '../notes.ts'
import { attributesOf } from '../request-attributes.ts'
import { authorization } from './authorization-filter.ts'
import type { Authorize } from './authorizer.ts'
import { connectionRight } from './connection-rights.ts'

const rightOf = (line: string, headers: Record<string, string>) => {
  const [method = '', path = ''] = line.split(' ')
  const request = {
    method,
    path,
    query: '',
    headers,
    caller: { type: 'socket', address: '' },
    signal: new AbortController().signal,
  } as const
  return connectionRight(request, attributesOf(request))
}
const upgrade = { connection: 'Upgrade', upgrade: 'WebSocket' }

test.each(['exec', 'attach', 'portforward'])('a WebSocket to %s takes the right to create it', (subresource) => {
  const path = `/api/v1/namespaces/n/pods/p/${subresource}`
  expect(rightOf(`GET ${path}`, upgrade)).toMatchObject({ verb: 'create', resource: 'pods', subresource, namespace: 'n', name: 'p' })
  expect(rightOf(`GET ${path}`, { ...upgrade, upgrade: 'SPDY/3.1' })).toBeUndefined()
  expect(rightOf(`POST ${path}`, upgrade)).toBeUndefined()
})

test.each([
  '/api/v1/namespaces/n/pods/p/log',
  '/api/v1/namespaces/n/services/s/proxy',
  '/apis/x.org/v1/namespaces/n/pods/p/exec',
  '/version',
])('one to %s does not', (path) => {
  expect(rightOf(`GET ${path}`, upgrade)).toBeUndefined()
})

test('who may get and not create opens no WebSocket, and the record says so', async () => {
  const told: [string, string][] = []
  const notes = new Notes()
  notes.annotate = (key, value) => void told.push([key, value])
  const path = '/api/v1/namespaces/n/pods/p/exec'
  const caller = { type: 'socket', address: '' } as const
  const request = { method: 'GET', path, query: '', headers: upgrade, caller, signal: new AbortController().signal }
  const authorize: Authorize = (_, { verb }) => ({ type: verb === 'get' ? 'allow' : 'no-opinion', reason: `asked to ${verb}` })
  const answer = authorization(authorize, true)(() => Promise.reject(new Error('not to be reached')))
  const call = { request, attributes: attributesOf(request), user: { name: 'jane', groups: [] }, notes }
  await expect(answer(call)).rejects.toMatchObject({
    reason: 'Forbidden',
    message: expect.stringContaining('cannot create resource "pods/exec"'),
  })
  expect(told.slice(-2)).toEqual([
    ['authorization.k8s.io/decision', 'forbid'],
    ['authorization.k8s.io/reason', 'asked to create'],
  ])
})
