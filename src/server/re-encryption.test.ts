import { expect, test } from 'vitest'
import { builtinCatalog } from '../api/catalog.ts'
import { VirtualClock } from '../base/clock.ts'
import { silentLog } from '../base/log.ts'
import { seededRandom } from '../base/random.ts'
import { encryptedStore } from '../store/encryption/encrypted-store.ts'
import { createMemoryStore } from '../store/memory.ts'
import { createAuthenticator } from './authentication.ts'
import { createServer } from './server.ts'

test('objects that are replaced by themselves are encrypted by the newest key', async () => {
  const inner = createMemoryStore()
  const key = (name: string, fill: number) => ({ name, secret: Buffer.alloc(32, fill) })
  const by = (...keys: ReturnType<typeof key>[]) => [{ resources: ['secrets'], providers: [{ type: 'aesgcm', keys } as const] }]
  const store = encryptedStore(inner, by(key('one', 1)))
  const authenticate = createAuthenticator({
    staticTokens: new Map([['secret', { name: 'admin', groups: ['system:masters'] }]]),
    verifyToken: async () => undefined,
  })
  const parts = { clock: new VirtualClock(), random: seededRandom(1), log: silentLog }
  const server = await createServer(
    { store, catalog: builtinCatalog(), authenticate, serverAddress: 'x:1', ...parts },
    new AbortController().signal,
  )
  const send = async (method: string, name: string, body?: object) => {
    const reply = await server.handle({
      method,
      path: `/api/v1/namespaces/default/secrets${name}`,
      query: '',
      headers: { authorization: 'Bearer secret', 'content-type': 'application/json' },
      ...(body && { body: Buffer.from(JSON.stringify(body)) }),
      caller: { type: 'socket', address: '' },
      signal: new AbortController().signal,
    })
    if (reply.body.type !== 'bytes') throw new Error('no bytes')
    return JSON.parse(Buffer.concat(reply.body.chunks).toString()) as { metadata: { resourceVersion: string } }
  }
  const stored = async () => Buffer.from((await inner.get('/registry/core/secrets/default/a'))?.value ?? []).toString('latin1')

  const made = await send('POST', '', { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'a' }, data: { key: 'dmFsdWU=' } })
  expect(await stored()).toContain('k8s:enc:aesgcm:v1:one:')
  // As long as the key is the newest, nothing is written that changes nothing.
  expect((await send('PUT', '/a', made)).metadata.resourceVersion).toBe(made.metadata.resourceVersion)
  store.configure(by(key('two', 2), key('one', 1)))
  const again = await send('PUT', '/a', made)
  expect(await stored()).toContain('k8s:enc:aesgcm:v1:two:')
  expect(Number(again.metadata.resourceVersion)).toBeGreaterThan(Number(made.metadata.resourceVersion))
  expect(await send('GET', '/a')).toEqual(again)
})
