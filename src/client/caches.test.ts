import { afterAll, expect, test } from 'vitest'
import { builtinCatalog } from '../api/catalog.ts'
import { configMaps, events } from '../api/resources.ts'
import { StatusError } from '../api/status-error.ts'
import { systemClock } from '../base/clock.ts'
import { silentLog } from '../base/log.ts'
import { seededRandom, systemRandom } from '../base/random.ts'
import { createAuthenticator } from '../server/authentication.ts'
import { createServer } from '../server/server.ts'
import { createMemoryStore } from '../store/memory.ts'
import { createCaches } from './caches.ts'
import { createClient } from './create-client.ts'
import { createEventRecorder } from './event-recorder.ts'
import { inProcessTransport } from './in-process-transport.ts'
import type { Transport } from './transport.ts'

const stop = new AbortController()
afterAll(() => stop.abort())
const { handle } = await createServer(
  {
    store: createMemoryStore(),
    catalog: builtinCatalog(),
    authenticate: createAuthenticator({ staticTokens: new Map(), verifyToken: async () => undefined }),
    serverAddress: '',
    clock: systemClock,
    random: systemRandom,
    log: silentLog,
  },
  stop.signal,
)
const transport = inProcessTransport({ handle, user: { name: 'admin', groups: [] } })
const direct = createClient({ transport })
const start = (over: Transport = transport) => {
  const caches = createCaches({ client: createClient({ transport: over }), clock: systemClock, random: seededRandom(1), log: silentLog })
  const maps = caches.cache(configMaps, { namespace: 'default' })
  caches.start(stop.signal)
  return { caches, maps }
}
const next = (condition: () => boolean) => expect.poll(condition, { interval: 2 }).toBe(true)

test('a cache reads its own writes and follows those of others', async () => {
  const { caches, maps } = start()
  await caches.synced()
  const mine = caches.client.resource(configMaps)
  const made = await mine.create({ metadata: { name: 'a', namespace: 'default' }, data: { k: '1' } })
  expect(maps.get('default', 'a')).toEqual(made)
  await mine.patch('default', 'a', 'merge', { data: { k: '2' } })
  expect(maps.get('default', 'a')?.data).toEqual({ k: '2' })
  await direct.resource(configMaps).patch('default', 'a', 'merge', { data: { k: '3' } })
  await next(() => maps.get('default', 'a')?.data?.k === '3')
  await mine.delete('default', 'a')
  expect(maps.get('default', 'a')).toBeUndefined()
  await mine.create({ metadata: { name: 'a', namespace: 'kube-system' } })
  expect(maps.list()).toEqual([])
})

test('a watch that expired lists again and swaps in what it missed', async () => {
  let failures = 0
  const failing: Transport = {
    send: transport.send,
    stream(request) {
      if (failures++ > 0) return transport.stream(request)
      throw new StatusError('Expired', 'too old resource version')
    },
  }
  const { maps } = start(failing)
  await maps.synced()
  await direct.resource(configMaps).create({ metadata: { name: 'late', namespace: 'default' } })
  await next(() => maps.get('default', 'late') !== undefined)
  expect(failures).toBe(2)
})

test('a create whose reply is lost is seen before the caller hears of it', async () => {
  const losing: Transport = {
    stream: transport.stream,
    async send(request) {
      const reply = await transport.send(request)
      if (request.method === 'POST') throw new StatusError('ServiceUnavailable', 'the reply broke off')
      return reply
    },
  }
  const { caches, maps } = start(losing)
  await caches.synced()
  const lost = caches.client.resource(configMaps).create({ metadata: { name: 'lost', namespace: 'default' } })
  await expect(lost).rejects.toMatchObject({ reason: 'ServiceUnavailable' })
  expect(maps.get('default', 'lost')).toBeDefined()
})

test('events that repeat are counted, many alike are combined, too many are dropped', async () => {
  const recorder = createEventRecorder({
    client: direct,
    clock: systemClock,
    random: seededRandom(2),
    log: silentLog,
    component: 'tester',
    signal: stop.signal,
  })
  const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'x', namespace: 'default', uid: 'u' } }
  for (let index = 0; index < 3; index++) recorder.record(object, 'Normal', 'Same', 'again')
  for (let index = 0; index < 40; index++) recorder.record(object, 'Warning', 'Many', `number ${index}`)
  const other = { ...object, metadata: { ...object.metadata, name: 'last', uid: 'v' } }
  recorder.record(other, 'Normal', 'End', 'end')
  const list = async () => (await direct.resource(events).list({ namespace: 'default' })).items
  await expect.poll(async () => (await list()).some(({ reason }) => reason === 'End'), { interval: 5 }).toBe(true)
  const found = await list()
  expect(found.filter(({ reason }) => reason === 'Same')).toMatchObject([{ count: 3, source: { component: 'tester' }, type: 'Normal' }])
  const many = found.filter(({ reason }) => reason === 'Many')
  expect(many).toHaveLength(11)
  // 25 in all may pass: 3 before, 10 on their own, and 12 of the rest on one event.
  expect(many.find(({ message }) => message?.startsWith('(combined from similar events): '))?.count).toBe(12)
})

