import { conditionOf, isTrue } from '../api/conditions.ts'
import { timeOf } from '../api/timestamp.ts'
import type { Pod, PodCondition } from '../api/types/core-v1.ts'

/** It ended, and will not run again. */
export const hasEnded = ({ status }: Pod): boolean => status?.phase === 'Succeeded' || status?.phase === 'Failed'

/** It counts as a replica: neither ended nor on its way out. */
export const isActive = (pod: Pod): boolean => !hasEnded(pod) && pod.metadata.deletionTimestamp === undefined

export const isTerminating = (pod: Pod): boolean => !hasEnded(pod) && pod.metadata.deletionTimestamp !== undefined

export const readyCondition = ({ status }: Pod): PodCondition | undefined => conditionOf(status, 'Ready')

export const isReady = ({ status }: Pod): boolean => isTrue(status, 'Ready')

/** Milliseconds until a ready pod has been so for `minReadySeconds`; 0: it has; undefined: it is not ready. */
export function availableInMs(pod: Pod, minReadySeconds: number, nowMs: number): number | undefined {
  const condition = readyCondition(pod)
  if (condition?.status !== 'True') return undefined
  if (minReadySeconds === 0) return 0
  const sinceMs = timeOf(condition.lastTransitionTime)
  return sinceMs === undefined ? undefined : Math.max(0, sinceMs + minReadySeconds * 1000 - nowMs)
}
