import { type KubeObject, keyOf } from '../api/object.ts'
import type { Clock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import type { Random } from '../base/random.ts'
import type { Client } from '../client/client.ts'
import { createWatcher } from '../client/run-watcher.ts'
import type { WatcherEvent } from '../client/watcher.ts'
import type { DiscoveredResource } from './discover-resources.ts'
import { type ObjectGraph, resourceKey } from './object-graph.ts'

/** Keeps the graph by a watch of each resource. */
export interface ObjectFollower {
  /**
   * Follows these resources from now on, and no others; resolves once everything new is listed. Of resources that are
   * followed no longer the graph keeps what it knows: what was deleted has been told before.
   */
  follow(resources: readonly DiscoveredResource[]): Promise<void>
}

/**
 * The objects pass through and are not kept: in the server's process they are the server's own, so a watch of everything
 * costs the graph's nodes alone.
 */
export function objectFollower({
  graph,
  client,
  clock,
  random,
  log,
  signal,
}: {
  graph: ObjectGraph
  client: Client
  clock: Clock
  random: Random
  log: Log
  signal: AbortSignal
}): ObjectFollower {
  const followed = new Map<string, AbortController>()
  const isFollowed = ({ ref, verbs }: DiscoveredResource) =>
    ['list', 'watch', 'delete'].every((verb) => verbs.includes(verb)) && !(ref.plural === 'events' && ref.group === '')

  return {
    async follow(resources) {
      const wanted = new Map(resources.filter(isFollowed).map((resource) => [watchKey(resource), resource]))
      for (const [key, controller] of followed) {
        if (wanted.has(key)) continue
        followed.delete(key)
        controller.abort()
      }
      await Promise.all(
        [...wanted].flatMap(([key, resource]) => {
          if (followed.has(key)) return []
          const controller = new AbortController()
          followed.set(key, controller)
          return [followOne(resource, AbortSignal.any([signal, controller.signal]))]
        }),
      )
    },
  }

  function followOne({ ref }: DiscoveredResource, signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const ownLog = log.with({ resource: ref.plural })
    let listed = new Set<string>()
    const onEvent = (event: WatcherEvent<KubeObject>) => {
      switch (event.type) {
        case 'init':
          listed = new Set()
          return
        case 'init-apply':
          listed.add(keyOf(event.object))
          graph.observe(ref, event.object)
          return
        case 'init-done':
          for (const key of [...graph.keysOf(ref)]) if (!listed.has(key)) graph.forget(ref, key)
          listed = new Set()
          resolve()
          return
        case 'apply':
          graph.observe(ref, event.object)
          return
        case 'delete':
          graph.forget(ref, keyOf(event.object), event.object.metadata.uid)
      }
    }
    const watcher = createWatcher({
      resource: client.resource(ref),
      pageSize: client.pageSize,
      selection: {},
      clock,
      random,
      log: ownLog,
      onEvent,
    })
    void watcher
      .run(signal)
      .catch((error: unknown) => ownLog.error('A watcher ended', { error }))
      .finally(resolve)
    return promise
  }
}

const watchKey = ({ ref }: DiscoveredResource) => `${ref.version}/${resourceKey(ref)}`
