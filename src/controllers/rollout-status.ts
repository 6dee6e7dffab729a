import { conditionOf } from '../api/conditions.ts'
import { timeOf, timestamp } from '../api/timestamp.ts'
import type { Deployment, DeploymentCondition, DeploymentStatus, ReplicaSet } from '../api/types/apps-v1.ts'
import { counted } from './counted.ts'
import type { Revisions } from './revisions.ts'
import { rolloutLimits } from './rollout-limits.ts'

const sum = (sets: readonly ReplicaSet[], count: (set: ReplicaSet) => number | undefined) =>
  sets.reduce((total, set) => total + (count(set) ?? 0), 0)

/** With the condition in place of its type's; one that says the same stays, and a time of transition stays while the status does. */
export function withCondition(
  status: DeploymentStatus,
  { type, status: value, reason, message }: { type: string; status: 'True' | 'False' | 'Unknown'; reason: string; message: string },
  nowMs: number,
): DeploymentStatus {
  const before = conditionOf(status, type)
  if (before?.status === value && before.reason === reason) return status
  const now = timestamp(nowMs)
  const condition = {
    type,
    status: value,
    lastUpdateTime: now,
    lastTransitionTime: before?.status === value ? (before.lastTransitionTime ?? now) : now,
    reason,
    message,
  }
  return { ...status, conditions: [...(status.conditions ?? []).filter((other) => other.type !== type), condition] }
}

export function withoutCondition(status: DeploymentStatus, type: string): DeploymentStatus {
  return { ...status, conditions: (status.conditions ?? []).filter((other) => other.type !== type) }
}

/** The counts and the Available condition; pure. */
export function countedStatus(deployment: Deployment, { current, old }: Revisions, nowMs: number): DeploymentStatus {
  const all = [...(current ? [current] : []), ...old]
  const { replicas, maxUnavailable } = rolloutLimits(deployment)
  const available = sum(all, ({ status }) => status?.availableReplicas)
  const collisionCount = deployment.status?.collisionCount
  const base: DeploymentStatus = {
    ...(deployment.metadata.generation !== undefined && { observedGeneration: deployment.metadata.generation }),
    ...counted({
      replicas: sum(all, ({ status }) => status?.replicas),
      updatedReplicas: current?.status?.replicas ?? 0,
      readyReplicas: sum(all, ({ status }) => status?.readyReplicas),
      availableReplicas: available,
      unavailableReplicas: Math.max(0, sum(all, ({ spec }) => spec.replicas ?? 1) - available),
    }),
    terminatingReplicas: sum(all, ({ status }) => status?.terminatingReplicas),
    ...(collisionCount !== undefined && { collisionCount }),
    conditions: deployment.status?.conditions ?? [],
  }
  const hasMinimum = available >= replicas - maxUnavailable
  return withCondition(
    base,
    hasMinimum
      ? { type: 'Available', status: 'True', reason: 'MinimumReplicasAvailable', message: 'Deployment has minimum availability.' }
      : {
          type: 'Available',
          status: 'False',
          reason: 'MinimumReplicasUnavailable',
          message: 'Deployment does not have minimum availability.',
        },
    nowMs,
  )
}

/** The whole status of a deployment that rolls: also how it progresses; pure. */
export function rolloutStatus(deployment: Deployment, revisions: Revisions, nowMs: number): DeploymentStatus {
  const status = countedStatus(deployment, revisions, nowMs)
  return withFailures(withProgress(deployment, revisions, status, nowMs), revisions)
}

function withProgress(deployment: Deployment, { current }: Revisions, status: DeploymentStatus, nowMs: number): DeploymentStatus {
  if (!hasDeadline(deployment)) return withoutCondition(status, 'Progressing')
  const known = conditionOf(deployment.status, 'Progressing')
  // Once a rollout is complete it stays so until the next: pods that come and go later are no rollout.
  if ((status.replicas ?? 0) === (status.updatedReplicas ?? 0) && known?.reason === 'NewReplicaSetAvailable') return status
  const subject = current ? `ReplicaSet "${current.metadata.name}"` : `Deployment "${deployment.metadata.name}"`
  if (isComplete(deployment, status)) {
    const message = `${subject} has successfully progressed.`
    return withCondition(status, { type: 'Progressing', status: 'True', reason: 'NewReplicaSetAvailable', message }, nowMs)
  }
  if (hasProgressed(deployment.status ?? {}, status)) {
    const message = `${subject} is progressing.`
    const condition = { type: 'Progressing', status: 'True', reason: 'ReplicaSetUpdated', message } as const
    // Each step renews the time from which the deadline counts, even though nothing else of the condition changes.
    const renewed = withCondition(withoutCondition(status, 'Progressing'), condition, nowMs)
    return known?.status === 'True' ? keepTransition(renewed, known) : renewed
  }
  if (hasTimedOut(deployment, nowMs)) {
    const message = `${subject} has timed out progressing.`
    return withCondition(status, { type: 'Progressing', status: 'False', reason: 'ProgressDeadlineExceeded', message }, nowMs)
  }
  return status
}

