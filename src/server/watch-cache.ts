import { freeze } from '../api/decode.ts'
import { spliceRevision } from '../api/encode.ts'
import type { ApiWatchEvent, WatchSink } from '../api/exchange.ts'
import type { KubeObject } from '../api/object.ts'
import { StatusError } from '../api/status-error.ts'
import type { Change, Store } from '../store/store.ts'

/** One object at one revision: its bytes as every reader gets them, decoded and frozen when first asked for. */
export class CacheEntry {
  readonly key: string
  readonly revision: number
  readonly bytes: Uint8Array
  #object: KubeObject | undefined

  constructor(key: string, stored: Uint8Array, revision: number) {
    this.key = key
    this.revision = revision
    this.bytes = spliceRevision(stored, revision)
  }

  get object(): KubeObject {
    this.#object ??= freeze(
      JSON.parse(Buffer.from(this.bytes.buffer, this.bytes.byteOffset, this.bytes.byteLength).toString()) as KubeObject,
    )
    return this.#object
  }
}

export type EntryFilter = (entry: CacheEntry) => boolean

export interface WatchOptions {
  /** Only keys that begin with this. */
  readonly prefix: string
  readonly filter: EntryFilter
  /** Begin after this revision; undefined: with ADDED for all that is there. */
  readonly after: number | undefined
  readonly bookmarks: boolean
  /** With the initial objects, mark their end with an annotated bookmark. */
  readonly markInitialEnd: boolean
}

interface CacheEvent {
  readonly revision: number
  readonly key: string
  readonly before: CacheEntry | undefined
  /** Undefined: deleted. */
  readonly after: CacheEntry | undefined
  /** The deleted object at the revision of its deletion. */
  readonly last: CacheEntry | undefined
  /** Made once for all who see the same change the same way. */
  readonly lines: Map<string, ApiWatchEvent>
}

interface Watcher extends WatchOptions {
  readonly sink: WatchSink
}

const rememberedEvents = 8192

/**
 * All objects of one resource in memory, ordered by key, with the newest events for watches to resume from. It learns
 * only from the store's watch, so nothing is shown that is not durable; reads never touch the disk.
 */
export class WatchCache {
  readonly prefix: string
  readonly #apiVersion: string
  readonly #kind: string
  readonly #entries = new Map<string, CacheEntry>()
  /** The same entries' keys in order. */
  readonly #keys: string[] = []
  readonly #watchers = new Set<Watcher>()
  #events: CacheEvent[] = []
  /** The revision that the oldest remembered event follows on. */
  #oldest: number
  #revision: number

  private constructor({ prefix, apiVersion, kind, revision }: { prefix: string; apiVersion: string; kind: string; revision: number }) {
    this.prefix = prefix
    this.#apiVersion = apiVersion
    this.#kind = kind
    this.#revision = revision
    this.#oldest = revision
  }

  static async load(store: Store, { prefix, apiVersion, kind }: { prefix: string; apiVersion: string; kind: string }): Promise<WatchCache> {
    const { entries, revision } = await store.list(prefix)
    const cache = new WatchCache({ prefix, apiVersion, kind, revision })
    for (const entry of entries) {
      cache.#entries.set(entry.key, new CacheEntry(entry.key, entry.value, entry.revision))
      cache.#keys.push(entry.key)
    }
    store.watch(prefix, revision, {
      onChanges: (changes) => cache.#apply(changes),
      onProgress: (progress) => {
        cache.#revision = progress
      },
      onEnd: () => cache.#endWatches(),
    })
    return cache
  }

  /** Everything up to here is shown. */
  revision(): number {
    return this.#revision
  }

  get(key: string): CacheEntry | undefined {
    return this.#entries.get(key)
  }

