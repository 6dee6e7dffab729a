import { open as openFile } from 'node:fs/promises'
import { type Database, open, type RootDatabase } from 'lmdb'
import { onErrorCode } from '../base/error-code.ts'
import { nextTurn } from '../base/turns.ts'
import { decodeRecord, encodeRecord, type Record } from './record.ts'
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

/** Newest revision of a key, in the index by key. A deleted key stays, as a tombstone, until it is compacted. */
interface Newest {
  readonly revision: number
  readonly deleted: boolean
}

interface Pending extends Record {
  readonly revision: number
  readonly resolve: (result: WriteResult) => void
  readonly reject: (error: Error) => void
}

interface Watching {
  readonly prefix: string
  readonly watcher: Watcher
  /** Everything up to here has been delivered. */
  position: number
  /** False while history is still being replayed. */
  live: boolean
  stopped: boolean
}

const replaySlice = 1000
/** How many records compaction looks at between two turns of the loop. */
const sweepSlice = 250
const maxKeyBytes = 1900

/**
 * The embedded store. `history` holds every record by revision, `newest` the newest revision of each key; a read at an
 * older revision follows `previousRevision` back. Records of one batch share one transaction and one sync. `onCommitted`
 * is called when a batch is committed and not yet known to be on disk, so that a test can fail right there.
 */
export async function openLmdbStore({ path, onCommitted }: { path: string; onCommitted?: () => void }): Promise<Store> {
  await refuseForeign(path)
  const environment = open({ path, noSubdir: true, overlappingSync: false, maxDbs: 4 })
  const store = new LmdbStore(environment, onCommitted)
  // What a killed process committed but had not synced becomes durable before anybody can read it.
  await environment.flushed
  return store
}

/** In the first page of every LMDB file (MDB_MAGIC of mdb.c), after the page's header. */
const magic = { offset: 24, value: 0xbeefc0de }

/** The library crashes on a file that is not its own. */
async function refuseForeign(path: string): Promise<void> {
  const file = await openFile(path).catch(onErrorCode(['ENOENT'], undefined))
  if (!file) return
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(magic.offset + 4), 0)
    if (bytesRead === 0) return
    if (bytesRead < buffer.length || buffer.readUInt32LE(magic.offset) !== magic.value)
      throw new StoreError(`Cannot open the store: ${path} is damaged or something else`)
  } finally {
    await file.close()
  }
}

class LmdbStore implements Store {
  readonly #environment: RootDatabase
  readonly #history: Database<Buffer, number>
  readonly #newest: Database<Newest, string>
  readonly #meta: Database<number, string>
  readonly #watching = new Set<Watching>()
  /** Newest not yet durable record of each key. */
  readonly #pending = new Map<string, Pending>()
  readonly #onCommitted: (() => void) | undefined
  #batch: Pending[] = []
  #flushing: Promise<void> | undefined
  #assigned: number
  #durable: number
  #compacted: number
  #failure: StoreError | undefined

  constructor(environment: RootDatabase, onCommitted: (() => void) | undefined) {
    this.#environment = environment
    this.#onCommitted = onCommitted
    this.#history = environment.openDB({ name: 'history', encoding: 'binary' })
    this.#newest = environment.openDB({ name: 'newest' })
    this.#meta = environment.openDB({ name: 'meta' })
    this.#durable = this.#meta.get('revision') ?? 1
    this.#compacted = this.#meta.get('compacted') ?? 0
    this.#assigned = this.#durable
  }

  revision(): number {
    return this.#durable
  }

  compactedRevision(): number {
    return this.#compacted
  }

  failure(): StoreError | undefined {
    return this.#failure
  }

  async get(key: string, revision = this.#durable): Promise<StoredEntry | undefined> {
    this.#checkReadable(revision)
    return Buffer.byteLength(key) > maxKeyBytes ? undefined : this.#entryAt(key, this.#newest.get(key), revision)
  }

  async list(prefix: string, options: ListOptions = {}): Promise<StoredRange> {
    const revision = options.revision ?? this.#durable
    this.#checkReadable(revision)
    const entries: StoredEntry[] = []
    let more = false
    if (Buffer.byteLength(prefix) > maxKeyBytes) return { entries, revision, more }
    const start = options.after ?? prefix
    const isCut = Buffer.byteLength(start) > maxKeyBytes
    for (const { key, value } of this.#newest.getRange({ start: isCut ? beginningOf(start) : start, end: endOf(prefix) })) {
      if (key === options.after || (isCut && Buffer.compare(Buffer.from(key), Buffer.from(start)) < 0)) continue
      const entry = this.#entryAt(key, value, revision)
      if (!entry) continue
      more = options.limit !== undefined && entries.length >= options.limit
      if (more) break
      entries.push(entry)
    }
    return { entries, revision, more }
  }

