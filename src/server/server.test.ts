import { expect, test } from 'vitest'
import { builtinCatalog } from '../api/catalog.ts'
import type { ApiRequest } from '../api/exchange.ts'
import { VirtualClock } from '../base/clock.ts'
import { seededRandom } from '../base/random.ts'
import { createMemoryStore } from '../store/memory.ts'
import { createServer } from './server.ts'

const silent = () => {}

async function serve() {
  const stop = new AbortController()
  const options = {
    store: createMemoryStore(),
    catalog: builtinCatalog(),
    clock: new VirtualClock(),
    random: seededRandom(1),
    serverAddress: '127.0.0.1:6443',
  }
  const log = { debug: silent, info: silent, warn: silent, error: silent }
  const { handle } = await createServer(
    {
      ...options,
      log: log as never,
      authenticate: ({ caller }) => (caller.type === 'in-process' ? caller.user : { name: '', groups: [] }),
    },
    stop.signal,
  )
  const call = async (method: string, target: string, body?: object, type = 'application/json') => {
    const [path = '', query = ''] = target.split('?')
    const caller: ApiRequest['caller'] = { type: 'in-process', user: { name: 'admin', groups: ['system:masters'] } }
    const reply = await handle({
      method,
      path,
      query,
      headers: { 'content-type': type },
      ...(body && { body }),
      caller,
      signal: stop.signal,
    })
    return {
      status: reply.status,
      object:
        reply.body.type === 'object' ? (JSON.parse(Buffer.concat(reply.body.encode()).toString()) as Record<string, unknown>) : undefined,
    }
  }
  return { call, stop }
}

const configMap = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a', labels: { app: 'x' } }, data: { k: 'v' } }
const path = '/api/v1/namespaces/default/configmaps'

test('an object is created, read, listed, patched and deleted', async () => {
  const { call, stop } = await serve()
  expect(await call('POST', path, configMap)).toMatchObject({
    status: 201,
    object: { metadata: { namespace: 'default', resourceVersion: expect.any(String) } },
  })
  expect(await call('POST', path, configMap)).toMatchObject({
    status: 409,
    object: { reason: 'AlreadyExists', message: 'configmaps "a" already exists' },
  })
  expect(await call('GET', `${path}?labelSelector=app%3Dx`)).toMatchObject({
    status: 200,
    object: { kind: 'ConfigMapList', items: [{ data: { k: 'v' } }] },
  })
  expect(await call('GET', `${path}?labelSelector=app%3Dy`)).toMatchObject({ object: { items: [] } })
  expect(await call('PATCH', `${path}/a`, { data: { k: null, n: 'w' } }, 'application/merge-patch+json')).toMatchObject({
    status: 200,
    object: { data: { n: 'w' } },
  })
  expect(await call('PUT', `${path}/a`, { ...configMap, metadata: { name: 'a', resourceVersion: '1' } })).toMatchObject({
    status: 409,
    object: { reason: 'Conflict' },
  })
  expect(await call('DELETE', `${path}/a`)).toMatchObject({
    status: 200,
    object: { status: 'Success', details: { name: 'a', kind: 'configmaps' } },
  })
  expect(await call('GET', `${path}/a`)).toMatchObject({ status: 404, object: { message: 'configmaps "a" not found' } })
  stop.abort()
})

test('a subresource that is not served is not mistaken for its object', async () => {
  const { call, stop } = await serve()
  await call('POST', path, configMap)
  expect(await call('DELETE', `${path}/a/scale`)).toMatchObject({ status: 404 })
  expect(await call('GET', `${path}/a`)).toMatchObject({ status: 200 })
  stop.abort()
})
