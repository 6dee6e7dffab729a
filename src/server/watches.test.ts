import { beforeEach, expect, test } from 'vitest'
import { type ServerUnderTest, serverUnderTest } from './server-under-test.ts'

let api: ServerUnderTest
const configMaps = '/api/v1/namespaces/default/configmaps'
const create = (name: string, labels: Record<string, string> = {}) =>
  api.send('POST', configMaps, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, labels } })

beforeEach(async () => {
  api = await serverUnderTest()
})

const seconds = (count: number) => api.clock.advance(count * 1000)
const told = (events: readonly { type: string; object: { metadata: { name?: string } } }[]) =>
  events.map(({ type, object }) => [type, object.metadata.name].filter(Boolean).join(' '))

test.each([
  ['/api/v1/watch/configmaps', ['ADDED a', 'ADDED b']],
  ['/api/v1/watch/namespaces/default/configmaps', ['ADDED a', 'ADDED b']],
  ['/api/v1/watch/namespaces/default/configmaps/b', ['ADDED b']],
  ['/api/v1/watch/namespaces/default/configmaps?labelSelector=x=y', ['ADDED b']],
  ['/api/v1/watch/namespaces/other/configmaps', []],
  ['/api/v1/watch/namespaces/default', ['ADDED default']],
  [`${configMaps}?watch=1&fieldSelector=metadata.name=a`, ['ADDED a']],
])('%s is a watch', async (path, expected) => {
  await create('a')
  await create('b', { x: 'y' })
  expect(told((await api.watch(path)).events)).toEqual(expected)
})

test.each([
  ['POST', '/api/v1/watch/configmaps', 405],
  ['GET', '/api/v1/watch/namespaces/default/configmaps/a?fieldSelector=metadata.name=b', 400],
  ['GET', '/api/v1/watch/namespaces/default/pods/a/log', 404],
  ['GET', '/api/v1/watch/nothing', 404],
])('%s %s is refused', async (method, path, status) => {
  expect((await api.send(method, path)).status).toBe(status)
})

test('a watch by name alone is a read, as upstream has it', async () => {
  await create('a')
  expect((await api.send('GET', `${configMaps}/a?watch=true`)).object.metadata.name).toBe('a')
})

test('two seconds before its end a watch tells how far it has seen', async () => {
  const { events, isEnded } = await api.watch(`${configMaps}?watch=1&timeoutSeconds=30&allowWatchBookmarks=true`)
  const { object } = await create('a')
  await create('b', { x: 'y' })
  await seconds(27)
  expect(told(events)).toEqual(['ADDED a', 'ADDED b'])
  await seconds(1)
  expect(told(events)).toEqual(['ADDED a', 'ADDED b', 'BOOKMARK'])
  expect(Number(events[2]?.object.metadata.resourceVersion)).toBeGreaterThan(Number(object.metadata.resourceVersion))
  expect(isEnded()).toBe(false)
  await seconds(2)
  expect(isEnded()).toBe(true)
})

test('who asks for no bookmarks gets none, and who goes away costs nothing more', async () => {
  const quiet = await api.watch(`${configMaps}?watch=1&timeoutSeconds=5`)
  const gone = await api.watch(`${configMaps}?watch=1&timeoutSeconds=5&allowWatchBookmarks=true`)
  gone.stop()
  await create('a')
  await seconds(10)
  expect(told(quiet.events)).toEqual(['ADDED a'])
  expect(gone.events).toEqual([])
})

test('an object that comes to match is added, one that leaves is deleted as it was, and nothing else is told', async () => {
  const { events } = await api.watch(`${configMaps}?watch=1&labelSelector=in=yes`)
  const put = (value: string) =>
    api.send('PUT', `${configMaps}/a`, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a', labels: { in: value } } })
  await create('a', { in: 'no' })
  await put('never')
  await put('yes')
  const left = await put('no')
  await put('never')
  expect(told(events)).toEqual(['ADDED a', 'DELETED a'])
  expect(events[1]?.object.metadata).toMatchObject({ labels: { in: 'yes' }, resourceVersion: left.object.metadata.resourceVersion })
})

test('tables are watched with their columns once, and bookmarks are tables too', async () => {
  await create('a')
  const accept = 'application/json;as=Table;g=meta.k8s.io;v=v1'
  const query = 'watch=1&allowWatchBookmarks=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan'
  const { events } = await api.watch(`${configMaps}?${query}`, { accept })
  await create('b')
  const tables = events.map(({ type, object }) => ({
    type,
    ...(object as unknown as { columnDefinitions: unknown; rows: { object: object }[] }),
  }))
  expect(tables).toMatchObject([
    { type: 'ADDED', columnDefinitions: expect.any(Array), rows: [{ object: { metadata: { name: 'a' } } }] },
    {
      type: 'BOOKMARK',
      columnDefinitions: null,
      rows: [{ object: { metadata: { annotations: { 'k8s.io/initial-events-end': 'true' } } } }],
    },
    { type: 'ADDED', columnDefinitions: null, rows: [{ object: { metadata: { name: 'b' } } }] },
  ])
})