  /** Entries whose keys begin with the prefix and come after `after`, in order. */
  *range(prefix: string, after?: string): Generator<CacheEntry> {
    for (let index = firstAtOrAfter(this.#keys, after ?? prefix); index < this.#keys.length; index++) {
      const key = this.#keys[index] ?? ''
      if (!key.startsWith(prefix)) return
      const entry = this.#entries.get(key)
      if (entry && key !== after) yield entry
    }
  }

  /** Pushes events into the sink until it says no or the returned function is called. Throws Expired when `after` is too old. */
  watch(options: WatchOptions, sink: WatchSink): () => void {
    const { after } = options
    if (after !== undefined && after < this.#oldest)
      throw new StatusError('Expired', `too old resource version: ${after} (${this.#oldest})`)
    const watcher: Watcher = { ...options, sink }
    if (after === undefined) this.#sendInitial(watcher)
    else for (const event of this.#events) if (event.revision > after) this.#send(watcher, event)
    this.#watchers.add(watcher)
    return () => void this.#watchers.delete(watcher)
  }

  /** Tells every watcher that asked for it how far it has seen. */
  sendBookmarks(): void {
    const event = this.#bookmark({})
    for (const watcher of this.#watchers) if (watcher.bookmarks && !watcher.sink.event(event)) this.#watchers.delete(watcher)
  }

  #sendInitial(watcher: Watcher): void {
    for (const entry of this.range(watcher.prefix)) if (watcher.filter(entry)) watcher.sink.event(eventOf('ADDED', entry))
    if (watcher.markInitialEnd) watcher.sink.event(this.#bookmark({ annotations: { 'k8s.io/initial-events-end': 'true' } }))
  }

  #bookmark(metadata: object): ApiWatchEvent<object> {
    const object = { kind: this.#kind, apiVersion: this.#apiVersion, metadata: { resourceVersion: String(this.#revision), ...metadata } }
    return { type: 'BOOKMARK', object, bytes: () => Buffer.from(`${JSON.stringify({ type: 'BOOKMARK', object })}\n`) }
  }

  #apply(changes: readonly Change[]): void {
    for (const change of changes) {
      const event = this.#record(change)
      this.#events.push(event)
      this.#revision = change.revision
      for (const watcher of this.#watchers) this.#send(watcher, event)
    }
    // Trimmed seldom, so that it costs little per event.
    if (this.#events.length > 2 * rememberedEvents) {
      const cut = this.#events.length - rememberedEvents
      this.#oldest = this.#events[cut - 1]?.revision ?? this.#oldest
      this.#events = this.#events.slice(cut)
    }
  }

  #record({ key, revision, value }: Change): CacheEvent {
    const before = this.#entries.get(key)
    if (value === undefined) {
      this.#entries.delete(key)
      const index = firstAtOrAfter(this.#keys, key)
      if (this.#keys[index] === key) this.#keys.splice(index, 1)
      return { revision, key, before, after: undefined, last: before && laterRevision(before, revision), lines: new Map() }
    }
    const after = new CacheEntry(key, value, revision)
    if (!before) this.#keys.splice(firstAtOrAfter(this.#keys, key), 0, key)
    this.#entries.set(key, after)
    return { revision, key, before, after, last: undefined, lines: new Map() }
  }

  #send(watcher: Watcher, event: CacheEvent): void {
    if (!event.key.startsWith(watcher.prefix)) return
    const before = event.before !== undefined && watcher.filter(event.before)
    const after = event.after !== undefined && watcher.filter(event.after)
    const type = after ? (before ? 'MODIFIED' : 'ADDED') : before ? 'DELETED' : undefined
    // What leaves a selector arrives as deleted, as it looks now.
    const entry = event.after ?? event.last
    if (!type || !entry) return
    const line = event.lines.get(type) ?? eventOf(type, entry)
    event.lines.set(type, line)
    if (!watcher.sink.event(line)) this.#watchers.delete(watcher)
  }

  #endWatches(): void {
    for (const { sink } of this.#watchers) sink.end()
    this.#watchers.clear()
  }
}

function eventOf(type: 'ADDED' | 'MODIFIED' | 'DELETED', entry: CacheEntry): ApiWatchEvent {
  let line: Uint8Array | undefined
  return {
    type,
    get object() {
      return entry.object
    },
    bytes() {
      line ??= Buffer.concat([Buffer.from(`{"type":"${type}","object":`), entry.bytes, Buffer.from('}\n')])
      return line
    },
  }
}

/** The same object with a later resourceVersion. */
function laterRevision(entry: CacheEntry, revision: number): CacheEntry {
  const { resourceVersion: _, ...metadata } = entry.object.metadata
  return new CacheEntry(entry.key, Buffer.from(JSON.stringify({ ...entry.object, metadata })), revision)
}

function firstAtOrAfter(sorted: readonly string[], key: string): number {
  let [low, high] = [0, sorted.length]
  // New objects often come last.
  if (high > 0 && (sorted[high - 1] ?? '') < key) return high
  while (low < high) {
    const middle = (low + high) >> 1
    if ((sorted[middle] ?? '') < key) low = middle + 1
    else high = middle
  }
  return low
}
