import { expect, test } from 'vitest'
import { builtinCatalog } from '../api/catalog.ts'
import { VirtualClock } from '../base/clock.ts'
import { silentLog } from '../base/log.ts'
import { seededRandom } from '../base/random.ts'
import { createMemoryStore } from '../store/memory.ts'
import { createAuthenticator } from './authentication.ts'
import { createServer } from './server.ts'

const catalog = builtinCatalog()
const store = createMemoryStore()
const clock = new VirtualClock()
const start = (signal: AbortSignal) =>
  createServer(
    {
      store,
      catalog,
      authenticate: createAuthenticator({ staticTokens: new Map(), verifyToken: async () => undefined }),
      serverAddress: 'x:1',
      clock,
      random: seededRandom(1),
      log: silentLog,
    },
    signal,
  )

test('events are kept for an hour after they were written last, over restarts, and nothing else goes', async () => {
  const [first, second] = [new AbortController(), new AbortController()]
  let server = await start(first.signal)
  const send = async (method: string, path: string, body?: object) => {
    const reply = await server.handle({
      method,
      path: `/api/v1/namespaces/default/${path}`,
      query: '',
      headers: { 'content-type': method === 'PATCH' ? 'application/merge-patch+json' : 'application/json' },
      ...(body && { body }),
      caller: { type: 'in-process', user: { name: 'test', groups: [] } },
      signal: first.signal,
    })
    return (reply.body.type === 'object' ? reply.body.object : {}) as { items?: { metadata: { name: string } }[] }
  }
  const names = async () => (await send('GET', 'events')).items?.map(({ metadata }) => metadata.name)
  const make = (name: string, more: object = {}) =>
    send('POST', 'events', { metadata: { name }, involvedObject: { namespace: 'default' }, ...more })
  await make('old')
  await make('counted')
  await make('of-the-future', { lastTimestamp: '2999-01-01T00:00:00Z' })
  await send('POST', 'configmaps', { metadata: { name: 'a' } })
  await clock.advance(1_800_000)
  await send('PATCH', 'events/counted', { count: 2, lastTimestamp: '2026-01-01T00:30:00Z' })
  await clock.advance(1_740_000)
  expect(await names()).toEqual(['counted', 'of-the-future', 'old'])
  await clock.advance(180_000)
  expect(await names()).toEqual(['counted'])
  first.abort()
  server = await start(second.signal)
  await clock.advance(1_740_000)
  expect(await names()).toEqual([])
  expect((await send('GET', 'configmaps')).items).toHaveLength(1)
  second.abort()
})
