import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { builtinCatalog } from '../api/catalog.ts'
import type { ApiReply } from '../api/exchange.ts'
import { systemClock } from '../base/clock.ts'
import { systemRandom } from '../base/random.ts'
import { openLmdbStore } from '../store/lmdb.ts'
import { createMemoryStore } from '../store/memory.ts'
import type { Store } from '../store/store.ts'
import { type ApiServer, createServer } from './server.ts'

const silent = { debug() {}, info() {}, warn() {}, error() {}, with: () => silent }

/** LMDB shows a write only once it is on disk, so that others come while it is pending. */
describe.each([
  ['memory', async () => createMemoryStore()],
  ['lmdb', (directory: string) => openLmdbStore({ path: join(directory, 'store.lmdb') })],
] as const)('many writers of one object over %s', (_, open) => {
  const stop = new AbortController()
  let directory: string
  let store: Store
  let server: ApiServer

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'sampan-writers-'))
    store = await open(directory)
    const authenticate = async () => ({ name: 'admin', groups: ['system:masters'] })
    const parts = { clock: systemClock, random: systemRandom, log: silent }
    server = await createServer({ store, catalog: builtinCatalog(), authenticate, serverAddress: 'x:1', ...parts }, stop.signal)
  })
  afterAll(async () => {
    stop.abort()
    await store.close()
    await rm(directory, { recursive: true })
  })

  const send = (method: string, name: string, body?: object, contentType = 'application/json'): Promise<ApiReply> =>
    server.handle({
      method,
      path: `/api/v1/namespaces/default/configmaps${name && `/${name}`}`,
      query: '',
      headers: { 'content-type': contentType },
      ...(body && { body: Buffer.from(JSON.stringify(body)) }),
      caller: { type: 'socket', address: '127.0.0.1' },
      signal: stop.signal,
    })
  const create = (name: string) => send('POST', '', { metadata: { name } })
  const patch = (name: string, data: object) => send('PATCH', name, { data }, 'application/merge-patch+json')
  const shown = ({ body }: ApiReply) =>
    JSON.parse(Buffer.concat(body.type === 'object' ? [...body.encode()] : body.type === 'bytes' ? [...body.chunks] : []).toString())
  const statuses = (replies: readonly ApiReply[]) => replies.map(({ status }) => status).sort()

  test('patches that name no version all happen', async () => {
    await create('patched')
    const keys = Array.from({ length: 40 }, (_, index) => `key-${index}`)
    const replies = await Promise.all(keys.map((key) => patch('patched', { [key]: 'x' })))
    expect(new Set(statuses(replies))).toEqual(new Set([200]))
    expect(Object.keys(shown(await send('GET', 'patched')).data).sort()).toEqual(keys.sort())
  })

  test('of updates that name the same version one happens', async () => {
    const made = shown(await create('updated'))
    const replies = await Promise.all(
      Array.from({ length: 5 }, (_, index) => send('PUT', 'updated', { ...made, data: { index: String(index) } })),
    )
    expect(statuses(replies)).toEqual([200, 409, 409, 409, 409])
  })

  test('of creates of one name one happens, and who is refused can read it', async () => {
    const replies = await Promise.all(
      Array.from({ length: 5 }, async () => {
        const reply = await create('created')
        return reply.status === 409 ? send('GET', 'created') : reply
      }),
    )
    expect(statuses(replies)).toEqual([200, 200, 200, 200, 201])
  })

  test('of deletes one happens, and patches that come later find nothing', async () => {
    await create('deleted')
    const replies = await Promise.all([
      send('DELETE', 'deleted'),
      patch('deleted', { a: 'b' }),
      send('DELETE', 'deleted'),
      patch('deleted', {}),
    ])
    expect(replies.map(({ status }) => status)).toEqual([200, 404, 404, 404])
  })
})
