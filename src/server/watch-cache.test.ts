import { expect, test } from 'vitest'
import type { ApiWatchEvent } from '../api/exchange.ts'
import type { KubeObject } from '../api/object.ts'
import { nextTurn } from '../base/turns.ts'
import { createMemoryStore } from '../store/memory.ts'
import { WatchCache, type WatchOptions } from './watch-cache.ts'

const prefix = '/registry/core/configmaps/'

async function makeCache() {
  const store = createMemoryStore()
  const cache = await WatchCache.load(store, { prefix, apiVersion: 'v1', kind: 'ConfigMap' })
  const put = async (name: string, data: object | undefined) => {
    const object = { kind: 'ConfigMap', apiVersion: 'v1', metadata: { name }, data }
    const value = data && Buffer.from(JSON.stringify(object))
    const result = await store.write({ key: `${prefix}${name}`, value, ifRevision: undefined })
    return result.revision
  }
  const watch = (options: Partial<WatchOptions> = {}, ready?: () => Promise<void>) => {
    const seen: { type: string; name?: string; revision?: string; data?: Record<string, string> }[] = []
    const { stop } = cache.watch(
      { prefix, filter: () => true, after: undefined, bookmarks: false, markInitialEnd: false, ...options },
      {
        event({ type, object }: ApiWatchEvent<unknown>) {
          const { metadata, data } = object as KubeObject & { data?: Record<string, string> }
          seen.push({
            type,
            ...(metadata.name && { name: metadata.name }),
            revision: metadata.resourceVersion ?? '',
            ...(data && { data }),
          })
          return true
        },
        ...(ready && { ready }),
        end: () => void seen.push({ type: 'END' }),
      },
    )
    return { seen, stop }
  }
  return { store, cache, put, watch }
}

test('what leaves a selector arrives as it was when it was in, at the revision at which it left', async () => {
  const { put, watch } = await makeCache()
  const { seen } = watch({ filter: ({ object }) => (object as KubeObject & { data: { in: string } }).data.in === 'yes' })
  await put('a', { in: 'yes' })
  const left = await put('a', { in: 'no' })
  expect(seen.at(-1)).toEqual({ type: 'DELETED', name: 'a', revision: String(left), data: { in: 'yes' } })
})

test('nobody is told how far it has seen before it has seen that', async () => {
  const { cache, put, watch } = await makeCache()
  for (let index = 0; index < 501; index++) await put(`a${index}`, {})
  let goOn = () => {}
  const { seen } = watch({ bookmarks: true }, () => new Promise((resolve) => (goOn = resolve)))
  await put('late', {})
  cache.sendBookmarks()
  expect(seen.every(({ type }) => type === 'ADDED')).toBe(true)
  goOn()
  await nextTurn()
  expect(seen.filter(({ name }) => name === 'late')).toHaveLength(1)
  cache.sendBookmarks()
  expect(seen.at(-1)?.type).toBe('BOOKMARK')
})

test('few large events are forgotten as many small ones are', async () => {
  const { cache, put, watch } = await makeCache()
  for (let index = 0; index < 501; index++) await put(`a${index}`, {})
  const first = cache.revision()
  let goOn = () => {}
  const { seen } = watch({}, () => new Promise((resolve) => (goOn = resolve)))
  const large = 'x'.repeat(1 << 20)
  for (let index = 0; index < 70; index++) await put('large', { large, index: String(index) })
  expect(() => watch({ after: first })).toThrow('too old resource version')
  expect(watch({ after: cache.revision() - 20 }).seen).toHaveLength(20)
  // Who was still reading what there was when it began cannot be told the rest.
  goOn()
  await nextTurn()
  expect(seen.at(-1)?.type).toBe('END')
})

test('who stumbles over an object is told so, and nobody else', async () => {
  const { put, watch } = await makeCache()
  const stumbling = ({ object }: { object: KubeObject }) => (object as KubeObject & { data: { list: string[] } }).data.list.includes('x')
  const [one, all] = [watch({ filter: stumbling }), watch()]
  await put('a', {})
  await put('b', { list: ['x'] })
  expect(one.seen.map(({ type }) => type)).toEqual(['ERROR', 'END'])
  expect(all.seen.map(({ name }) => name)).toEqual(['a', 'b'])
  // So it is with what was there before.
  expect(watch({ filter: stumbling }).seen.map(({ type }) => type)).toEqual(['ERROR', 'END'])
})
