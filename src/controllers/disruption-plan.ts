import { conditionOf } from '../api/conditions.ts'
import { timeOf, timestamp } from '../api/timestamp.ts'
import type { Pod } from '../api/types/core-v1.ts'
import type { Condition } from '../api/types/meta-v1.ts'
import type { PodDisruptionBudget, PodDisruptionBudgetStatus } from '../api/types/policy-v1.ts'
import { resolveAmount } from './int-or-percent.ts'
import { isReady } from './pod-state.ts'

/** How long an eviction that was allowed counts before its pod is seen to go: as upstream. */
const evictionMs = 120_000

export interface DisruptionPlan {
  readonly status: PodDisruptionBudgetStatus
  /** When an eviction that nothing came of stops to count; undefined: none is under way. */
  readonly afterMs: number | undefined
}

/** Whether a budget speaks of a part of what the pods' owners want, and not of a number. */
export const needsScale = ({ spec }: PodDisruptionBudget): boolean =>
  spec.maxUnavailable !== undefined || typeof spec.minAvailable === 'string'

/**
 * What a budget allows, from the pods that it selects; pure. `scale` is how many pods their owners want, which counts only
 * where `needsScale`.
 */
export function planDisruption(budget: PodDisruptionBudget, pods: readonly Pod[], scale: number, nowMs: number): DisruptionPlan {
  const { spec, metadata } = budget
  const expectedPods = needsScale(budget) ? scale : spec.minAvailable === undefined ? 0 : pods.length
  const desiredHealthy =
    spec.maxUnavailable !== undefined
      ? Math.max(0, expectedPods - resolveAmount(spec.maxUnavailable, expectedPods, 'up'))
      : resolveAmount(spec.minAvailable, expectedPods, 'up')
  const { underWay, afterMs } = evictionsUnderWay(budget, pods, nowMs)
  const currentHealthy = pods.filter(
    (pod) => pod.metadata.deletionTimestamp === undefined && !Object.hasOwn(underWay, pod.metadata.name) && isReady(pod),
  ).length
  const disruptionsAllowed = expectedPods <= 0 ? 0 : Math.max(0, currentHealthy - desiredHealthy)
  const condition = {
    type: 'DisruptionAllowed',
    status: disruptionsAllowed > 0 ? 'True' : 'False',
    reason: disruptionsAllowed > 0 ? 'SufficientPods' : 'InsufficientPods',
    message: '',
  }
  const status: PodDisruptionBudgetStatus = {
    observedGeneration: metadata.generation ?? 0,
    disruptionsAllowed,
    currentHealthy,
    desiredHealthy,
    expectedPods,
    conditions: withDisruptionCondition(budget, condition, nowMs),
    ...(Object.keys(underWay).length > 0 && { disruptedPods: underWay }),
  }
  return { status, afterMs }
}

/** What is told of a budget whose pods' owners cannot be counted: nothing may go. */
export function failedDisruption(budget: PodDisruptionBudget, message: string, nowMs: number): PodDisruptionBudgetStatus {
  const condition = { type: 'DisruptionAllowed', status: 'False', reason: 'SyncFailed', message }
  return {
    ...{ currentHealthy: 0, desiredHealthy: 0, expectedPods: 0, ...budget.status },
    observedGeneration: budget.metadata.generation ?? 0,
    disruptionsAllowed: 0,
    conditions: withDisruptionCondition(budget, condition, nowMs),
  }
}

/** Evictions that were allowed and whose pods are there still, as if nothing had been asked. */
function evictionsUnderWay({ status }: PodDisruptionBudget, pods: readonly Pod[], nowMs: number) {
  const names = new Set(pods.filter(({ metadata }) => metadata.deletionTimestamp === undefined).map(({ metadata }) => metadata.name))
  const ends = Object.entries(status?.disruptedPods ?? {}).flatMap(([name, since]) => {
    const endMs = (timeOf(since) ?? 0) + evictionMs
    return names.has(name) && endMs > nowMs ? [{ name, since, endMs }] : []
  })
  return {
    underWay: Object.fromEntries(ends.map(({ name, since }) => [name, since])),
    afterMs: ends.length === 0 ? undefined : Math.min(...ends.map(({ endMs }) => endMs)) - nowMs,
  }
}

function withDisruptionCondition(
  { status, metadata }: PodDisruptionBudget,
  condition: Pick<Condition, 'type' | 'status' | 'reason' | 'message'>,
  nowMs: number,
): Condition[] {
  const before = conditionOf(status, condition.type)
  const isSame = before?.status === condition.status && before.reason === condition.reason && before.message === condition.message
  const lastTransitionTime = before && before.status === condition.status ? before.lastTransitionTime : timestamp(nowMs)
  const observedGeneration = metadata.generation ?? 0
  const made = isSame ? { ...before, observedGeneration } : { ...condition, lastTransitionTime, observedGeneration }
  return [...(status?.conditions ?? []).filter(({ type }) => type !== condition.type), made]
}
