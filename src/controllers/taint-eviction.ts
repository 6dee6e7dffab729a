import { conditionOf } from '../api/conditions.ts'
import { nodes as nodesRef, pods as podsRef } from '../api/resources.ts'
import { timeOf } from '../api/timestamp.ts'
import { covers } from '../api/toleration.ts'
import type { Node, Pod, Taint } from '../api/types/core-v1.ts'
import type { Clock } from '../base/clock.ts'
import type { Caches } from '../client/client.ts'
import type { EventRecorder } from '../client/event-recorder.ts'
import { semanticEqual } from '../client/semantic-equal.ts'
import { unlessGone } from './api-errors.ts'
import { type Controller, type Outcome, type Reconcile, watchOf } from './controller.ts'
import { disruptionPatch } from './disruption-target.ts'
import { hasEnded } from './pod-state.ts'
import { addNodeIndex, podsOn } from './pods-on-node.ts'

/**
 * When a pod has to leave a node because of its NoExecute taints (milliseconds since the epoch); undefined: it may stay;
 * pure. All must be tolerated, and the shortest time of the tolerations that cover them counts: from when the node began
 * to drive pods off, or from when the pod came.
 */
export function evictionMs(
  pod: Pod,
  taints: readonly Taint[],
  { drivenSinceMs, nowMs }: { drivenSinceMs: number; nowMs: number },
): number | undefined {
  const effective = taints.filter(isDriving)
  if (effective.length === 0) return undefined
  const tolerations = pod.spec.tolerations ?? []
  const used = effective.map((taint) => tolerations.filter((toleration) => covers(toleration, taint)))
  if (used.some((covering) => covering.length === 0)) return nowMs
  const seconds = used.flat().flatMap(({ tolerationSeconds }) => tolerationSeconds ?? [])
  if (seconds.length === 0) return undefined
  return Math.max(drivenSinceMs, placedMs(pod)) + Math.max(0, Math.min(...seconds)) * 1000
}

const isDriving = ({ effect }: Taint) => effect === 'NoExecute'

const placedMs = ({ metadata, status }: Pod): number =>
  timeOf(conditionOf(status, 'PodScheduled')?.lastTransitionTime) ?? timeOf(metadata.creationTimestamp) ?? 0

/** Deletes pods from nodes whose NoExecute taints they do not tolerate, or no longer. */
export function taintEvictionController({
  caches,
  clock,
  recorder,
}: {
  caches: Caches
  clock: Clock
  recorder: EventRecorder
}): Controller<Node> {
  const { client } = caches
  const primary = caches.cache(nodesRef)
  const pods = caches.cache(podsRef)
  addNodeIndex(pods)
  /** Since when nodes drive pods off, by name: one who taints by hand notes no time. */
  const drivenSinceMs = new Map<string, number>()
  const drives = (node: Node | undefined) => (node?.spec?.taints ?? []).some(isDriving)
  return {
    name: 'taint-eviction',
    primary,
    matters(before, after) {
      if (!drives(after)) drivenSinceMs.delete((after ?? before)?.metadata.name ?? '')
      return drives(after) && !semanticEqual(before?.spec?.taints, after?.spec?.taints)
    },
    watches: [
      watchOf(pods, (before, pod) => {
        const name = pod?.spec.nodeName
        if (!name || (before?.spec.nodeName === name && semanticEqual(before.spec.tolerations, pod.spec.tolerations))) return []
        return drives(primary.get(undefined, name)) ? [name] : []
      }),
    ],
    reconcile,
  }

  async function reconcile(node: Node, { cause }: Reconcile): Promise<Outcome> {
    const nowMs = clock.now()
    const taints = node.spec?.taints ?? []
    if (!drives(node)) return undefined
    const sinceMs = drivenSinceMs.get(node.metadata.name) ?? earliestMs(taints, nowMs)
    drivenSinceMs.set(node.metadata.name, sinceMs)
    const here = podsOn(pods, node.metadata.name).filter((pod) => !hasEnded(pod) && pod.metadata.deletionTimestamp === undefined)
    const times = here.flatMap((pod) => {
      const atMs = evictionMs(pod, taints, { drivenSinceMs: sinceMs, nowMs })
      return atMs === undefined ? [] : { pod, atMs }
    })
    await Promise.all(times.filter(({ atMs }) => atMs <= nowMs).map(({ pod }) => evict(pod, cause)))
    const later = times.filter(({ atMs }) => atMs > nowMs).map(({ atMs }) => atMs)
    return later.length > 0 ? { afterMs: Math.min(...later) - nowMs } : undefined
  }

  async function evict(pod: Pod, cause: string): Promise<void> {
    const { namespace, name, uid } = pod.metadata
    recorder.record(pod, 'Normal', 'TaintManagerEviction', `Marking for deletion Pod ${namespace}/${name}`)
    const patch = disruptionPatch(pod, 'DeletionByTaintManager', 'Taint manager: deleting due to NoExecute taint', clock.now())
    const told = await unlessGone(client.resource(podsRef).patch(namespace, name, 'strategic', patch, { subresource: 'status', cause }))
    if (!told) return
    const preconditions = uid === undefined ? {} : { preconditions: { uid } }
    await unlessGone(client.resource(podsRef).delete(namespace, name, { ...preconditions, cause }))
  }
}

/** Taints of the node lifecycle controller say when they came, so that a new process of ours does not begin anew. */
const earliestMs = (taints: readonly Taint[], nowMs: number): number =>
  Math.min(nowMs, ...taints.filter(isDriving).map(({ timeAdded }) => timeOf(timeAdded) ?? nowMs))
