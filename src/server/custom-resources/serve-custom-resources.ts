import { cleanupFinalizer } from '../../api/apiextensions/definition-conditions.ts'
import { statusOf } from '../../api/apiextensions/definition-status.ts'
import { isTrue } from '../../api/conditions.ts'
import { type CustomKindParts, customKinds } from '../../api/custom-resources/custom-kind.ts'
import { compileRules } from '../../api/custom-resources/rules/rule-check.ts'
import { jsonEqual } from '../../api/json-equal.ts'
import type { Kind } from '../../api/kind.ts'
import type { LiveCatalog } from '../../api/live-catalog.ts'
import { customResourceDefinitions } from '../../api/resources.ts'
import { hasReason } from '../../api/status-error.ts'
import { timestamp } from '../../api/timestamp.ts'
import type { CustomResourceDefinition, CustomResourceDefinitionStatus } from '../../api/types/apiextensions-v1.ts'
import type { Clock } from '../../base/clock.ts'
import type { Log } from '../../base/log.ts'
import { followCache } from '../follow-cache.ts'
import { kindOf } from '../kind-of.ts'
import { ownWrites } from '../own-writes.ts'
import type { Registry } from '../registry.ts'
import type { ResourceCaches } from '../resource-caches.ts'
import type { CallWebhook } from '../webhooks/webhook-client.ts'
import { conversionOf } from './conversion.ts'
import { metadataSchema } from './metadata-schema.ts'
import { removeInstances } from './remove-instances.ts'

export interface CustomResources {
  /** Resolves once everything that definitions have said so far is served. */
  settled(): Promise<void>
  /** Resolves once what the definition of this name has said so far is done; undefined where nothing is to be done. */
  pending(name: string): Promise<void> | undefined
}

/** How long a definition waits after its work failed. */
const retryMs = 1000

/** A definition as it is served. */
interface Served {
  definition: CustomResourceDefinition
  /** Its kinds, while it is established, and what they were made of. */
  kinds: readonly Kind[]
  shape: Shape | undefined
  isRemoving: boolean
}

/**
 * Follows custom resource definitions: decides their names, serves their kinds, and empties those that are deleted.
 *
 *   asked for ─names are free─▶ Established, in the catalog ─spec changes─▶ its kinds are made anew, its watches end
 *                                  └─deleted─▶ nothing new is taken, its objects are deleted ─none left─▶ gone
 */
