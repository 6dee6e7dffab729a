import { type Change, type Store, type StoredEntry, StoreError } from '../store.ts'
import type { EncryptionConfiguration } from './encryption-configuration.ts'
import { encryptedPrefix, type Transformer, transformersOf } from './transformer.ts'

export interface EncryptedStore extends Store {
  /** From here on written, and read, by another configuration. What is stored stays as it is until it is written again. */
  configure(configuration: EncryptionConfiguration): void
}

/**
 * A store whose values are kept as a configuration wants it, by the resource that a key (`/registry/GROUP/PLURAL/…`) names.
 * Everybody above reads and writes them plain.
 */
export function encryptedStore(store: Store, configuration: EncryptionConfiguration): EncryptedStore {
  let entries = prepared(configuration)
  /** By the beginning of keys; a resource that no entry names is kept as it comes. */
  let known = new Map<string, readonly Transformer[]>()
  /** What was just sealed: watchers get back the very bytes that were written. */
  const plain = new WeakMap<Uint8Array, Uint8Array>()

  return {
    configure(next) {
      entries = prepared(next)
      known = new Map()
    },
    revision: () => store.revision(),
    compactedRevision: () => store.compactedRevision(),
    compact: (revision) => store.compact(revision),
    failure: () => store.failure(),
    close: () => store.close(),
    async get(key, revision) {
      const entry = await store.get(key, revision)
      return entry && opened(entry)
    },
    async list(prefix, options) {
      const range = await store.list(prefix, options)
      return { ...range, entries: range.entries.map(opened) }
    },
    write(write) {
      if (write.value === undefined) return store.write(write)
      const [first] = transformersFor(write.key)
      if (!first || first.prefix.length === 0) return store.write(write)
      const sealed = Buffer.concat([first.prefix, first.seal(write.value, Buffer.from(write.key))])
      plain.set(sealed, write.value)
      return store.write({ ...write, value: sealed })
    },
    watch(prefix, after, watcher) {
      let isOver = false
      const stop = () => {
        isOver = true
        watching?.stop()
      }
      let watching: { stop(): void } | undefined
      watching = store.watch(prefix, after, {
        ...(watcher.onProgress && { onProgress: (revision) => watcher.onProgress?.(revision) }),
        onEnd: (error) => watcher.onEnd(error),
        onChanges(changes) {
          if (isOver) return
          let shown: readonly Change[]
          try {
            shown = changes.map(openedChange)
          } catch (error) {
            if (!(error instanceof StoreError)) throw error
            stop()
            watcher.onEnd(error)
            return
          }
          watcher.onChanges(shown)
        },
      })
      // Changes may come before the watch has been given back.
      if (isOver) watching.stop()
      return { stop }
    },
    async isStale(key) {
      const entry = await store.get(key)
      const [first] = transformersFor(key)
      return (
        entry !== undefined &&
        first !== undefined &&
        !isBy(first, Buffer.from(entry.value.buffer, entry.value.byteOffset, entry.value.byteLength))
      )
    },
  }

  function openedChange(change: Change): Change {
    const { key, value, revision, cause } = change
    const shown = value && openedValue(key, value)
    return {
      key,
      revision,
      cause,
      value: shown,
      // Few look at it.
      get previous() {
        return change.previous && opened(change.previous)
      },
    }
  }

  function opened(entry: StoredEntry): StoredEntry {
    const value = openedValue(entry.key, entry.value)
    return value === entry.value ? entry : { ...entry, value }
  }

  function openedValue(key: string, stored: Uint8Array): Uint8Array {
    const just = plain.get(stored)
    if (just) return just
    const transformers = transformersFor(key)
    if (transformers.length === 0) return stored
    const bytes = Buffer.from(stored.buffer, stored.byteOffset, stored.byteLength)
    const by = transformers.find((transformer) => isBy(transformer, bytes))
    if (!by) throw new StoreError(`Cannot read ${key}: no matching prefix found`)
    if (by.prefix.length === 0) return stored
    try {
      return by.open(bytes.subarray(by.prefix.length), Buffer.from(key))
    } catch (cause) {
      throw new StoreError(`Cannot read ${key}: it does not open with its key`, { cause })
    }
  }

  function transformersFor(key: string): readonly Transformer[] {
    const [, , group = '', plural = ''] = key.split('/', 4)
    const place = `${group}/${plural}`
    let found = known.get(place)
    if (!found) {
      const name = group === 'core' ? '' : group
      const names = new Set([name === '' ? plural : `${plural}.${name}`, `*.${name}`, '*.*'])
      found = entries.find(({ resources }) => resources.some((resource) => names.has(resource)))?.transformers ?? []
      known.set(place, found)
    }
    return found
  }
}

const prepared = (configuration: EncryptionConfiguration) =>
  configuration.map(({ resources, providers }) => ({ resources, transformers: transformersOf(providers) }))

/** Plain is what nobody encrypted. */
const isBy = ({ prefix }: Transformer, stored: Buffer): boolean =>
  prefix.length === 0
    ? stored.toString('latin1', 0, encryptedPrefix.length) !== encryptedPrefix
    : stored.subarray(0, prefix.length).equals(prefix)
