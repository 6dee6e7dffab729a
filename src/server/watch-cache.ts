import { adoptStored, decodeStored, freezeStored, spliceRevision, withoutRevision } from '../api/encode.ts'
import type { ApiWatchEvent, WatchSink } from '../api/exchange.ts'
import type { KubeObject } from '../api/object.ts'
import { StatusError } from '../api/status-error.ts'
import type { Clock } from '../base/clock.ts'
import { nextTurn } from '../base/turns.ts'
import type { Change } from '../store/store.ts'
import type { ReadableStore } from './custom-resources/converted-store.ts'

/** One object at one revision: its bytes as every reader gets them, decoded and frozen when first asked for. */
export class CacheEntry {
  readonly key: string
  readonly revision: number
  readonly bytes: Uint8Array
  #object: KubeObject | undefined
  /** What it was encoded from, while that is still at hand. */
  #source: KubeObject | undefined

  constructor(key: string, stored: Uint8Array, revision: number, source?: KubeObject) {
    this.key = key
    this.revision = revision
    this.bytes = spliceRevision(stored, revision)
    this.#source = source
  }

  get object(): KubeObject {
    if (!this.#object) {
      const adopted = this.#source && adoptStored(this.#source, this.bytes, this.revision)
      this.#object = adopted ?? freezeStored(decodeStored(this.bytes))
      this.#source = undefined
    }
    return this.#object
  }

  /** From here on the object, where nobody has asked for it yet, is decoded when somebody does: entries stay small. */
  forgetSource(): void {
    this.#source = undefined
  }

  /** The object for one look, which does not make the entry bigger: for lists that select or show rows. */
  glance(): Readonly<KubeObject> {
    return this.#object ?? decodeStored(this.bytes)
  }
}

/** The objects that this process has just encoded, by the bytes it gave to the store: they need not be decoded again. */
const sources = new WeakMap<Uint8Array, KubeObject>()

