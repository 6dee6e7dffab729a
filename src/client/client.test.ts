import { afterAll, describe, expect, test } from 'vitest'
import { builtinCatalog } from '../api/catalog.ts'
import { configMaps, namespaces } from '../api/resources.ts'
import { systemClock } from '../base/clock.ts'
import { silentLog } from '../base/log.ts'
import { systemRandom } from '../base/random.ts'
import { createAuthenticator } from '../server/authentication.ts'
import { createHttpListener } from '../server/http.ts'
import { createAuthority, issueCertificate } from '../server/pki.ts'
import { createServer } from '../server/server.ts'
import { createMemoryStore } from '../store/memory.ts'
import type { WatchEvent } from './client.ts'
import { createClient } from './create-client.ts'
import { httpTransport } from './http-transport.ts'
import { inProcessTransport } from './in-process-transport.ts'

const nowMs = Date.now()
const stop = new AbortController()
const authority = await createAuthority('ca', nowMs)
const serving = await issueCertificate(authority, { commonName: 'server', addresses: ['127.0.0.1'], nowMs })
const admin = await issueCertificate(authority, { commonName: 'admin', nowMs })
const user = { name: 'admin', groups: [] }
const authenticate = createAuthenticator({ staticTokens: new Map(), verifyToken: async () => undefined })
const { handle } = await createServer(
  {
    store: createMemoryStore(),
    catalog: builtinCatalog(),
    authenticate,
    serverAddress: '',
    clock: systemClock,
    random: systemRandom,
    log: silentLog,
  },
  stop.signal,
)
const listener = createHttpListener({ handle, ...serving, clientAuthority: authority.certificate, log: silentLog })
const port = await listener.listen('127.0.0.1', 0)
const overHttp = httpTransport({ server: `https://127.0.0.1:${port}`, ca: authority.certificate, ...admin })
afterAll(async () => {
  stop.abort()
  overHttp.close()
  await listener.close()
})

describe.each([
  ['in process', inProcessTransport({ handle, user })],
  ['in process, serialising', inProcessTransport({ handle, user, serialise: true })],
  ['over HTTPS', overHttp],
])('a client %s', (name, transport) => {
  const client = createClient({ transport })
  const namespace = `n-${name.replace(/\W+/g, '-').toLowerCase()}`

  test('creates, reads, changes, lists and deletes', async () => {
    await client.resource(namespaces).create({ metadata: { name: namespace }, spec: {} })
    const maps = client.resource(configMaps)
    const created = await maps.create({ metadata: { name: 'a', namespace }, data: { k: '1' } })
    expect(created.metadata.uid).toBeDefined()
    const updated = await maps.update({ ...created, data: { k: '2' } })
    await expect(maps.update({ ...created, data: { k: '3' } })).rejects.toMatchObject({ reason: 'Conflict', code: 409 })
    expect((await maps.patch(namespace, 'a', 'merge', { data: { l: '1' } })).data).toEqual({ k: '2', l: '1' })
    expect(Number(updated.metadata.resourceVersion)).toBeGreaterThan(Number(created.metadata.resourceVersion))
    expect((await maps.list({ namespace, labelSelector: 'none=x' })).items).toEqual([])
    expect((await maps.list({ namespace })).items).toMatchObject([{ kind: 'ConfigMap', apiVersion: 'v1', data: { k: '2', l: '1' } }])
    await maps.delete(namespace, 'a', { preconditions: { uid: created.metadata.uid ?? '' } })
    await expect(maps.get(namespace, 'a')).rejects.toMatchObject({ reason: 'NotFound', message: 'configmaps "a" not found' })
  })

  test('watches from a list on, until it is told to stop', async () => {
    const maps = client.resource(configMaps)
    const { metadata } = await maps.list({ namespace })
    const ended = new AbortController()
    const events: WatchEvent<object>[] = []
    const watching = (async () => {
      for await (const event of maps.watch({ namespace, resourceVersion: metadata.resourceVersion ?? '', signal: ended.signal })) {
        events.push(event)
        if (events.length === 3) ended.abort()
      }
    })()
    await maps.create({ metadata: { name: 'w', namespace }, data: { big: 'x'.repeat(200_000) } })
    await maps.patch(namespace, 'w', 'merge', { data: { big: null } })
    await maps.delete(namespace, 'w')
    await watching
    expect(events.map(({ type }) => type)).toEqual(['ADDED', 'MODIFIED', 'DELETED'])
  })

  test("a watch from a revision that is not there fails with the server's words", async () => {
    const watching = client.resource(configMaps).watch({ namespace, resourceVersion: 'x', signal: new AbortController().signal })
    await expect(watching[Symbol.asyncIterator]().next()).rejects.toMatchObject({ code: 400 })
  })
})

test('a server that is not there is unavailable', async () => {
  const client = createClient({ transport: httpTransport({ server: 'https://127.0.0.1:1', ca: authority.certificate }) })
  await expect(client.request('GET', '/version')).rejects.toMatchObject({ reason: 'ServiceUnavailable' })
})
