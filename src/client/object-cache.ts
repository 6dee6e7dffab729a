import { type KubeObject, keyOf } from '../api/object.ts'
import type { ResourceRef } from '../api/resource-ref.ts'
import { assert } from '../base/assert.ts'
import type { Log } from '../base/log.ts'
import type { Cache } from './client.ts'
import type { WatcherEvent } from './watcher.ts'

type Listener<T> = (before: T | undefined, after: T | undefined) => void

/** What is remembered of a deleted object until the watch has passed its deletion. */
interface Tombstone {
  readonly uid: string | undefined
  /** The newest revision in which it was seen. */
  readonly revision: number
}

/** The filling side of a cache: `handle` for the watcher, `observe` and `forget` for replies to this client's own writes. */
export interface CacheWriter<T extends KubeObject> {
  readonly cache: Cache<T>
  handle(event: WatcherEvent<T>): void
  observe(object: T): void
  /** The object of this name and uid is known to be gone. */
  forget(namespace: string | undefined, name: string, uid: string | undefined): void
  /** Resolves with the next whole list. */
  listed(): Promise<void>
}

/**
 * One resource's objects. An entry never goes back to an older revision, and a deleted object never comes back: watch
 * and replies may overtake each other.
 *
 * @param admits whether a written object that is not here yet belongs here; what is here already is always followed,
 *   and the watch tells when it leaves.
 */
export function createObjectCache<T extends KubeObject>({
  ref,
  admits,
  log,
}: {
  ref: ResourceRef<T>
  admits: (object: T) => boolean
  log: Log
}): CacheWriter<T> {
  const entries = new Map<string, T>()
  const tombstones = new Map<string, Tombstone>()
  const indexes = new Map<string, Index<T>>([
    [byNamespace, createIndex(({ metadata }) => (metadata.namespace === undefined ? [] : [metadata.namespace]))],
    [byOwner, createIndex(({ metadata }) => (metadata.ownerReferences ?? []).filter(({ controller }) => controller).map(({ uid }) => uid))],
  ])
  const listeners = new Set<Listener<T>>()
  let staged: Map<string, T> | undefined
  let all: readonly T[] | undefined
  let waiting: (() => void)[] = []
  let isSynced: () => void = () => {}
  const synced = new Promise<void>((resolve) => (isSynced = resolve))

  const cache: Cache<T> = {
    ref,
    get: (namespace, name) => entries.get(ref.namespaced && namespace ? `${namespace}/${name}` : name),
    list(namespace) {
      if (namespace !== undefined && ref.namespaced) return cache.byIndex(byNamespace, namespace)
      all ??= [...entries.values()]
      return all
    },
    ownedBy: ({ metadata }) => (metadata.uid === undefined ? [] : cache.byIndex(byOwner, metadata.uid)),
    byIndex(name, key) {
      const index = indexes.get(name)
      assert(index, `the index ${name} of ${ref.plural} is declared before it is used`)
      return index.get(key)
    },
    addIndex(name, keysOf) {
      if (indexes.has(name)) return
      const index = createIndex(keysOf)
      for (const [key, object] of entries) index.change(key, undefined, object)
      indexes.set(name, index)
    },
    onChange(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    synced: () => synced,
  }

  return {
    cache,
    handle,
    observe(object) {
      const key = keyOf(object)
      if (entries.has(key) || admits(object)) apply(key, object)
    },
    forget(namespace, name, uid) {
      const key = ref.namespaced && namespace ? `${namespace}/${name}` : name
      const entry = entries.get(key)
      if (!entry || (uid !== undefined && entry.metadata.uid !== uid)) return
      bury(key, entry)
      set(key, undefined)
    },
    listed: () => new Promise((resolve) => waiting.push(resolve)),
  }

  function handle(event: WatcherEvent<T>): void {
    switch (event.type) {
      case 'init':
        staged = new Map()
        return
      case 'init-apply':
        staged?.set(keyOf(event.object), event.object)
        return
      case 'init-done': {
        swap(staged ?? new Map(), Number(event.revision))
        staged = undefined
        isSynced()
        const resolvers = waiting
        waiting = []
        for (const resolve of resolvers) resolve()
        return
      }
      case 'apply':
        apply(keyOf(event.object), event.object)
        return
      case 'delete':
        remove(keyOf(event.object), event.object)
    }
  }

  function apply(key: string, object: T): void {
    const before = entries.get(key)
    if (before && revisionOf(before) >= revisionOf(object)) return
    const tombstone = tombstones.get(key)
    if (tombstone) {
      if (tombstone.uid === object.metadata.uid || revisionOf(object) <= tombstone.revision) return
      tombstones.delete(key)
    }
    // Whoever follows the old object learns that it is gone, and not that it became another.
    if (before && before.metadata.uid !== object.metadata.uid) set(key, undefined)
    set(key, object)
  }

  /** The watch saw it go: whatever this client saw of it is older, and no tombstone is needed any more. */
  function remove(key: string, last: T): void {
    const before = entries.get(key)
    if (tombstones.get(key)?.uid === last.metadata.uid) tombstones.delete(key)
    if (!before || revisionOf(before) > revisionOf(last)) return
    set(key, undefined)
  }

  /** A whole list takes the place of what is here, but for what this client knows to be newer. */
  function swap(list: ReadonlyMap<string, T>, revision: number): void {
    for (const [key, object] of entries) if (!list.has(key) && revisionOf(object) <= revision) set(key, undefined)
    for (const [key, object] of list) apply(key, object)
    for (const [key, tombstone] of tombstones) {
      if (list.get(key)?.metadata.uid !== tombstone.uid && tombstone.revision <= revision) tombstones.delete(key)
    }
  }

  function bury(key: string, object: T): void {
    tombstones.set(key, { uid: object.metadata.uid, revision: revisionOf(object) })
  }

  function set(key: string, after: T | undefined): void {
    const before = entries.get(key)
    if (after) entries.set(key, after)
    else entries.delete(key)
    all = undefined
    for (const index of indexes.values()) index.change(key, before, after)
    for (const listener of listeners) {
      try {
        listener(before, after)
      } catch (error) {
        // One listener's bug must not leave the others, or the copy itself, behind.
        log.error('A listener of a cache failed', { error, resource: ref.plural, key })
      }
    }
  }
}

const byNamespace = 'metadata.namespace'
const byOwner = 'metadata.ownerReferences.controller'

/** Revisions of one store are ordered numbers. */
const revisionOf = ({ metadata }: KubeObject) => Number(metadata.resourceVersion ?? 0)

interface Index<T> {
  get(key: string): readonly T[]
  change(objectKey: string, before: T | undefined, after: T | undefined): void
}

function createIndex<T>(keysOf: (object: T) => readonly string[]): Index<T> {
  const groups = new Map<string, Map<string, T>>()
  return {
    get(key) {
      const group = groups.get(key)
      return group ? [...group.values()] : []
    },
    change(objectKey, before, after) {
      const added = after ? keysOf(after) : []
      if (before) {
        for (const key of keysOf(before)) {
          if (added.includes(key)) continue
          const group = groups.get(key)
          group?.delete(objectKey)
          if (group?.size === 0) groups.delete(key)
        }
      }
      for (const key of added) {
        const group = groups.get(key) ?? new Map<string, T>()
        if (after) group.set(objectKey, after)
        groups.set(key, group)
      }
    },
  }
}