/** Tells caches what the bytes were encoded from; nobody may change the object afterwards. */
export function rememberSource(stored: Uint8Array, object: KubeObject): void {
  sources.set(stored, object)
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

export interface Watching {
  stop(): void
  /** Tells this watcher, where it asked for that, how far it has seen. */
  sendBookmark(): void
}

interface CacheEvent {
  readonly revision: number
  readonly key: string
  readonly before: CacheEntry | undefined
  /** Undefined: deleted. */
  readonly after: CacheEntry | undefined
  /** The object as it was before, at this revision: what those see whom it leaves. Made when first needed. */
  last: CacheEntry | undefined
  /** Made once for all who see the same change the same way. */
  readonly lines: Map<string, ApiWatchEvent>
}

interface Watcher extends WatchOptions {
  readonly sink: WatchSink
  /** The revision of the initial objects while they are still being sent; undefined once they are. */
  sending: number | undefined
}

const rememberedEvents = 8192
/** However few they are: events keep objects that nothing else keeps any more. */
const rememberedBytes = 32 << 20
/** How many entries are read from the store, or sent to a watcher, before others get a turn. */
const slice = 500

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
  readonly #waiters = new Set<{ readonly revision: number; done(): void }>()
  #events: CacheEvent[] = []
  /** What the remembered events keep. */
  #eventBytes = 0
  /** The revision that the oldest remembered event follows on. */
  #oldest: number
  #revision: number
  #isClosed = false
  /** Follows the store no longer. */
  #stop = () => {}

  private constructor({ prefix, apiVersion, kind, revision }: { prefix: string; apiVersion: string; kind: string; revision: number }) {
    this.prefix = prefix
    this.#apiVersion = apiVersion
    this.#kind = kind
    this.#revision = revision
    this.#oldest = revision
  }

  static async load(
    store: ReadableStore,
    { prefix, apiVersion, kind }: { prefix: string; apiVersion: string; kind: string },
  ): Promise<WatchCache> {
    let { entries, revision, more } = await store.list(prefix, { limit: slice })
    const cache = new WatchCache({ prefix, apiVersion, kind, revision })
    for (;;) {
      for (const entry of entries) {
        cache.#entries.set(entry.key, new CacheEntry(entry.key, entry.value, entry.revision))
        cache.#keys.push(entry.key)
      }
      const after = entries.at(-1)?.key
      if (!more || after === undefined) break
      await nextTurn()
      ;({ entries, more } = await store.list(prefix, { revision, after, limit: slice }))
    }
    const following = store.watch(prefix, revision, {
      onChanges: (changes) => cache.#apply(changes),
      onProgress: (progress) => cache.#progress(progress),
      onEnd: () => cache.#endWatches(),
    })
    cache.#stop = () => following.stop()
    return cache
  }

  /** Everything up to here is shown. */
  revision(): number {
    return this.#revision
  }

  get(key: string): CacheEntry | undefined {
    return this.#entries.get(key)
  }

  /** How many entries there are. */
  get size(): number {
    return this.#keys.length
  }

  /** How many keys begin with the prefix. */
  count(prefix: string): number {
    return firstAtOrAfter(this.#keys, `${prefix}\u{10ffff}`) - firstAtOrAfter(this.#keys, prefix)
  }

  /** Resolves with whether everything up to the revision is shown, at the latest after `timeoutMs`. */
  async reaches(revision: number, clock: Clock, timeoutMs: number): Promise<boolean> {
    if (this.#revision >= revision || this.#isClosed) return this.#revision >= revision
    return new Promise((resolve) => {
      const waiter = {
        revision,
        done: () => {
          cancel()
          this.#waiters.delete(waiter)
          resolve(this.#revision >= revision)
        },
      }
      const cancel = clock.after(timeoutMs, waiter.done)
      this.#waiters.add(waiter)
    })
  }

  /** All entries whose keys begin with the prefix, in order, as they are now. */
  snapshot(prefix: string): CacheEntry[] {
    const end = firstAtOrAfter(this.#keys, `${prefix}\u{10ffff}`)
    const entries: CacheEntry[] = []
    for (let index = firstAtOrAfter(this.#keys, prefix); index < end; index++) {
      const entry = this.#entries.get(this.#keys[index] ?? '')
      if (entry) entries.push(entry)
    }
    return entries
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

  /** Pushes events into the sink until it says no or is stopped. Throws Expired when `after` is too old. */
  watch(options: WatchOptions, sink: WatchSink): Watching {
    const { after } = options
    if (this.#isClosed) throw new StatusError('Expired', 'the resource is no longer served as it was')
    if (after !== undefined && after < this.#oldest)
      throw new StatusError('Expired', `too old resource version: ${after} (${this.#oldest})`)
    const watcher: Watcher = { ...options, sink, sending: undefined }
    this.#watchers.add(watcher)
    if (after === undefined) this.#sendInitial(watcher)
    else for (const event of this.#events) if (event.revision > after) this.#send(watcher, event)
    return {
      stop: () => void this.#watchers.delete(watcher),
      sendBookmark: () => this.#sendBookmark(watcher, this.#bookmark({})),
    }
  }

  /** Ends all watches; what is shown stays as it is. Whoever watches from now on is told at once that it is over. */
  close(): void {
    this.#isClosed = true
    this.#stop()
    this.#endWatches()
    for (const waiter of this.#waiters) waiter.done()
  }

  /** Tells every watcher that asked for it how far it has seen. */
  sendBookmarks(): void {
    const event = this.#bookmark({})
    for (const watcher of this.#watchers) this.#sendBookmark(watcher, event)
  }

  #sendBookmark(watcher: Watcher, event: ApiWatchEvent<unknown>): void {
    // Who is still being sent what there is has not seen what happened meanwhile.
    if (!watcher.bookmarks || watcher.sending !== undefined || !this.#watchers.has(watcher)) return
    if (!watcher.sink.event(event)) this.#watchers.delete(watcher)
  }

  #sendInitial(watcher: Watcher): void {
    const entries = this.snapshot(watcher.prefix)
    const end = this.#bookmark({ annotations: { 'k8s.io/initial-events-end': 'true' } })
    const sendSlice = (first: number) =>
      this.#guarded(watcher, () => {
        for (const entry of entries.slice(first, first + slice)) {
          if (watcher.filter(entry) && !watcher.sink.event(eventOf('ADDED', entry))) this.#watchers.delete(watcher)
          if (!this.#watchers.has(watcher)) return
        }
      })
    const finish = () => {
      const since = watcher.sending
      watcher.sending = undefined
      // Who cannot read what there is in the time in which all that is remembered happens, begins again.
      if (since !== undefined && since < this.#oldest) {
        this.#watchers.delete(watcher)
        watcher.sink.end()
        return
      }
      if (watcher.markInitialEnd && !watcher.sink.event(end)) this.#watchers.delete(watcher)
      if (since === undefined) return
      for (const event of this.#events)
        if (event.revision > since && this.#watchers.has(watcher)) this.#guarded(watcher, () => this.#send(watcher, event))
    }
    sendSlice(0)
    if (entries.length <= slice) return finish()
    watcher.sending = this.#revision
    void (async () => {
      for (let first = slice; first < entries.length && this.#watchers.has(watcher); first += slice) {
        await (watcher.sink.ready?.() ?? nextTurn())
        sendSlice(first)
      }
      if (this.#watchers.has(watcher)) finish()
    })()
  }

  #bookmark(metadata: object): ApiWatchEvent<object> {
    const object = { kind: this.#kind, apiVersion: this.#apiVersion, metadata: { resourceVersion: String(this.#revision), ...metadata } }
    return { type: 'BOOKMARK', object, bytes: () => Buffer.from(`${JSON.stringify({ type: 'BOOKMARK', object })}\n`) }
  }

  #apply(changes: readonly Change[]): void {
    const events: CacheEvent[] = []
    for (const change of changes) {
      const event = this.#record(change)
      events.push(event)
      this.#events.push(event)
      this.#eventBytes += bytesOf(event)
      this.#progress(change.revision)
      for (const watcher of this.#watchers) this.#guarded(watcher, () => this.#send(watcher, event))
    }
    // Watchers in this process have looked by then.
    setImmediate(() => {
      for (const { key } of changes) this.#entries.get(key)?.forgetSource()
      for (const event of events) {
        event.lines.clear()
        event.last = undefined
      }
    })
    // Trimmed seldom, so that it costs little per event.
    if (this.#events.length > 2 * rememberedEvents || this.#eventBytes > 2 * rememberedBytes) this.#trim()
  }

  /** Forgets the oldest events, down to the bounds; the newest one stays whatever its size. */
  #trim(): void {
    let cut = 0
    while (cut < this.#events.length - 1) {
      const event = this.#events[cut]
      if (!event || (this.#events.length - cut <= rememberedEvents && this.#eventBytes <= rememberedBytes)) break
      this.#eventBytes -= bytesOf(event)
      this.#oldest = event.revision
      cut++
    }
    this.#events = this.#events.slice(cut)
  }

  #progress(revision: number): void {
    this.#revision = revision
    for (const waiter of this.#waiters) if (waiter.revision <= revision) waiter.done()
  }

  #record({ key, revision, value }: Change): CacheEvent {
    const before = this.#entries.get(key)
    if (value === undefined) {
      this.#entries.delete(key)
      const index = firstAtOrAfter(this.#keys, key)
      if (this.#keys[index] === key) this.#keys.splice(index, 1)
      return { revision, key, before, after: undefined, last: undefined, lines: new Map() }
    }
    const after = new CacheEntry(key, value, revision, sources.get(value))
    if (!before) this.#keys.splice(firstAtOrAfter(this.#keys, key), 0, key)
    this.#entries.set(key, after)
    return { revision, key, before, after, last: undefined, lines: new Map() }
  }

  /**
   * What goes wrong for one watcher (a selector or a view that stumbles over an object) ends its watch alone, and it is
   * told: the store, which is waiting for all of this, and everybody else go on.
   */
  #guarded(watcher: Watcher, run: () => void): void {
    try {
      run()
    } catch (error) {
      this.#watchers.delete(watcher)
      const why = error instanceof Error ? error.message : String(error)
      const object = new StatusError('InternalError', `Internal error occurred: ${why}`).status()
      watcher.sink.event({ type: 'ERROR', object, bytes: () => Buffer.from(`${JSON.stringify({ type: 'ERROR', object })}\n`) })
      watcher.sink.end()
    }
  }

  #send(watcher: Watcher, event: CacheEvent): void {
    if (!event.key.startsWith(watcher.prefix) || event.revision <= (watcher.after ?? 0)) return
    if (watcher.sending !== undefined) return
    const before = event.before !== undefined && watcher.filter(event.before)
    const after = event.after !== undefined && watcher.filter(event.after)
    const type = after ? (before ? 'MODIFIED' : 'ADDED') : before ? 'DELETED' : undefined
    if (!type) return
    let line = event.lines.get(type)
    if (!line) {
      // What leaves a selector, as what is deleted, arrives as it was when it was last seen.
      if (type === 'DELETED') event.last ??= event.before && laterRevision(event.before, event.revision)
      const entry = type === 'DELETED' ? event.last : event.after
      if (!entry) return
      line = eventOf(type, entry)
      event.lines.set(type, line)
    }
    if (!watcher.sink.event(line)) this.#watchers.delete(watcher)
  }

  #endWatches(): void {
    for (const { sink } of this.#watchers) sink.end()
    this.#watchers.clear()
  }
}

/** The object before an event is mostly the one after another, and counted there. */
const bytesOf = ({ before, after }: CacheEvent) => (after ?? before)?.bytes.length ?? 0

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
const laterRevision = ({ key, bytes, revision: before }: CacheEntry, revision: number): CacheEntry =>
  new CacheEntry(key, withoutRevision(bytes, before), revision)

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
