import { expect, test } from 'vitest'
import { attributesOf } from '../request-attributes.ts'
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
