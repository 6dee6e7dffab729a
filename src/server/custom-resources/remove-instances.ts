import {
  cleanupFinalizer,
  instancesGoing,
  instancesGone,
  type Stated,
  withCondition,
} from '../../api/apiextensions/definition-conditions.ts'
import { customKind } from '../../api/custom-resources/custom-kind.ts'
import type { Kind } from '../../api/kind.ts'
import type { JsonObject } from '../../api/object.ts'
import { hasReason } from '../../api/status-error.ts'
import { timestamp } from '../../api/timestamp.ts'
import type { CustomResourceDefinition } from '../../api/types/apiextensions-v1.ts'
import type { Clock } from '../../base/clock.ts'
import { ownWrites } from '../own-writes.ts'
import type { ObjectRef, Registry } from '../registry.ts'
import type { ResourceCaches } from '../resource-caches.ts'
import type { WatchCache } from '../watch-cache.ts'

/** How many objects are deleted at once. */
const width = 16

/**
 * Deletes the objects of a definition that is deleted, waits until the last is gone (its finalizers may take their time),
 * and lets the definition go. The objects are taken as they are stored: what is deleted needs no conversion.
 */
export async function removeInstances({
  ref,
  definition,
  registry,
  caches,
  clock,
  signal,
}: {
  /** Of the definition. */
  ref: ObjectRef
  definition: CustomResourceDefinition
  registry: Registry
  caches: ResourceCaches
  clock: Clock
  signal: AbortSignal
}): Promise<void> {
  const kind = asStored(definition)
  const cache = await caches.load(kind)
  try {
    await mark(instancesGoing, true)
    while (cache.count(cache.prefix) > 0) {
      const changed = nextChange(cache, signal)
      await removeAll(kind, cache, registry)
      await changed
      if (signal.aborted) return
    }
    await mark(instancesGone, false)
  } finally {
    caches.retire(kind)
  }

  /** Writes the condition; the last one goes with the finalizer that held the definition. */
  async function mark(stated: Stated, isHeld: boolean): Promise<void> {
    try {
      await registry.amend(ref, (current) => withMark(current as CustomResourceDefinition, stated, isHeld), ownWrites)
    } catch (error) {
      if (!hasReason(error, 'NotFound')) throw error
    }
  }

  function withMark({ metadata, status, ...rest }: CustomResourceDefinition, stated: Stated, isHeld: boolean): JsonObject {
    const { resourceVersion: _, finalizers = [], ...kept } = metadata
    const left = isHeld ? finalizers : finalizers.filter((name) => name !== cleanupFinalizer)
    const conditions = withCondition(status?.conditions ?? [], stated, timestamp(clock.now()))
    return { ...rest, metadata: { ...kept, ...(left.length > 0 && { finalizers: left }) }, status: { ...status, conditions } }
  }
}

/** The kind whose objects are the stored ones, whatever version each is in. */
function asStored(definition: CustomResourceDefinition): Kind {
  const version = definition.spec.versions.find(({ storage }) => storage) ?? definition.spec.versions[0]
  if (!version) throw new Error(`The definition ${definition.metadata.name} has no version`)
  const kind = customKind(definition, version, { metadata: { type: 'any' }, convert: (objects) => objects, isTerminating: () => true })
  const { group, version: stored, plural } = kind.storage
  return { ...kind, storage: { group, version: stored, plural } }
}

/** Asks for the deletion of all that are not on their way yet. */
async function removeAll(kind: Kind, cache: WatchCache, registry: Registry): Promise<void> {
  const waiting = [...cache.range(cache.prefix)].filter((entry) => entry.glance().metadata.deletionTimestamp === undefined)
  const remove = async () => {
    for (let entry = waiting.pop(); entry; entry = waiting.pop()) {
      const { namespace, name } = entry.glance().metadata
      try {
        await registry.delete({ kind, namespace, name }, ownWrites)
      } catch (error) {
        if (!hasReason(error, 'NotFound')) throw error
      }
    }
  }
  await Promise.all(Array.from({ length: width }, remove))
}

/** Resolves when an object has come or gone since this was called. */
function nextChange(cache: WatchCache, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const done = () => {
    signal.removeEventListener('abort', done)
    watching.stop()
    resolve()
  }
  const watching = cache.watch(
    { prefix: cache.prefix, filter: () => true, after: cache.revision(), bookmarks: false, markInitialEnd: false },
    {
      event({ type }) {
        if (type === 'MODIFIED') return true
        done()
        return false
      },
      end: done,
    },
  )
  if (signal.aborted) done()
  else signal.addEventListener('abort', done, { once: true })
  return promise
}
