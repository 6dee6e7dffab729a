import type { KubeObject } from '../api/object.ts'
import { addAll, zeroQuantity } from '../api/quantities.ts'
import { formatQuantity, type Quantity } from '../api/quantity.ts'
import { isWithin, scopesOf } from '../api/quota/scopes.ts'
import { type Counted, canUse, usageOf } from '../api/quota/usage.ts'
import type { ResourceRef } from '../api/resource-ref.ts'
import {
  persistentVolumeClaims as claimsRef,
  resourceClaims as deviceClaimsRef,
  pods as podsRef,
  resourceQuotas as quotasRef,
  services as servicesRef,
} from '../api/resources.ts'
import type { ResourceQuota } from '../api/types/core-v1.ts'
import type { Clock } from '../base/clock.ts'
import { nextTurn } from '../base/turns.ts'
import type { Caches } from '../client/client.ts'
import { semanticEqual } from '../client/semantic-equal.ts'
import { unlessGone } from './api-errors.ts'
import { type Controller, type Outcome, type Reconcile, type Watch, watchOf } from './controller.ts'
import type { DiscoveredResource } from './discover-resources.ts'
import type { GraphNode } from './object-graph.ts'

/** Everything is counted again at the latest then: pods that a lost node never ends stop counting without any event. */
const recountMs = 5 * 60_000
/** What is made before a quota says what it limits is charged to nobody, and counted soon after. */
const firstRecountMs = 1_000
/** Objects that are counted before others get a turn. */
const slice = 1000

/**
 * Counts what a namespace's objects use and writes it into the status of its quotas. Creating is charged there by the
 * API server before it is done; this gives back what goes, and puts right what was charged and never made.
 */
export function resourceQuotaController({
  caches,
  clock,
  removed,
  resources,
}: {
  caches: Caches
  clock: Clock
  /** Registers for objects that are gone. */
  removed: (listener: (node: GraphNode) => void) => () => void
  /** All that is served and stored. */
  resources: (signal: AbortSignal) => Promise<readonly DiscoveredResource[]>
}): Controller<ResourceQuota> {
  const { client } = caches
  const quotas = caches.cache(quotasRef)
  /** Resources whose objects are looked at; of all others the number alone counts, and only what goes matters. */
  const measured = [podsRef, servicesRef, claimsRef, deviceClaimsRef] as readonly ResourceRef<KubeObject>[]
  const gone: Watch = {
    subscribe: (enqueue) =>
      removed(({ namespace, ref }) => {
        if (namespace !== undefined) for (const key of concerned(ref, namespace)) enqueue(key)
      }),
    synced: () => Promise.resolve(),
  }
  return {
    name: 'resource-quota',
    primary: quotas,
    matters: (before, after) => after !== undefined && (before === undefined || !semanticEqual(before.spec, after.spec)),
    watches: [
      gone,
      ...measured.map((ref) =>
        watchOf(caches.cache(ref), (before, after) => {
          const keys = before && after && before !== after ? concerned(ref, before.metadata.namespace ?? '') : []
          return before && after && keys.length > 0 && usesLess(ref, before, after) ? keys : []
        }),
      ),
    ],
    reconcile,
  }

  function concerned(ref: Counted, namespace: string): string[] {
    return quotas
      .list(namespace)
      .filter(({ spec }) => Object.keys(spec.hard ?? {}).some((name) => canUse(ref, name)))
      .map(({ metadata }) => `${namespace}/${metadata.name}`)
  }

  function usesLess(ref: Counted, before: KubeObject, after: KubeObject): boolean {
    const now = usageOf(ref, after, clock.now())
    return [...usageOf(ref, before, clock.now())].some(([name, { nanos }]) => nanos > (now.get(name)?.nanos ?? 0n))
  }

  async function reconcile(quota: ResourceQuota, { cause, signal }: Reconcile): Promise<Outcome> {
    const written = (used: Record<string, string>): ResourceQuota => ({ ...quota, status: { hard: { ...quota.spec.hard }, used } })
    const own = client.resource(quotasRef)
    // Once this is answered, all that is charged in this version of the quota has been made: the API server waits for it.
    if (!(await unlessGone(own.updateStatus(written({ ...quota.status?.used }), { cause, signal, dryRun: true })))) return undefined
    const changed = written(await count(quota, signal))
    // Bound to the same version: what was charged meanwhile must not be lost.
    if (!semanticEqual(quota.status, changed.status)) await unlessGone(own.updateStatus(changed, { cause, signal }))
    return { afterMs: semanticEqual(quota.status?.hard, quota.spec.hard) ? recountMs : firstRecountMs }
  }

  async function count({ metadata, spec }: ResourceQuota, signal: AbortSignal): Promise<Record<string, string>> {
    const { namespace = '' } = metadata
    const names = Object.keys(spec.hard ?? {})
    const total = new Map<string, Quantity>()
    for (const ref of measured) if (names.some((name) => canUse(ref, name))) await measure(ref)
    const used: Record<string, string> = {}
    for (const name of names) {
      if (measured.some((ref) => canUse(ref, name))) used[name] = formatQuantity(total.get(name) ?? zeroQuantity)
      else {
        const number = await numberOf(name, namespace, signal)
        // No scope knows of objects that are only counted.
        if (number !== undefined) used[name] = scopesOf(spec).length > 0 ? '0' : String(number)
      }
    }
    return used

    /** Asked of the server: a cache may be behind what was charged. */
    async function measure(ref: ResourceRef<KubeObject>): Promise<void> {
      const { items } = await client.resource(ref).list({ namespace, signal })
      for (let first = 0; first < items.length; first += slice) {
        if (first > 0) await nextTurn()
        for (const object of items.slice(first, first + slice))
          if (isWithin(ref, object, scopesOf(spec))) addAll(total, usageOf(ref, object, clock.now()))
      }
    }
  }

  /** How many objects `count/deployments.apps` or `configmaps` means; undefined for a name that means none. */
  async function numberOf(name: string, namespace: string, signal: AbortSignal): Promise<number | undefined> {
    const found = (await resources(signal)).find(({ ref, verbs }) => ref.namespaced && verbs.includes('list') && canUse(ref, name))
    if (!found) return undefined
    const { items, metadata } = await client.resource(found.ref).list({ namespace, limit: 1, signal })
    return items.length + (metadata.remainingItemCount ?? 0)
  }
}
