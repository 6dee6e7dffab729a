import { timeOf } from '../api/timestamp.ts'
import type { Pod } from '../api/types/core-v1.ts'
import { isReady, readyCondition } from './pod-state.ts'

const costAnnotation = 'controller.kubernetes.io/pod-deletion-cost'
const phases: Readonly<Record<string, number>> = { Pending: 0, Unknown: 1, Running: 2 }

/**
 * Pods in the order in which a scale-down deletes them, as upstream's ActivePodsWithRanks: unassigned, pending, not
 * ready, cheap to delete, doubled up on a node, ready for a shorter time (in powers of two), restarted more often, newer.
 *
 * @param rankOf how many related pods share the pod's node.
 */
export function inDeletionOrder(pods: readonly Pod[], rankOf: (pod: Pod) => number, nowMs: number): readonly Pod[] {
  const facts = new Map(pods.map((pod) => [pod, factsOf(pod, rankOf, nowMs)]))
  return [...pods].sort((left, right) => compare(facts.get(left) ?? [], facts.get(right) ?? []))
}

/** Compared field by field, the smaller goes first. */
function factsOf(pod: Pod, rankOf: (pod: Pod) => number, nowMs: number): readonly (number | string)[] {
  const { spec, status, metadata } = pod
  const cost = Number(metadata.annotations?.[costAnnotation] ?? 0)
  return [
    spec?.nodeName ? 1 : 0,
    phases[status?.phase ?? 'Pending'] ?? 0,
    isReady(pod) ? 1 : 0,
    Number.isSafeInteger(cost) ? cost : 0,
    -rankOf(pod),
    isReady(pod) ? magnitude(timeOf(readyCondition(pod)?.lastTransitionTime), nowMs) : 0,
    -restarts(pod),
    magnitude(timeOf(metadata.creationTimestamp), nowMs),
    // So that which of equals goes does not depend on the order in which they came.
    metadata.uid ?? '',
  ]
}

/** Ages are compared by their power of two, so that not always the newest of a rollout go. */
function magnitude(sinceMs: number | undefined, nowMs: number): number {
  if (sinceMs === undefined) return -2
  const ageMs = nowMs - sinceMs
  return ageMs > 0 ? Math.floor(Math.log2(ageMs * 1e6)) : -1
}

function restarts({ status }: Pod): number {
  return Math.max(0, ...(status?.containerStatuses ?? []).map(({ restartCount }) => restartCount))
}

function compare(left: readonly (number | string)[], right: readonly (number | string)[]): number {
  for (let index = 0; index < left.length; index++) {
    const [a, b] = [left[index] ?? 0, right[index] ?? 0]
    if (a !== b) return a < b ? -1 : 1
  }
  return 0
}
