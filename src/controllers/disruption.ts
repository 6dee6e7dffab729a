import { controllerOf } from '../api/controller-of.ts'
import { matchesLabels, selectorOf } from '../api/label-selector.ts'
import { type KubeObject, keyOf } from '../api/object.ts'
import {
  deployments as deploymentsRef,
  podDisruptionBudgets,
  pods as podsRef,
  replicaSets as replicaSetsRef,
  replicationControllers as replicationControllersRef,
  statefulSets as statefulSetsRef,
} from '../api/resources.ts'
import type { Pod } from '../api/types/core-v1.ts'
import type { PodDisruptionBudget, PodDisruptionBudgetStatus } from '../api/types/policy-v1.ts'
import type { Clock } from '../base/clock.ts'
import type { Cache, Caches } from '../client/client.ts'
import type { EventRecorder } from '../client/event-recorder.ts'
import { semanticEqual } from '../client/semantic-equal.ts'
import { unlessGone } from './api-errors.ts'
import { type Controller, groupOf, type Outcome, type Reconcile, watchOf } from './controller.ts'
import { failedDisruption, needsScale, planDisruption } from './disruption-plan.ts'
import { isReady } from './pod-state.ts'

type Scaled = KubeObject & { readonly spec?: { readonly replicas?: number } | undefined }

/** Counts for each PodDisruptionBudget how many of its pods may go: what evictions are allowed by. */
export function disruptionController({
  caches,
  clock,
  recorder,
}: {
  caches: Caches
  clock: Clock
  recorder: EventRecorder
}): Controller<PodDisruptionBudget> {
  const { client } = caches
  const budgets = caches.cache(podDisruptionBudgets)
  const pods = caches.cache(podsRef)
  const scaled: readonly Cache<Scaled>[] = [
    caches.cache(replicaSetsRef),
    caches.cache(deploymentsRef),
    caches.cache(statefulSetsRef),
    caches.cache(replicationControllersRef),
  ]
  return {
    name: 'disruption',
    primary: budgets,
    watches: [
      watchOf(pods, (before, after) => (before && after && semanticEqual(factsOf(before), factsOf(after)) ? [] : concerned(before, after))),
      ...scaled.map((cache) =>
        watchOf(cache, (before, after) => {
          if (before?.spec?.replicas === after?.spec?.replicas && before && after) return []
          const namespace = (after ?? before)?.metadata.namespace
          return budgets.list(namespace).filter(needsScale).map(keyOf)
        }),
      ),
    ],
    reconcile,
  }

  function concerned(...versions: readonly (Pod | undefined)[]): Iterable<string> {
    const keys = new Set<string>()
    for (const pod of versions)
      if (pod) for (const budget of budgets.list(pod.metadata.namespace)) if (selects(budget, pod)) keys.add(keyOf(budget))
    return keys
  }

  async function reconcile(budget: PodDisruptionBudget, { cause }: Reconcile): Promise<Outcome> {
    const selected = pods.list(budget.metadata.namespace).filter((pod) => selects(budget, pod))
    if (selected.length === 0) recorder.record(budget, 'Normal', 'NoPods', 'No matching pods found')
    const scale = needsScale(budget) ? scaleOf(selected) : 0
    if (typeof scale === 'string') {
      recorder.record(budget, 'Warning', 'CalculateExpectedPodCountFailed', `Failed to calculate the number of expected pods: ${scale}`)
      await write(budget, failedDisruption(budget, scale, clock.now()), cause)
      return undefined
    }
    const { status, afterMs } = planDisruption(budget, selected, scale, clock.now())
    await write(budget, status, cause)
    return afterMs === undefined ? undefined : { afterMs }
  }

  /** How many pods the owners of some want together, or why that is not known. Pods without an owner are nobody's wish. */
  function scaleOf(selected: readonly Pod[]): number | string {
    const counted = new Set<string>()
    let total = 0
    for (const pod of selected) {
      const direct = ownerOf(pod)
      if (!direct) {
        if (controllerOf(pod)) return `found no controllers for pod "${pod.metadata.name}"`
        continue
      }
      // A ReplicaSet of a Deployment has as many as the rollout gives it at the moment.
      const owner = ownerOf(direct) ?? direct
      if (counted.has(owner.metadata.uid ?? '')) continue
      counted.add(owner.metadata.uid ?? '')
      total += owner.spec?.replicas ?? 1
    }
    return total
  }

  function ownerOf(object: KubeObject): Scaled | undefined {
    const reference = controllerOf(object)
    const cache = reference && scaled.find(({ ref }) => ref.kind === reference.kind && ref.group === groupOf(reference.apiVersion))
    const owner = cache?.get(object.metadata.namespace, reference?.name ?? '')
    return owner && owner.metadata.uid === reference?.uid ? owner : undefined
  }

  async function write(budget: PodDisruptionBudget, status: PodDisruptionBudgetStatus, cause: string): Promise<void> {
    if (semanticEqual(budget.status, status)) return
    // Bound to the version that was seen: an eviction counted meanwhile must not be lost.
    await unlessGone(client.resource(podDisruptionBudgets).updateStatus({ ...budget, status }, { cause }))
  }
}

/** An empty selector selects everything, one that is absent nothing. */
function selects({ spec }: PodDisruptionBudget, { metadata }: Pod): boolean {
  const selector = selectorOf(spec.selector)
  return selector !== undefined && matchesLabels(selector, metadata.labels)
}

/** What budgets count by. */
const factsOf = (pod: Pod): unknown => [pod.metadata.labels, pod.metadata.deletionTimestamp, isReady(pod), controllerOf(pod)?.uid]
