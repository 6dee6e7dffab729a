import { conditionOf } from '../api/conditions.ts'
import { controllerOf } from '../api/controller-of.ts'
import { matchesLabels, type Selector, selectorOfLabels } from '../api/label-selector.ts'
import type { KubeObject } from '../api/object.ts'
import { pods as podsRef } from '../api/resources.ts'
import { hasReason } from '../api/status-error.ts'
import { timestamp } from '../api/timestamp.ts'
import type { ReplicaSetStatus } from '../api/types/apps-v1.ts'
import type { Pod, PodTemplateSpec } from '../api/types/core-v1.ts'
import type { Clock } from '../base/clock.ts'
import type { Cache, Caches } from '../client/client.ts'
import type { EventRecorder } from '../client/event-recorder.ts'
import { semanticEqual } from '../client/semantic-equal.ts'
import { isNamespaceTerminating, messageOf } from './api-errors.ts'
import { addOrphanIndex, claim } from './claim.ts'
import { type Controller, type Outcome, type Reconcile, watchOf } from './controller.ts'
import { counted } from './counted.ts'
import { inDeletionOrder } from './deletion-order.ts'
import { podFromTemplate } from './pod-from-template.ts'
import { availableInMs, isActive, isReady, isTerminating } from './pod-state.ts'
import { slowStart } from './slow-start.ts'

/** At most this many pods are created or deleted in one go, as upstream. */
const maxBurst = 500

/** What ReplicaSets and ReplicationControllers have in common. */
export interface ReplicasView {
  readonly selector: Selector
  readonly replicas: number
  readonly minReadySeconds: number
  readonly template: PodTemplateSpec
  /** Whether its status tells how many pods are on their way out. */
  readonly tellsTerminating: boolean
}

export interface ReplicasOptions<T extends ReplicasObject> {
  readonly name: string
  readonly primary: Cache<T>
  readonly caches: Caches
  readonly clock: Clock
  readonly recorder: EventRecorder
  view(object: T): ReplicasView
}

type ReplicasObject = KubeObject & { status?: ReplicaSetStatus }

/** How many pods to create, and which to delete; pure. `related` are pods that share their node with a sibling of the same owner. */
export function planReplicas({
  wanted,
  active,
  related,
  nowMs,
}: {
  wanted: number
  active: readonly Pod[]
  related: readonly Pod[]
  nowMs: number
}): { create: number; remove: readonly Pod[] } {
  const surplus = active.length - wanted
  if (surplus <= 0) return { create: Math.min(-surplus, maxBurst), remove: [] }
  const onNode = new Map<string, number>()
  for (const pod of related) if (isActive(pod)) onNode.set(pod.spec?.nodeName ?? '', (onNode.get(pod.spec?.nodeName ?? '') ?? 0) + 1)
  const order = inDeletionOrder(active, (pod) => onNode.get(pod.spec?.nodeName ?? '') ?? 0, nowMs)
  return { create: 0, remove: order.slice(0, Math.min(surplus, maxBurst)) }
}

/** The status that the pods make; pure. `failure` is what creating or deleting pods came to. */
export function replicasStatus({
  object,
  view,
  pods,
  failure,
  nowMs,
}: {
  object: ReplicasObject
  view: ReplicasView
  pods: readonly Pod[]
  failure: { reason: 'FailedCreate' | 'FailedDelete'; message: string } | undefined
  nowMs: number
}): ReplicaSetStatus {
  const active = pods.filter(isActive)
  const template = selectorOfLabels(view.template.metadata?.labels ?? {})
  const others = (object.status?.conditions ?? []).filter(({ type }) => type !== 'ReplicaFailure')
  const known = conditionOf(object.status, 'ReplicaFailure')
  const condition =
    failure &&
    (known?.reason === failure.reason && known.status === 'True'
      ? known
      : { type: 'ReplicaFailure', status: 'True', ...failure, lastTransitionTime: timestamp(nowMs) })
  return {
    replicas: active.length,
    ...counted({
      fullyLabeledReplicas: active.filter(({ metadata }) => matchesLabels(template, metadata.labels)).length,
      readyReplicas: active.filter(isReady).length,
      availableReplicas: active.filter((pod) => availableInMs(pod, view.minReadySeconds, nowMs) === 0).length,
    }),
    ...(view.tellsTerminating && { terminatingReplicas: pods.filter(isTerminating).length }),
    ...(object.metadata.generation !== undefined && { observedGeneration: object.metadata.generation }),
    ...((condition || others.length > 0) && { conditions: condition ? [...others, condition] : others }),
  }
}

