import { isDeepStrictEqual } from 'node:util'
import type { KubeObject } from '../api/object.ts'
import { namespaces, nodes, pods } from '../api/resources.ts'
import type { Node, Pod } from '../api/types/core-v1.ts'
import type { Cache, Caches } from '../client/client.ts'
import { type ClusterChange, nodeChanges, placedPodChanges } from './cluster-change.ts'
import type { ClusterState } from './cluster-state.ts'
import { podInfo } from './pod-info.ts'
import type { SchedulingQueue } from './scheduling-queue.ts'

/**
 * Keeps state and queue as the caches tell; gives the function that stops it.
 *
 * A pod is placed when it names its node, waits when it asks for this scheduler, and does not matter once it ended.
 */
export function followCluster({
  caches,
  state,
  queue,
  schedulerName,
  onChange,
}: {
  caches: Caches
  state: ClusterState
  queue: SchedulingQueue
  schedulerName: string
  onChange: (changes: readonly ClusterChange[]) => void
}): () => void {
  const stops = [
    follow(caches.cache(nodes), changeNode),
    follow(caches.cache(pods), (before, after) => {
      // A relist may show the successor of the same name in one step.
      if (before && after && before.metadata.uid !== after.metadata.uid) {
        changePod(before, undefined)
        changePod(undefined, after)
      } else changePod(before, after)
    }),
    follow(caches.cache(namespaces), (before, after) => {
      if (before && after && !isDeepStrictEqual(before.metadata.labels, after.metadata.labels)) onChange(['namespace-labels'])
    }),
  ]
  return () => {
    for (const stop of stops) stop()
  }

  function changeNode(before: Node | undefined, after: Node | undefined): void {
    if (after) {
      state.setNode(after)
      onChange(nodeChanges(before, after))
    } else if (before) {
      state.removeNode(before.metadata.name)
      onChange(['node-removed'])
    }
  }

  function changePod(before: Pod | undefined, after: Pod | undefined): void {
    const was = before && isPlaced(before) ? before : undefined
    if (after && isPlaced(after)) place(was, after)
    else if (after && waits(after)) {
      // One that is assumed to be on a node stays there while its binding is under way.
      queue.put(podInfo(after))
    } else {
      const gone = after ?? before
      if (gone) forget(gone)
    }
  }

  function place(before: Pod | undefined, after: Pod): void {
    const info = podInfo(after)
    queue.remove(info.key)
    const known = state.placeOf(info.uid)
    const changes = placedPodChanges(before, after)
    if (known && before && changes.length === 0) return
    state.place(info, after.spec?.nodeName ?? '')
    onChange(changes)
  }

  function forget(pod: Pod): void {
    const info = podInfo(pod)
    queue.remove(info.key)
    if (state.remove(info.uid)) onChange(['pod-removed'])
  }

  function isPlaced({ spec, status }: Pod): boolean {
    return Boolean(spec?.nodeName) && status?.phase !== 'Succeeded' && status?.phase !== 'Failed'
  }

  function waits({ spec, status, metadata }: Pod): boolean {
    const isOurs = (spec?.schedulerName ?? schedulerName) === schedulerName
    const hasEnded = status?.phase === 'Succeeded' || status?.phase === 'Failed'
    return isOurs && !spec?.nodeName && !hasEnded && metadata.deletionTimestamp === undefined
  }
}

/** Begins with what is there already: others may have filled the cache before. */
function follow<T extends KubeObject>(cache: Cache<T>, listener: (before: T | undefined, after: T | undefined) => void): () => void {
  for (const object of cache.list()) listener(undefined, object)
  return cache.onChange(listener)
}
