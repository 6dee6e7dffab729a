import {
  type Change,
  CompactedError,
  type ListOptions,
  type Store,
  type StoredEntry,
  type StoredRange,
  StoreError,
  type Watcher,
  type Write,
  type WriteResult,
} from './store.ts'

/** One write to a key; a key's versions are kept in order of revision. */
interface Version {
  readonly revision: number
  readonly createRevision: number
  readonly value: Uint8Array | undefined
}

interface Watching {
  readonly prefix: string
  readonly watcher: Watcher
  position: number
}

/** The store's semantics without a disk, for tests and simulations: durable means that the microtask has run. */
export function createMemoryStore(): Store {
  const versions = new Map<string, Version[]>()
  /** Every change by revision, oldest first; what compaction forgets is cut off at the front. */
  let log: Change[] = []
  const watching = new Set<Watching>()
  let sortedKeys: string[] | undefined
  let revision = 1
  let compacted = 0
  let closed = false

  const newestOf = (key: string) => versions.get(key)?.at(-1)
  const versionAt = (key: string, at: number) => versions.get(key)?.findLast((version) => version.revision <= at)
  const entryOf = (key: string, version: Version | undefined): StoredEntry | undefined =>
    version?.value && { key, value: version.value, revision: version.revision, createRevision: version.createRevision }

  const checkReadable = (at: number) => {
    if (at < compacted) throw new CompactedError(`Revision ${at} has been compacted; the oldest is ${compacted}`)
    if (at > revision) throw new StoreError(`Revision ${at} is in the future; the newest is ${revision}`)
  }

  /** Keys in byte order, sorted again only after new ones came. */
  const keys = () => {
    sortedKeys ??= [...versions.keys()].sort()
    return sortedKeys
  }

  const deliver = (target: Watching, changes: readonly Change[]) => {
    const wanted = changes.filter((change) => change.revision > target.position && change.key.startsWith(target.prefix))
    target.position = Math.max(target.position, revision)
    if (wanted.length > 0) target.watcher.onChanges(wanted)
    target.watcher.onProgress?.(revision)
  }

  const apply = ({ key, value, ifRevision, cause }: Write): WriteResult => {
    const before = newestOf(key)
    const current = entryOf(key, before)
    const held = ifRevision === undefined || (current?.revision ?? 0) === ifRevision
    if (!held || (value === undefined && !current)) return { type: 'conflict', revision: before?.revision ?? 0 }
    revision++
    if (!versions.has(key)) {
      versions.set(key, [])
      sortedKeys = undefined
    }
    versions.get(key)?.push({ revision, createRevision: current?.createRevision ?? revision, value })
    const change: Change = { key, revision, value, previous: current, cause }
    log.push(change)
    for (const target of watching) deliver(target, [change])
    return { type: 'written', revision }
  }

  return {
    revision: () => revision,
    compactedRevision: () => compacted,
    failure: () => (closed ? new StoreError('The store is closed') : undefined),
    async get(key, at = revision) {
      checkReadable(at)
      return entryOf(key, versionAt(key, at))
    },
    async list(prefix: string, { revision: at = revision, after, limit }: ListOptions = {}): Promise<StoredRange> {
      checkReadable(at)
      const found = keys()
        .slice(firstAfter(keys(), after ?? prefix, after === undefined))
        .filter((key) => key.startsWith(prefix))
        .flatMap((key) => entryOf(key, versionAt(key, at)) ?? [])
      const entries = limit === undefined ? found : found.slice(0, limit)
      return { entries, revision: at, more: found.length > entries.length }
    },
    async write(write) {
      if (closed) throw new StoreError('The store is closed')
      return apply(write)
    },
    watch(prefix, after, watcher) {
      if (after < compacted) throw new CompactedError(`Revision ${after} has been compacted; the oldest is ${compacted}`)
      const target: Watching = { prefix, watcher, position: after }
      if (after < revision) deliver(target, log)
      watching.add(target)
      return { stop: () => void watching.delete(target) }
    },
    async compact(until) {
      if (closed) throw new StoreError('The store is closed')
      compacted = Math.max(compacted, Math.min(until, revision))
      log = log.filter((change) => change.revision >= compacted)
      for (const [key, all] of versions) {
        const kept = all.filter(
          (version, index) => version.revision >= compacted || (all[index + 1]?.revision ?? Number.POSITIVE_INFINITY) > compacted,
        )
        const first = kept[0]
        if (kept.length === 1 && first && first.value === undefined && first.revision <= compacted) versions.delete(key)
        else versions.set(key, kept)
      }
      sortedKeys = undefined
    },
    async close() {
      closed = true
      for (const { watcher } of watching) watcher.onEnd(new StoreError('The store was closed'))
      watching.clear()
    },
  }
}

/** Where keys at or after (or strictly after) a key begin in the sorted list. */
function firstAfter(sorted: readonly string[], key: string, inclusive: boolean): number {
  let [low, high] = [0, sorted.length]
  while (low < high) {
    const middle = (low + high) >> 1
    const at = sorted[middle] ?? ''
    if (at < key || (!inclusive && at === key)) low = middle + 1
    else high = middle
  }
  return low
}
