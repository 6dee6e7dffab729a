import type { Kind } from '../api/kind.ts'
import { apiVersionOf } from '../api/resource-ref.ts'
import type { Store } from '../store/store.ts'
import { WatchCache } from './watch-cache.ts'

/** The caches behind all kinds; kinds that show the same objects share one. */
export interface ResourceCaches {
  /** Loaded when first needed. */
  load(kind: Kind): Promise<WatchCache>
  /** The cache if somebody needed it already. */
  loaded(kind: Kind): WatchCache | undefined
  /** All that are loaded. */
  all(): Iterable<WatchCache>
}

export function createResourceCaches(store: Store): ResourceCaches {
  const caches = new Map<string, Promise<WatchCache>>()
  const loaded = new Map<string, WatchCache>()
  return {
    load(kind) {
      const prefix = collectionKey(kind)
      let cache = caches.get(prefix)
      if (!cache) {
        cache = WatchCache.load(store, { prefix, apiVersion: apiVersionOf(kind.storage), kind: kind.kind }).then((made) => {
          loaded.set(prefix, made)
          return made
        })
        caches.set(prefix, cache)
        // A store that could not be read is asked again next time.
        cache.catch(() => caches.delete(prefix))
      }
      return cache
    },
    loaded: (kind) => loaded.get(collectionKey(kind)),
    all: () => loaded.values(),
  }
}

/** `/registry/GROUP/PLURAL/`, the core group being `core`. */
export const collectionKey = ({ storage }: Kind) => `/registry/${storage.group || 'core'}/${storage.plural}/`