/** Keeps as many pods as a ReplicaSet or ReplicationController asks for. */
export function replicasController<T extends ReplicasObject>({
  name,
  primary,
  caches,
  clock,
  recorder,
  view,
}: ReplicasOptions<T>): Controller<T> {
  const pods = caches.cache(podsRef)
  const client = caches.client
  addOrphanIndex(pods)

  return {
    name,
    primary,
    owned: [pods],
    watches: [
      // An orphan concerns whoever selects it.
      watchOf(pods, (before, pod) => {
        if (!pod || controllerOf(pod) || pod.metadata.deletionTimestamp !== undefined) return []
        if (before && !controllerOf(before) && semanticEqual(before.metadata.labels, pod.metadata.labels)) return []
        return primary
          .list(pod.metadata.namespace)
          .filter((object) => matchesLabels(view(object).selector, pod.metadata.labels))
          .map(({ metadata }) => `${metadata.namespace}/${metadata.name}`)
      }),
    ],
    reconcile,
  }

  async function reconcile(object: T, { cause }: Reconcile): Promise<Outcome> {
    const shape = view(object)
    await claim({ client, ownerRef: primary.ref, owner: object, selector: shape.selector, cache: pods, cause })
    const before = mine(object, shape)
    const failure =
      object.metadata.deletionTimestamp === undefined ? await settle(object, shape, before.filter(isActive), cause) : undefined
    const after = mine(object, shape)
    const nowMs = clock.now()
    const status = replicasStatus({
      object,
      view: shape,
      pods: after,
      failure: failure && { reason: failure.reason, message: messageOf(failure.error) },
      nowMs,
    })
    await writeStatus(object, status, cause)
    if (failure) {
      // Nothing more can be made in a namespace that goes.
      if (isNamespaceTerminating(failure.error)) return undefined
      throw failure.error
    }
    const waits = after
      .flatMap((pod) => (isActive(pod) ? (availableInMs(pod, shape.minReadySeconds, nowMs) ?? []) : []))
      .filter((ms) => ms > 0)
    return waits.length > 0 ? { afterMs: Math.min(...waits) } : undefined
  }

  /** Pods that the object controls and selects, by what the cache knows now. */
  function mine(object: T, { selector }: ReplicasView): readonly Pod[] {
    return pods.ownedBy(object).filter(({ metadata }) => matchesLabels(selector, metadata.labels))
  }

  async function settle(
    object: T,
    shape: ReplicasView,
    active: readonly Pod[],
    cause: string,
  ): Promise<{ reason: 'FailedCreate' | 'FailedDelete'; error: unknown } | undefined> {
    const { create, remove } = planReplicas({
      wanted: shape.replicas,
      active,
      related: active.length > shape.replicas ? related(object) : [],
      nowMs: clock.now(),
    })
    const created = await slowStart(create, () => createPod(object, shape, cause))
    if (created.error !== undefined) return { reason: 'FailedCreate', error: created.error }
    const deleted = await Promise.allSettled(remove.map((pod) => deletePod(object, pod, cause)))
    const failed = deleted.find((result): result is PromiseRejectedResult => result.status === 'rejected')
    return failed && { reason: 'FailedDelete', error: failed.reason }
  }

  /** The pods of all replica sets of one deployment: they decide which pods are doubled up on a node. */
  function related(object: T): readonly Pod[] {
    const owner = controllerOf(object)
    const siblings = owner ? primary.ownedBy({ ...owner, metadata: owner }) : [object]
    return siblings.flatMap((sibling) => pods.ownedBy(sibling))
  }

  async function createPod(object: T, { template }: ReplicasView, cause: string): Promise<void> {
    try {
      const pod = await client.resource(podsRef).create(podFromTemplate(template, primary.ref, object), { cause })
      recorder.record(object, 'Normal', 'SuccessfulCreate', `Created pod: ${pod.metadata.name}`)
    } catch (error) {
      if (!isNamespaceTerminating(error)) recorder.record(object, 'Warning', 'FailedCreate', `Error creating: ${messageOf(error)}`)
      throw error
    }
  }

  async function deletePod(object: T, { metadata }: Pod, cause: string): Promise<void> {
    try {
      const preconditions = metadata.uid === undefined ? {} : { preconditions: { uid: metadata.uid } }
      await client.resource(podsRef).delete(metadata.namespace, metadata.name, { ...preconditions, cause })
      recorder.record(object, 'Normal', 'SuccessfulDelete', `Deleted pod: ${metadata.name}`)
    } catch (error) {
      if (hasReason(error, 'NotFound')) return
      recorder.record(object, 'Warning', 'FailedDelete', `Error deleting: ${messageOf(error)}`)
      throw error
    }
  }

  async function writeStatus(object: T, status: ReplicaSetStatus, cause: string): Promise<void> {
    // What claims and pods took did not change the object; somebody else may have, and then the write is refused.
    if (!semanticEqual({ ...object.status, replicas: object.status?.replicas ?? 0 }, status))
      await client.resource(primary.ref).updateStatus({ ...object, status }, { cause })
  }
}