export async function serveCustomResources({
  registry,
  catalog,
  caches,
  callWebhook,
  clock,
  log,
  signal,
}: {
  registry: Registry
  catalog: LiveCatalog
  caches: ResourceCaches
  callWebhook: CallWebhook
  clock: Clock
  log: Log
  signal: AbortSignal
}): Promise<CustomResources> {
  const kind = kindOf(catalog, customResourceDefinitions)
  const cache = await caches.load(kind)
  const metadata = metadataSchema(catalog)
  const known = new Map<string, Served>()
  /** By group: the definitions that share its names. */
  const groups = new Map<string, Set<string>>()
  const waiting = new Set<string>()
  let running: Promise<void> | undefined
  let deciding: string | undefined

  followCache(cache, {
    set: (object) => seen(object as CustomResourceDefinition),
    remove: (object) => gone(object as CustomResourceDefinition),
  })
  await settled()
  return { settled, pending: (name) => (isPending(name) ? decided(name) : undefined) }

  async function settled(): Promise<void> {
    while (running) await running
  }

  async function decided(name: string): Promise<void> {
    while (running && isPending(name)) await running
  }

  function isPending(name: string): boolean {
    return waiting.has(name) || name === deciding
  }

  function seen(definition: CustomResourceDefinition): void {
    const { name } = definition.metadata
    const before = known.get(name)
    if (before) before.definition = definition
    else known.set(name, { definition, kinds: [], shape: undefined, isRemoving: false })
    membersOf(definition).add(name)
    enqueue(name)
  }

  function gone(definition: CustomResourceDefinition): void {
    const { name } = definition.metadata
    const served = known.get(name)
    known.delete(name)
    waiting.delete(name)
    if (served) withdraw(name, served)
    const members = membersOf(definition)
    members.delete(name)
    // Others may have waited for its names.
    for (const other of members) enqueue(other)
    if (members.size === 0) groups.delete(definition.spec.group)
  }

  function membersOf({ spec: { group } }: CustomResourceDefinition): Set<string> {
    const members = groups.get(group) ?? new Set()
    groups.set(group, members)
    return members
  }

  function enqueue(name: string): void {
    waiting.add(name)
    running ??= drain().finally(() => {
      running = undefined
    })
  }

  /** One after the other: whom a name belongs to depends on what was decided before. */
  async function drain(): Promise<void> {
    for (const name of waiting) {
      waiting.delete(name)
      const served = known.get(name)
      if (!served || signal.aborted) continue
      deciding = name
      try {
        await decide(name, served)
      } catch (error) {
        // Without the webhook that guards definitions, say; the next change or the next try gets further.
        log.warn('A custom resource definition cannot be served', { name, error })
        tryAgain(name)
      } finally {
        deciding = undefined
      }
    }
  }

  function tryAgain(name: string): void {
    if (signal.aborted) return
    const cancel = clock.after(retryMs, () => {
      signal.removeEventListener('abort', cancel)
      enqueue(name)
    })
    signal.addEventListener('abort', cancel, { once: true })
  }

  async function decide(name: string, served: Served): Promise<void> {
    const { definition } = served
    const others = [...membersOf(definition)].flatMap((other) => (other === name ? [] : (known.get(other)?.definition ?? [])))
    const statusFor = (current: CustomResourceDefinition) => statusOf(current, others, timestamp(clock.now()))
    if (!jsonEqual(statusFor(definition), definition.status)) await writeStatus(name, statusFor)
    // What was written has been seen meanwhile; or it is gone.
    if (known.get(name) !== served) return
    serve(name, served)
    if (served.definition.metadata.deletionTimestamp !== undefined) void remove(name, served)
  }

  /** Decided by what is there when it is written: a deletion may have come in between. */
  async function writeStatus(
    name: string,
    statusFor: (current: CustomResourceDefinition) => CustomResourceDefinitionStatus,
  ): Promise<void> {
    try {
      await registry.update(
        { kind, namespace: undefined, name },
        'status',
        (current) => {
          const { resourceVersion: _, ...metadata } = current.metadata
          return { ...current, metadata, status: statusFor(current as CustomResourceDefinition) }
        },
        ownWrites,
      )
    } catch (error) {
      if (!hasReason(error, 'NotFound')) throw error
    }
  }

  function serve(name: string, served: Served): void {
    const { definition } = served
    if (!isTrue(definition.status, 'Established')) return
    const shape = shapeOf(definition)
    if (jsonEqual(shape, served.shape)) return
    withdraw(name, served)
    served.shape = shape
    const parts: CustomKindParts = {
      metadata,
      convert: conversionOf(definition, callWebhook),
      compileRules,
      isTerminating: () => served.definition.metadata.deletionTimestamp !== undefined,
    }
    served.kinds = customKinds(definition, parts)
    catalog.put(name, served.kinds)
  }

  function withdraw(name: string, served: Served): void {
    catalog.put(name, [])
    for (const old of served.kinds) caches.retire(old)
    served.kinds = []
  }

  async function remove(name: string, served: Served): Promise<void> {
    const { finalizers = [] } = served.definition.metadata
    if (served.isRemoving || !finalizers.includes(cleanupFinalizer)) return
    served.isRemoving = true
    try {
      await removeInstances({ ref: { kind, namespace: undefined, name }, definition: served.definition, registry, caches, clock, signal })
    } catch (error) {
      if (signal.aborted) return
      log.warn('The objects of a custom resource definition cannot be deleted', { name, error })
      tryAgain(name)
    } finally {
      served.isRemoving = false
    }
  }
}

/** What kinds are made of. */
const shapeOf = ({ spec, status }: CustomResourceDefinition) => ({ spec, names: status?.acceptedNames })
type Shape = ReturnType<typeof shapeOf>