function keepTransition(status: DeploymentStatus, { lastTransitionTime }: DeploymentCondition): DeploymentStatus {
  const conditions = status.conditions?.map((condition) =>
    condition.type === 'Progressing' && lastTransitionTime !== undefined ? { ...condition, lastTransitionTime } : condition,
  )
  return { ...status, ...(conditions && { conditions }) }
}

/** Replica sets that cannot make pods: the current one's word counts, else an old one's. */
function withFailures(status: DeploymentStatus, { current, old }: Revisions): DeploymentStatus {
  const failures = [...(current ? [current] : []), ...old].flatMap((set) =>
    (set.status?.conditions ?? []).filter(({ type }) => type === 'ReplicaFailure'),
  )
  const failure = failures[0]
  const without = withoutCondition(status, 'ReplicaFailure')
  if (!failure) return without
  const { type, status: value, reason, message, lastTransitionTime } = failure
  const known = conditionOf(status, 'ReplicaFailure')
  const condition: DeploymentCondition = {
    type,
    status: value,
    ...(reason !== undefined && { reason }),
    ...(message !== undefined && { message }),
    ...(lastTransitionTime !== undefined && { lastTransitionTime, lastUpdateTime: known?.lastUpdateTime ?? lastTransitionTime }),
  }
  return { ...without, conditions: [...(without.conditions ?? []), condition] }
}

export function isComplete({ spec, metadata }: Deployment, status: DeploymentStatus): boolean {
  const replicas = spec.replicas ?? 1
  return (
    (status.updatedReplicas ?? 0) === replicas &&
    (status.replicas ?? 0) === replicas &&
    (status.availableReplicas ?? 0) === replicas &&
    (status.observedGeneration ?? 0) >= (metadata.generation ?? 0)
  )
}

function hasProgressed(before: DeploymentStatus, after: DeploymentStatus): boolean {
  const old = ({ replicas = 0, updatedReplicas = 0 }: DeploymentStatus) => replicas - updatedReplicas
  return (
    (after.updatedReplicas ?? 0) > (before.updatedReplicas ?? 0) ||
    old(after) < old(before) ||
    (after.readyReplicas ?? 0) > (before.readyReplicas ?? 0) ||
    (after.availableReplicas ?? 0) > (before.availableReplicas ?? 0)
  )
}

const hasNoDeadline = 2 ** 31 - 1
export const hasDeadline = ({ spec }: Deployment): boolean => (spec.progressDeadlineSeconds ?? 600) !== hasNoDeadline

function hasTimedOut(deployment: Deployment, nowMs: number): boolean {
  const condition = conditionOf(deployment.status, 'Progressing')
  if (!condition || condition.reason === 'NewReplicaSetAvailable') return false
  if (condition.reason === 'ProgressDeadlineExceeded') return true
  const deadlineMs = deadlineOf(deployment, condition)
  return deadlineMs !== undefined && deadlineMs < nowMs
}

function deadlineOf({ spec }: Deployment, condition: DeploymentCondition): number | undefined {
  const sinceMs = timeOf(condition.lastUpdateTime ?? condition.lastTransitionTime)
  return sinceMs === undefined ? undefined : sinceMs + (spec.progressDeadlineSeconds ?? 600) * 1000
}

/** When to look again whether a rollout is stuck; undefined when it is not rolling or known to be stuck. */
export function stuckInMs(deployment: Deployment, status: DeploymentStatus, nowMs: number): number | undefined {
  const condition = conditionOf(status, 'Progressing')
  if (!hasDeadline(deployment) || !condition || isComplete(deployment, status)) return undefined
  if (condition.reason === 'NewReplicaSetAvailable' || condition.reason === 'ProgressDeadlineExceeded') return undefined
  const deadlineMs = deadlineOf(deployment, condition)
  return deadlineMs === undefined ? undefined : Math.max(0, deadlineMs - nowMs) + 1000
}