test('of an object whose name no event can have there are events, too', async () => {
  const recorder = createEventRecorder({
    client: direct,
    clock: systemClock,
    random: seededRandom(4),
    log: silentLog,
    component: 'names',
    signal: stop.signal,
  })
  for (const name of ['x'.repeat(250), 'system:a'])
    recorder.record({ apiVersion: 'v1', kind: 'Any', metadata: { name, namespace: 'kube-system', uid: name } }, 'Normal', 'Named', 'x')
  const named = async () =>
    (await direct.resource(events).list({ namespace: 'kube-system' })).items.filter(({ reason }) => reason === 'Named')
  await expect.poll(async () => (await named()).length, { interval: 5 }).toBe(2)
})

test('a flood of events about one object leaves room for others', async () => {
  const signal = stop.signal
  const recorder = createEventRecorder({
    client: direct,
    clock: systemClock,
    random: seededRandom(3),
    log: silentLog,
    component: 'flood',
    signal,
  })
  const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'flood', namespace: 'kube-public', uid: 'f' } }
  for (let index = 0; index < 5_000; index++) recorder.record(object, 'Normal', 'Flood', `number ${index}`)
  recorder.record({ ...object, metadata: { ...object.metadata, uid: 'g' } }, 'Normal', 'Other', 'one')
  const reasons = async () => (await direct.resource(events).list({ namespace: 'kube-public' })).items.map(({ reason }) => reason)
  await expect.poll(async () => (await reasons()).includes('Other'), { interval: 5 }).toBe(true)
})

test('a cache of one object follows it alone, until whoever asked for it has given it back', async () => {
  const { caches } = start()
  const one = () => caches.cache(configMaps, { namespace: 'kube-system', fieldSelector: 'metadata.name=one' })
  const cache = one()
  expect(one()).toBe(cache)
  await cache.synced()
  const mine = caches.client.resource(configMaps)
  await mine.create({ metadata: { name: 'one', namespace: 'kube-system' }, data: { k: '1' } })
  await mine.create({ metadata: { name: 'two', namespace: 'kube-system' } })
  expect(cache.list().map(({ metadata }) => metadata.name)).toEqual(['one'])
  caches.release(cache)
  await direct.resource(configMaps).patch('kube-system', 'one', 'merge', { data: { k: '2' } })
  await next(() => cache.get('kube-system', 'one')?.data?.k === '2')
  caches.release(cache)
  await direct.resource(configMaps).patch('kube-system', 'one', 'merge', { data: { k: '3' } })
  const again = one()
  await next(() => again.get('kube-system', 'one')?.data?.k === '3')
  expect(again).not.toBe(cache)
  expect(cache.get('kube-system', 'one')?.data).toEqual({ k: '2' })
})

test('a deletion whose reply comes after its successor was seen leaves the successor', async () => {
  let answered = () => {}
  const late: Transport = {
    stream: transport.stream,
    async send(request) {
      const reply = await transport.send(request)
      if (request.method === 'DELETE') await new Promise<void>((resolve) => (answered = resolve))
      return reply
    },
  }
  const { caches, maps } = start(late)
  await caches.synced()
  const old = await caches.client.resource(configMaps).create({ metadata: { name: 'again', namespace: 'default' } })
  const deleted = caches.client.resource(configMaps).delete('default', 'again')
  await next(() => maps.get('default', 'again') === undefined)
  await direct.resource(configMaps).create({ metadata: { name: 'again', namespace: 'default' } })
  await next(() => maps.get('default', 'again') !== undefined)
  answered()
  await deleted
  expect(maps.get('default', 'again')?.metadata.uid).not.toBe(old.metadata.uid)
  await direct.resource(configMaps).patch('default', 'again', 'merge', { data: { k: 'v' } })
  await next(() => maps.get('default', 'again')?.data?.k === 'v')
})

test('a create that fails before the caches run, or after they stopped, does not wait for a list', async () => {
  const failing: Transport = {
    stream: transport.stream,
    send: (request) =>
      request.method === 'POST' ? Promise.reject(new StatusError('ServiceUnavailable', 'no reply')) : transport.send(request),
  }
  const caches = createCaches({ client: createClient({ transport: failing }), clock: systemClock, random: seededRandom(1), log: silentLog })
  caches.cache(configMaps)
  const create = () => caches.client.resource(configMaps).create({ metadata: { name: 'never', namespace: 'default' } })
  await expect(create()).rejects.toMatchObject({ reason: 'ServiceUnavailable' })
  const ended = new AbortController()
  caches.start(ended.signal)
  await caches.synced()
  ended.abort()
  await expect(create()).rejects.toMatchObject({ reason: 'ServiceUnavailable' })
})
