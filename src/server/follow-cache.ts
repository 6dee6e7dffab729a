import type { KubeObject } from '../api/object.ts'
import type { WatchCache } from './watch-cache.ts'

export interface Follower<T extends KubeObject = KubeObject> {
  /** The object is there, or is now so. */
  set(object: T): void
  remove(object: T): void
}

/**
 * Keeps an index right: tells of all that is in the cache, before it returns, and of every change from then on, which is
 * heard before the writer is answered.
 */
export function followCache<T extends KubeObject>(cache: WatchCache, { set, remove }: Follower<T>): void {
  // A glance: what is there is not kept decoded for the sake of an index.
  for (const entry of cache.range(cache.prefix)) set(entry.glance() as T)
  cache.watch(
    { prefix: cache.prefix, filter: () => true, after: cache.revision(), bookmarks: false, markInitialEnd: false },
    {
      event({ type, object }) {
        if (type === 'DELETED') remove(object as T)
        else if (type === 'ADDED' || type === 'MODIFIED') set(object as T)
        return true
      },
      end() {},
    },
  )
}
