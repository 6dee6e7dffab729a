import type { KubeObject } from '../api/object.ts'
import type { ResourceRef } from '../api/resource-ref.ts'
import { configMaps, secrets } from '../api/resources.ts'
import type { ConfigMap, Secret } from '../api/types/core-v1.ts'
import { type Clock, sleep } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import type { Random } from '../base/random.ts'
import { createCaches } from '../client/caches.ts'
import type { Cache, Client } from '../client/client.ts'
import { ConfigProblem } from './config-problem.ts'

/** ConfigMaps and Secrets that pods of this node refer to: each is watched while a pod needs it, and no other is read. */
export interface ObjectSource {
  /** The object once its first list is in; undefined where there is none. The pod hears of changes until it is released. */
  configMap(podUid: string, namespace: string, name: string): Promise<ConfigMap | undefined>
  secret(podUid: string, namespace: string, name: string): Promise<Secret | undefined>
  release(podUid: string): void
  /** Ends all watches; who waits for an object fails. */
  close(): void
}

/** As upstream: an object that cannot be read for this long holds its pod back with an event. */
const syncTimeoutMs = 60_000

interface Watched<T extends KubeObject> {
  readonly cache: Cache<T>
  readonly users: Set<string>
  /** Whether the first list is in. */
  isSynced(): boolean
  stop(): void
}

export function createObjectSource({
  client,
  clock,
  random,
  log,
  onChange,
}: {
  client: Client
  clock: Clock
  random: Random
  log: Log
  onChange: (podUid: string) => void
}): ObjectSource {
  const maps = new Map<string, Watched<ConfigMap>>()
  const hidden = new Map<string, Watched<Secret>>()
  const closed = new AbortController()

  async function find<T extends KubeObject>(
    watched: Map<string, Watched<T>>,
    ref: ResourceRef<T>,
    podUid: string,
    namespace: string,
    name: string,
  ): Promise<T | undefined> {
    closed.signal.throwIfAborted()
    const key = `${namespace}/${name}`
    const entry = watched.get(key) ?? watch(ref, namespace, name)
    watched.set(key, entry)
    entry.users.add(podUid)
    if (!entry.isSynced()) await synced(entry)
    if (!entry.isSynced()) throw new ConfigProblem(`failed to sync ${ref.kind.toLowerCase()} cache: timed out waiting for the condition`)
    return entry.cache.get(namespace, name)
  }

  function watch<T extends KubeObject>(ref: ResourceRef<T>, namespace: string, name: string): Watched<T> {
    const stopped = new AbortController()
    const users = new Set<string>()
    const caches = createCaches({ client, clock, random, log })
    const cache = caches.cache(ref, { namespace, fieldSelector: `metadata.name=${name}` })
    caches.start(stopped.signal)
    let isSynced = false
    void cache.synced().then(() => (isSynced = true))
    cache.onChange(() => {
      for (const uid of users) onChange(uid)
    })
    return { cache, users, isSynced: () => isSynced, stop: () => stopped.abort() }
  }

  async function synced<T extends KubeObject>({ cache }: Watched<T>): Promise<void> {
    const over = new AbortController()
    await Promise.race([cache.synced(), sleep(clock, syncTimeoutMs, AbortSignal.any([over.signal, closed.signal]))])
    over.abort()
    closed.signal.throwIfAborted()
  }

  return {
    configMap: (podUid, namespace, name) => find(maps, configMaps, podUid, namespace, name),
    secret: (podUid, namespace, name) => find(hidden, secrets, podUid, namespace, name),
    release(podUid) {
      for (const watched of [maps, hidden]) {
        for (const [key, entry] of watched) {
          if (!entry.users.delete(podUid) || entry.users.size > 0) continue
          entry.stop()
          watched.delete(key)
        }
      }
    },
    close() {
      closed.abort()
      for (const watched of [maps, hidden]) {
        for (const { stop } of watched.values()) stop()
        watched.clear()
      }
    },
  }
}
