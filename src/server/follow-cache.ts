import type { KubeObject } from '../api/object.ts'
import type { WatchCache } from './watch-cache.ts'

export interface Follower {
  /** The object is there, or is now so. */
  set(object: KubeObject): void
  remove(object: KubeObject): void
}

/**
 * Keeps an index right: tells of all that is in the cache, before it returns, and of every change from then on, which is
 * heard before the writer is answered.
 */
export function followCache(cache: WatchCache, { set, remove }: Follower): void {
  for (const { object } of cache.range(cache.prefix)) set(object)
  cache.watch(
    { prefix: cache.prefix, filter: () => true, after: cache.revision(), bookmarks: false, markInitialEnd: false },
    {
      event({ type, object }) {
        if (type === 'DELETED') remove(object as KubeObject)
        else if (type === 'ADDED' || type === 'MODIFIED') set(object as KubeObject)
        return true
      },
      end() {},
    },
  )
}
