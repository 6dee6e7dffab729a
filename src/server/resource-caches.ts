import type { Kind } from '../api/kind.ts'
import { apiVersionOf } from '../api/resource-ref.ts'
import type { Store } from '../store/store.ts'
import { convertedStore, type ReadableStore } from './custom-resources/converted-store.ts'
import { WatchCache } from './watch-cache.ts'

/** The caches behind all kinds; kinds that show the same objects share one, unless each has them in a version of its own. */
export interface ResourceCaches {
  /** Loaded when first needed. */
  load(kind: Kind): Promise<WatchCache>
  /** The cache if somebody needed it already. */
  loaded(kind: Kind): WatchCache | undefined
  /** All that are loaded. */
  all(): Iterable<WatchCache>
  /** The store as the kind has its objects. */
  source(kind: Kind): ReadableStore
  /** The kind is served no longer: its watches end. Requests that are under way still find its cache as it is now. */
  retire(kind: Kind): void
}

export function createResourceCaches(store: Store): ResourceCaches {
  const shared = new Map<string, Promise<WatchCache>>()
  const own = new WeakMap<Kind, Promise<WatchCache>>()
  const loaded = new Map<string | Kind, WatchCache>()
  const sources = new WeakMap<Kind, ReadableStore>()
  const retired = new WeakSet<Kind>()
  const caches: ResourceCaches = {
    load(kind) {
      const key = keyOf(kind)
      const known = typeof key === 'string' ? shared.get(key) : own.get(key)
      if (known) return known
      const loading = WatchCache.load(caches.source(kind), {
        prefix: collectionKey(kind),
        apiVersion: apiVersionOf(kind.storage.codec ? kind : kind.storage),
        kind: kind.kind,
      }).then((made) => {
        if (retired.has(kind)) made.close()
        else loaded.set(key, made)
        return made
      })
      if (typeof key === 'string') shared.set(key, loading)
      else own.set(key, loading)
      // A store that could not be read is asked again next time.
      loading.catch(() => forget(kind))
      return loading
    },
    loaded: (kind) => loaded.get(keyOf(kind)),
    all: () => loaded.values(),
    source(kind) {
      const { codec } = kind.storage
      if (!codec) return store
      const known = sources.get(kind) ?? convertedStore(store, kind, codec, () => forget(kind))
      sources.set(kind, known)
      return known
    },
    retire(kind) {
      const key = keyOf(kind)
      retired.add(kind)
      loaded.get(key)?.close()
      loaded.delete(key)
      if (typeof key === 'string') shared.delete(key)
    },
  }
  return caches

  function forget(kind: Kind): void {
    const key = keyOf(kind)
    loaded.get(key)?.close()
    loaded.delete(key)
    if (typeof key === 'string') shared.delete(key)
    else own.delete(key)
  }
}

/** What caches are known by: where the objects are kept, or the kind that has them in its own way. */
const keyOf = (kind: Kind): string | Kind => (kind.storage.codec ? kind : collectionKey(kind))

/** `/registry/GROUP/PLURAL/`, the core group being `core`. */
export const collectionKey = ({ storage }: Kind) => `/registry/${storage.group || 'core'}/${storage.plural}/`
