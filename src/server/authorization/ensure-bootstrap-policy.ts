import type { Catalog } from '../../api/catalog.ts'
import type { JsonObject, KubeObject } from '../../api/object.ts'
import { hasReason } from '../../api/status-error.ts'
import type { Log } from '../../base/log.ts'
import { kindOf } from '../kind-of.ts'
import { bootstrapWrites } from '../own-writes.ts'
import { objectKey, type Registry } from '../registry.ts'
import { type BootstrapObject, bootstrapPolicy } from './bootstrap-policy.ts'
import { reconciliationOf } from './reconcile-policy.ts'

/** Makes the default roles and bindings, and adds what those that are there lack. All at once: the store writes them together. */
export async function ensureBootstrapPolicy({ registry, catalog, log }: { registry: Registry; catalog: Catalog; log: Log }): Promise<void> {
  await Promise.all(bootstrapPolicy().map(ensure))

  async function ensure(wanted: BootstrapObject): Promise<void> {
    const kind = kindOf(catalog, wanted.ref)
    const { name, namespace } = wanted.object.metadata
    const ref = { kind, namespace, name }
    const cache = await registry.cache(kind)
    const step = reconciliationOf(wanted, cache.get(objectKey(ref))?.object)
    try {
      switch (step.type) {
        case 'keep':
          return
        case 'create':
          await registry.create(kind, namespace, draftOf(step.object), bootstrapWrites)
          return
        case 'update':
          await registry.update(ref, '', () => draftOf(step.object), bootstrapWrites)
          return
        case 'recreate':
          await registry.delete(ref, bootstrapWrites)
          await registry.create(kind, namespace, draftOf(step.object), bootstrapWrites)
          return
      }
    } catch (error) {
      // Another server, or somebody who knows better, was there at the same time; the next start looks again.
      if (!hasReason(error, 'AlreadyExists', 'Conflict', 'NotFound')) throw error
      log.warn('A default role or binding was left as it is', { resource: wanted.ref.plural, name, error })
    }
  }
}

const draftOf = (object: KubeObject): JsonObject => structuredClone(object) as unknown as JsonObject
