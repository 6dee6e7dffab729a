import type { Clock } from '../../base/clock.ts'
import type { Histogram, MetricRegistry } from '../../base/metrics/metric-registry.ts'
import type { Store } from '../../store/store.ts'
import type { ResourceCaches } from '../resource-caches.ts'
import { durationBuckets } from './duration-buckets.ts'

/** How many objects there are of each resource, looked up when somebody asks. */
export function countObjects(metrics: MetricRegistry, caches: Pick<ResourceCaches, 'all'>): void {
  const stored = metrics.gauge('apiserver_storage_objects', 'Objects that are stored, by resource.', ['resource'])
  const objects = metrics.gauge('apiserver_resource_objects', 'Objects that are stored, by group and resource.', ['group', 'resource'])
  metrics.onCollect(() => {
    stored.clear()
    objects.clear()
    for (const { prefix, size } of caches.all()) {
      const { group, resource } = resourceOf(prefix)
      stored.of(group === '' ? resource : `${resource}.${group}`).set(size)
      objects.of(group, resource).set(size)
    }
  })
}

/** The store, with how long its operations take. Who is told of a failing store is told by its errors. */
export function timedStore(store: Store, metrics: MetricRegistry, clock: Clock): Store {
  const seconds = metrics.histogram('etcd_request_duration_seconds', "How long the store's operations take.", durationBuckets, [
    'operation',
    'group',
    'resource',
  ])
  /** By operation, then by the key's beginning. */
  const children = { create: new Map<string, Histogram>(), update: new Map<string, Histogram>(), delete: new Map<string, Histogram>() }
  return {
    revision: () => store.revision(),
    compactedRevision: () => store.compactedRevision(),
    get: (key, revision) => store.get(key, revision),
    list: (prefix, options) => store.list(prefix, options),
    watch: (prefix, after, watcher) => store.watch(prefix, after, watcher),
    compact: (revision) => store.compact(revision),
    failure: () => store.failure(),
    ...(store.isStale && { isStale: (key: string) => store.isStale?.(key) ?? Promise.resolve(false) }),
    close: () => store.close(),
    async write(write) {
      const beganMs = clock.now()
      const result = await store.write(write)
      const operation = write.value === undefined ? 'delete' : write.ifRevision === 0 ? 'create' : 'update'
      const prefix = write.key.slice(0, collectionEnd(write.key))
      let child = children[operation].get(prefix)
      if (!child) {
        const { group, resource } = resourceOf(prefix)
        child = seconds.of(operation, group, resource)
        children[operation].set(prefix, child)
      }
      child.observe((clock.now() - beganMs) / 1000)
      return result
    },
  }
}

/** Where `/registry/GROUP/PLURAL/` ends in a key. */
function collectionEnd(key: string): number {
  let end = 0
  for (let slashes = 0; slashes < 4; slashes++) {
    const next = key.indexOf('/', end)
    if (next < 0) return key.length
    end = next + 1
  }
  return end
}

function resourceOf(prefix: string): { readonly group: string; readonly resource: string } {
  const [, , group = '', resource = ''] = prefix.split('/')
  return { group: group === 'core' ? '' : group, resource }
}
