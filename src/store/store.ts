/**
 * A revisioned key-value log with etcd's semantics.
 *
 * Every accepted write takes the next revision of one global counter. One sequencer checks each write's precondition
 * against what is committed *and* what is pending, gives out the revision, and hands the write to the current batch.
 * A batch is flushed to disk with one sync; only then are its revisions readable, watchable and acknowledged, in order.
 * Keys are byte-ordered strings; values are opaque bytes.
 *
 *   write ─precondition fails─▶ { type: 'conflict' }
 *     │ ok: revision assigned
 *     ▼
 *   pending ─batch flushed─▶ durable: visible to get/list, delivered to watchers, promise resolved
 *     └─flush fails─▶ every write of the batch, and all later ones, reject with StoreError; the store is read-only until reopened
 */
export interface Store {
  /** The newest durable revision; grows only. A new store starts at 1. */
  revision(): number
  /** The oldest revision that can still be read or watched from. */
  compactedRevision(): number
  /** The entry at a revision (newest durable when left out). */
  get(key: string, revision?: number): Promise<StoredEntry | undefined>
  list(prefix: string, options?: ListOptions): Promise<StoredRange>
  write(write: Write): Promise<WriteResult>
  /**
   * Durable changes under `prefix` with a revision greater than `after`, in order, each batch once, until `stop` is called.
   * `onChanges` must not block. Throws CompactedError when `after` is older than what is kept.
   */
  watch(prefix: string, after: number, watcher: Watcher): { stop(): void }
  /** Forgets history before `revision`; current values stay. */
  compact(revision: number): Promise<void>
  /** Whether the key's value is kept otherwise than it would be written now; left out: never. */
  isStale?(key: string): Promise<boolean>
  /** Why no write is accepted any more; undefined while all is well. */
  failure(): StoreError | undefined
  /** Resolves when everything accepted is durable and the files are closed. */
  close(): Promise<void>
}

export interface StoredEntry {
  readonly key: string
  readonly value: Uint8Array
  /** Revision of the newest write to this key. */
  readonly revision: number
  readonly createRevision: number
}

export interface ListOptions {
  /** A consistent snapshot at this revision; CompactedError when it is gone, StoreError when it lies in the future. */
  revision?: number
  /** Only keys greater than this one. */
  after?: string
  limit?: number
}

export interface StoredRange {
  readonly entries: readonly StoredEntry[]
  /** The revision that this is a snapshot of. */
  readonly revision: number
  /** Whether the limit cut it off. */
  readonly more: boolean
}

export interface Write {
  readonly key: string
  /** Undefined deletes. */
  readonly value: Uint8Array | undefined
  /** The key's newest revision must be this; 0: the key must not exist; undefined: whatever it is. */
  readonly ifRevision: number | undefined
  /** Which request or reconcile made this write, for the causal trace. Kept with the change. */
  readonly cause?: string
}

export type WriteResult =
  | { readonly type: 'written'; readonly revision: number }
  /** The precondition does not hold. `revision` is the newest of the key, also of its deletion, and may still be pending; 0: there is none. */
  | { readonly type: 'conflict'; readonly revision: number }

export interface Change {
  readonly key: string
  readonly revision: number
  /** Undefined: deleted. */
  readonly value: Uint8Array | undefined
  /** The value before, undefined when the key was made by this change. */
  readonly previous: StoredEntry | undefined
  readonly cause: string | undefined
}

export interface Watcher {
  /** One durable batch, in revision order. */
  onChanges(changes: readonly Change[]): void
  /** All changes up to `revision` have been delivered: what bookmarks need. */
  onProgress?(revision: number): void
  /** The watch ended and must be started again from a list. */
  onEnd(error: Error): void
}

/** The asked revision has been compacted away. */
export class CompactedError extends Error {
  override readonly name = 'CompactedError'
}

/** The disk or the store behind it fails; nothing that was confirmed is lost, nothing more is accepted. */
export class StoreError extends Error {
  override readonly name = 'StoreError'
}