  write(write: Write): Promise<WriteResult> {
    if (this.#failure) return Promise.reject(this.#failure)
    if (Buffer.byteLength(write.key) > maxKeyBytes)
      return Promise.reject(new StoreError(`Cannot store a key of more than ${maxKeyBytes} bytes`))
    const before = this.#newestOf(write.key)
    const exists = before !== undefined && !before.deleted
    const held = write.ifRevision === undefined || (exists ? before.revision : 0) === write.ifRevision
    // Deleting what is not there changes nothing, so it takes no revision.
    if (!held || (write.value === undefined && !exists)) return Promise.resolve({ type: 'conflict', revision: before?.revision ?? 0 })
    const revision = ++this.#assigned
    return new Promise((resolve, reject) => {
      const pending: Pending = {
        key: write.key,
        revision,
        createRevision: exists ? before.createRevision : revision,
        previousRevision: before?.revision ?? 0,
        value: write.value,
        cause: write.cause,
        resolve,
        reject,
      }
      this.#pending.set(write.key, pending)
      this.#batch.push(pending)
      this.#flushing ??= this.#flush()
    })
  }

  watch(prefix: string, after: number, watcher: Watcher): { stop(): void } {
    if (after < this.#compacted) throw new CompactedError(`Revision ${after} has been compacted; the oldest is ${this.#compacted}`)
    const watching: Watching = { prefix, watcher, position: after, live: after >= this.#durable, stopped: false }
    this.#watching.add(watching)
    if (!watching.live) setImmediate(() => this.#replay(watching))
    return {
      stop: () => {
        watching.stopped = true
        this.#watching.delete(watching)
      },
    }
  }

  async compact(revision: number): Promise<void> {
    if (this.#failure) throw this.#failure
    const until = Math.min(revision, this.#durable)
    if (until > this.#compacted) {
      this.#compacted = until
      await this.#meta.put('compacted', until)
    }
    // What a killed process had not swept yet is swept now; a record is looked at once in its life.
    for (let start = (this.#meta.get('swept') ?? 0) + 1; start <= until; ) {
      const slice = [...this.#history.getRange({ start, end: until + 1, limit: sweepSlice })]
      const last = slice.length < sweepSlice ? until : (slice.at(-1)?.key ?? until)
      await this.#environment.batch(() => {
        for (const { key: at, value } of slice) this.#sweep(at, decodeRecord(value, at))
        void this.#meta.put('swept', last)
      })
      start = last + 1
    }
  }

  async close(): Promise<void> {
    while (this.#flushing) await this.#flushing
    this.#failure ??= new StoreError('The store is closed')
    for (const watching of this.#watching) watching.watcher.onEnd(new StoreError('The store was closed'))
    this.#watching.clear()
    await this.#environment.close()
  }

  /** Writes batch after batch until nothing waits; each becomes visible when its sync is done. */
  async #flush(): Promise<void> {
    // Everything written in this turn of the loop shares the first batch.
    await nextTurn()
    while (this.#batch.length > 0 && !this.#failure) {
      const batch = this.#batch
      this.#batch = []
      try {
        await this.#commit(batch)
      } catch (cause) {
        this.#fail(batch, await diskError(cause))
        break
      }
      this.#publish(batch)
    }
    this.#flushing = undefined
  }

  async #commit(batch: readonly Pending[]): Promise<void> {
    await this.#environment.batch(() => {
      for (const record of batch) {
        void this.#history.put(record.revision, encodeRecord(record))
        void this.#newest.put(record.key, { revision: record.revision, deleted: record.value === undefined })
      }
      void this.#meta.put('revision', batch.at(-1)?.revision ?? this.#durable)
    })
    this.#onCommitted?.()
    await this.#environment.flushed
  }

  #publish(batch: readonly Pending[]): void {
    this.#durable = batch.at(-1)?.revision ?? this.#durable
    for (const record of batch) if (this.#pending.get(record.key) === record) this.#pending.delete(record.key)
    const changes = batch.map((record) => this.#changeOf(record.revision, record))
    for (const watching of this.#watching) if (watching.live) this.#deliver(watching, changes, this.#durable)
    for (const record of batch) record.resolve({ type: 'written', revision: record.revision })
  }

  #fail(batch: readonly Pending[], cause: unknown): void {
    this.#failure = new StoreError(`Cannot write to the store: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
    const waiting = [...batch, ...this.#batch]
    this.#batch = []
    this.#pending.clear()
    for (const record of waiting) record.reject(this.#failure)
  }

  #replay(watching: Watching): void {
    if (watching.stopped) return
    if (watching.position < this.#compacted) {
      this.#watching.delete(watching)
      watching.watcher.onEnd(new CompactedError(`Revision ${watching.position} has been compacted`))
      return
    }
    const records = [...this.#history.getRange({ start: watching.position + 1, end: this.#durable + 1, limit: replaySlice })]
    const until = records.length < replaySlice ? this.#durable : (records.at(-1)?.key ?? this.#durable)
    this.#deliver(
      watching,
      records.map(({ key, value }) => this.#changeOf(key, decodeRecord(value, key))),
      until,
    )
    if (until < this.#durable) setImmediate(() => this.#replay(watching))
    else watching.live = true
  }

  #deliver(watching: Watching, changes: readonly Change[], until: number): void {
    // A watch may begin at a revision that is still to come.
    const wanted = changes.filter((change) => change.revision > watching.position && change.key.startsWith(watching.prefix))
    watching.position = Math.max(watching.position, until)
    if (wanted.length > 0) watching.watcher.onChanges(wanted)
    watching.watcher.onProgress?.(until)
  }

  #changeOf(revision: number, record: Record): Change {
    const previous = () => {
      const before = record.previousRevision === 0 ? undefined : this.#record(record.previousRevision)
      return before?.value === undefined ? undefined : entryOf(before, record.previousRevision)
    }
    return {
      key: record.key,
      revision,
      value: record.value,
      cause: record.cause,
      get previous() {
        return previous()
      },
    }
  }

  /** Removes what the record at this revision, itself no newer than what is kept, made unreachable. */
  #sweep(revision: number, record: Record): void {
    if (record.previousRevision > 0) void this.#history.remove(record.previousRevision)
    if (record.value !== undefined) return
    void this.#history.remove(revision)
    if (this.#newest.get(record.key)?.revision === revision && !this.#pending.has(record.key)) void this.#newest.remove(record.key)
  }

  #newestOf(key: string): { revision: number; createRevision: number; deleted: boolean } | undefined {
    const pending = this.#pending.get(key)
    if (pending) return { revision: pending.revision, createRevision: pending.createRevision, deleted: pending.value === undefined }
    const newest = this.#newest.get(key)
    if (!newest) return undefined
    return { ...newest, createRevision: newest.deleted ? 0 : (this.#record(newest.revision)?.createRevision ?? newest.revision) }
  }

  #record(revision: number): Record | undefined {
    const bytes = this.#history.get(revision)
    return bytes && decodeRecord(bytes, revision)
  }

  #recordAt(newest: Newest | undefined, revision: number): { revision: number; record: Record } | undefined {
    for (let at = newest?.revision ?? 0; at > 0; ) {
      const record = this.#record(at)
      if (!record) return undefined
      if (at <= revision) return record.value === undefined ? undefined : { revision: at, record }
      at = record.previousRevision
    }
    return undefined
  }

  #entryAt(key: string, newest: Newest | undefined, revision: number): StoredEntry | undefined {
    const found = this.#recordAt(newest, revision)
    return found && { ...entryOf(found.record, found.revision), key }
  }

  #checkReadable(revision: number): void {
    if (revision < this.#compacted) throw new CompactedError(`Revision ${revision} has been compacted; the oldest is ${this.#compacted}`)
    if (revision > this.#durable) throw new StoreError(`Revision ${revision} is in the future; the newest is ${this.#durable}`)
  }
}

function entryOf(record: Record, revision: number): StoredEntry {
  const { key, value, createRevision } = record
  return { key, value: value ?? new Uint8Array(), revision, createRevision }
}

/** lmdb rejects the batch at once and tells the disk's own error in a promise beside it. */
async function diskError(error: unknown): Promise<unknown> {
  const detail = error instanceof Error && 'commitError' in error ? error.commitError : undefined
  return detail instanceof Promise ? detail.catch((cause: unknown) => cause) : error
}

/** So much of a text that it is a key: it comes before the whole. */
const beginningOf = (text: string) => text.slice(0, Math.floor(maxKeyBytes / 3))

/** The first key after all that begin with the prefix. */
const endOf = (prefix: string) => `${prefix}\u{10ffff}`
