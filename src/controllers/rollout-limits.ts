import type { Deployment } from '../api/types/apps-v1.ts'
import { resolveAmount } from './int-or-percent.ts'

export interface RolloutLimits {
  readonly replicas: number
  /** Pods above `replicas` while it rolls. */
  readonly maxSurge: number
  /** Pods of `replicas` that may be missing while it rolls. */
  readonly maxUnavailable: number
}

/** What a deployment asks for, in numbers: surge rounds up, unavailability down; when both come to none, one may be missing. */
export function rolloutLimits({ spec }: Deployment): RolloutLimits {
  const replicas = spec.replicas ?? 1
  if (isRecreate(spec) || replicas === 0) return { replicas, maxSurge: 0, maxUnavailable: 0 }
  const { maxSurge = '25%', maxUnavailable = '25%' } = spec.strategy?.rollingUpdate ?? {}
  const surge = resolveAmount(maxSurge, replicas, 'up')
  const unavailable = resolveAmount(maxUnavailable, replicas, 'down')
  return { replicas, maxSurge: surge, maxUnavailable: Math.min(replicas, surge === 0 && unavailable === 0 ? 1 : unavailable) }
}

export const isRecreate = ({ strategy }: Deployment['spec']): boolean => strategy?.type === 'Recreate'
