import { expect, test } from 'vitest'
import { configMaps } from '../api/resources.ts'
import type { ConfigMap } from '../api/types/core-v1.ts'
import { silentLog } from '../base/log.ts'
import { createObjectCache } from './object-cache.ts'

const map = (name: string, revision: number, uid = `uid-${name}`, more: Partial<ConfigMap['metadata']> = {}): ConfigMap => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace: 'n', uid, resourceVersion: String(revision), ...more },
})

function filled(...objects: ConfigMap[]) {
  const writer = createObjectCache<ConfigMap>({ ref: configMaps, admits: () => true, log: silentLog })
  const changes: string[] = []
  list(...objects)
  writer.cache.onChange((before, after) =>
    changes.push(`${before?.metadata.resourceVersion ?? '-'}>${after?.metadata.resourceVersion ?? '-'}`),
  )
  function list(...items: ConfigMap[]) {
    relist(10, ...items)
  }
  function relist(revision: number, ...items: ConfigMap[]) {
    writer.handle({ type: 'init' })
    for (const object of items) writer.handle({ type: 'init-apply', object })
    writer.handle({ type: 'init-done', revision: String(revision) })
  }
  const names = () => writer.cache.list().map(({ metadata }) => `${metadata.name}@${metadata.resourceVersion}`)
  return { writer, changes, relist, names }
}

test('a reply is seen at once, and the watch that tells it later changes nothing', () => {
  const { writer, changes, names } = filled()
  writer.observe(map('a', 11))
  writer.observe(map('a', 12))
  writer.handle({ type: 'apply', object: map('a', 11) })
  writer.handle({ type: 'apply', object: map('a', 12) })
  expect(names()).toEqual(['a@12'])
  expect(changes).toEqual(['->11', '11>12'])
})

test('what is deleted stays away though the watch still tells of its life, until a new one of the name comes', () => {
  const { writer, names } = filled(map('a', 5))
  writer.forget('n', 'a', 'uid-a')
  writer.handle({ type: 'apply', object: map('a', 11) })
  expect(names()).toEqual([])
  writer.handle({ type: 'delete', object: map('a', 12) })
  writer.handle({ type: 'apply', object: map('a', 13, 'uid-b') })
  expect(names()).toEqual(['a@13'])
})

test('a new object of the name survives the late deletion of the old one', () => {
  const { writer, names } = filled(map('a', 5))
  writer.forget('n', 'a', 'uid-a')
  writer.observe(map('a', 13, 'uid-b'))
  writer.handle({ type: 'delete', object: map('a', 12) })
  expect(names()).toEqual(['a@13'])
})

test('forgetting one uid leaves its successor', () => {
  const { writer, names } = filled(map('a', 5, 'uid-b'))
  writer.forget('n', 'a', 'uid-a')
  expect(names()).toEqual(['a@5'])
})

test('a relist swaps in whole, keeps what is newer than the list, and comes as differences', () => {
  const { writer, changes, relist, names } = filled(map('a', 5), map('b', 6), map('c', 7))
  writer.observe(map('new', 21))
  changes.length = 0
  relist(20, map('b', 6), map('c', 15))
  expect(names().sort()).toEqual(['b@6', 'c@15', 'new@21'])
  expect(changes.sort()).toEqual(['5>-', '7>15'])
})

test('a list older than a deletion does not bring the object back; a list past it drops the tombstone', () => {
  const { writer, relist, names } = filled(map('a', 5))
  writer.forget('n', 'a', 'uid-a')
  relist(11, map('a', 5))
  expect(names()).toEqual([])
  relist(12)
  relist(13, map('a', 13))
  expect(names()).toEqual(['a@13'])
})

test('indexes follow changes', () => {
  const { writer } = filled(map('a', 5, 'a', { labels: { app: 'x' } }))
  const { cache } = writer
  cache.addIndex('app', ({ metadata }) => (metadata.labels?.app ? [metadata.labels.app] : []))
  const owned = map('b', 11, 'b', { ownerReferences: [{ apiVersion: 'v1', kind: 'O', name: 'o', uid: 'o', controller: true }] })
  writer.observe(owned)
  writer.observe(map('a', 12, 'a', { labels: { app: 'y' } }))
  expect(cache.byIndex('app', 'x')).toEqual([])
  expect(cache.byIndex('app', 'y')).toHaveLength(1)
  expect(cache.ownedBy({ apiVersion: 'v1', kind: 'O', metadata: { name: 'o', uid: 'o' } })).toEqual([owned])
  expect(cache.list('n')).toHaveLength(2)
  expect(cache.list('m')).toEqual([])
  expect(() => cache.byIndex('none', '')).toThrow('declared before it is used')
})

test('a listener that fails leaves the others served', () => {
  const { writer, changes } = filled()
  writer.cache.onChange(() => {
    throw new Error('bug')
  })
  writer.observe(map('a', 11))
  expect(changes).toEqual(['->11'])
})

test('a successor of the same name comes as a deletion and an addition', () => {
  const { writer, changes, relist } = filled(map('a', 5))
  writer.handle({ type: 'apply', object: map('a', 12, 'uid-b') })
  relist(20, map('a', 15, 'uid-c'))
  expect(changes).toEqual(['5>-', '->12', '12>-', '->15'])
})
