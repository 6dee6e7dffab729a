import type { ReplicaSet } from '../api/types/apps-v1.ts'
import { byCreation, desiredAnnotation, maxAnnotation, type Revisions } from './revisions.ts'
import type { RolloutLimits } from './rollout-limits.ts'

/** A replica set and the size that it should have. */
export interface Scale {
  readonly set: ReplicaSet
  readonly replicas: number
}

const sizeOf = ({ spec }: ReplicaSet) => spec.replicas ?? 1
/** Pods that there are or will be: those of a set that was just made smaller take their room until they go. */
export const roomOf = (set: ReplicaSet) => Math.max(set.status?.replicas ?? 0, sizeOf(set))
/**
 * Pods that are available and stay so. The status of a set that was just made smaller still counts those that go: upstream
 * counts on them too, and takes more than may be missing when the status is late.
 */
const availableOf = (set: ReplicaSet) => Math.min(set.status?.availableReplicas ?? 0, sizeOf(set))
const total = (sets: readonly ReplicaSet[], count: (set: ReplicaSet) => number) => sets.reduce((sum, set) => sum + count(set), 0)

/** The size of the current replica set while it rolls: as far up as the surge allows. */
export function currentSize(limits: RolloutLimits, current: number, allPods: number): number {
  const { replicas, maxSurge } = limits
  if (current >= replicas) return replicas
  return current + Math.max(0, Math.min(replicas + maxSurge - allPods, replicas - current))
}

/** The next step of a rolling update: the current one up (or down to what is wanted), and only then the old ones down. */
export function rollingSteps(limits: RolloutLimits, { current, old }: Revisions): readonly Scale[] {
  const all = current ? [current, ...old] : old
  if (current) {
    const size = currentSize(limits, sizeOf(current), total(all, roomOf))
    if (size !== sizeOf(current)) return [{ set: current, replicas: size }]
  }
  return oldSteps(limits, current, [...old].sort(byCreation), all)
}

/** Old replica sets give up pods that are not available first, then as many as what is available beyond the minimum. */
function oldSteps(
  { replicas, maxUnavailable }: RolloutLimits,
  current: ReplicaSet | undefined,
  old: readonly ReplicaSet[],
  all: readonly ReplicaSet[],
): readonly Scale[] {
  const sizes = new Map(old.map((set) => [set, sizeOf(set)]))
  const minAvailable = replicas - maxUnavailable
  const missing = current ? sizeOf(current) - availableOf(current) : 0
  let unhealthy = total(all, sizeOf) - minAvailable - missing
  if (unhealthy <= 0) return []
  for (const set of old) {
    const drop = Math.max(0, Math.min(unhealthy, sizeOf(set) - availableOf(set)))
    sizes.set(set, sizeOf(set) - drop)
    unhealthy -= drop
  }
  let spare = total(all, availableOf) - minAvailable
  for (const set of old) {
    const size = sizes.get(set) ?? 0
    const drop = Math.max(0, Math.min(spare, size))
    sizes.set(set, size - drop)
    spare -= drop
  }
  return old.flatMap((set) => (sizes.get(set) === sizeOf(set) ? [] : [{ set, replicas: sizes.get(set) ?? 0 }]))
}

/** Whether the deployment was scaled since its replica sets were: then they are scaled before it rolls on. */
export function isScaling({ replicas }: RolloutLimits, { current, old }: Revisions): boolean {
  return [...(current ? [current] : []), ...old].some(({ spec, metadata }) => {
    const desired = metadata.annotations?.[desiredAnnotation]
    return (spec.replicas ?? 1) > 0 && desired !== undefined && Number(desired) !== replicas
  })
}

/** The sizes of all replica sets after the deployment was scaled or while it is paused: in the middle of a rollout, each in proportion. */
export function scalingSteps(limits: RolloutLimits, revisions: Revisions, isRolling: boolean, knownReplicas: number): readonly Scale[] {
  const { current, old } = revisions
  const { replicas, maxSurge } = limits
  const only = activeOrLatest(revisions)
  if (only) return sizeOf(only) === replicas ? [] : [{ set: only, replicas }]
  const active = [...(current ? [current] : []), ...old].filter((set) => sizeOf(set) > 0)
  if (current && isSaturated(current, replicas)) {
    return old.filter((set) => sizeOf(set) > 0).map((set) => ({ set, replicas: 0 }))
  }
  if (!isRolling) return []
  const allowed = replicas > 0 ? replicas + maxSurge : 0
  const toAdd = allowed - total(active, sizeOf)
  // Growth goes to the largest and then newest first, shrinking takes from the largest and then oldest.
  const order = [...active].sort(
    (left, right) => sizeOf(right) - sizeOf(left) || (toAdd > 0 ? byCreation(right, left) : byCreation(left, right)),
  )
  let added = 0
  const sizes = order.map((set) => {
    const share = shareOf(set, { replicas, maxSurge, knownReplicas, toAdd, left: toAdd - added })
    added += share
    return sizeOf(set) + share
  })
  // What rounding left over goes to the first.
  if (toAdd !== 0 && sizes[0] !== undefined) sizes[0] = Math.max(0, sizes[0] + toAdd - added)
  return order.map((set, index) => ({ set, replicas: Math.max(0, sizes[index] ?? 0) }))
}

function shareOf(set: ReplicaSet, sum: { replicas: number; maxSurge: number; knownReplicas: number; toAdd: number; left: number }): number {
  const size = sizeOf(set)
  if (size === 0 || sum.toAdd === 0 || sum.left === 0) return 0
  const before = Number(set.metadata.annotations?.[maxAnnotation] ?? 0) || sum.knownReplicas
  const wanted = sum.replicas === 0 || before === 0 ? -size : Math.round((size * (sum.replicas + sum.maxSurge)) / before) - size
  return sum.toAdd > 0 ? Math.max(0, Math.min(wanted, sum.left)) : Math.min(0, Math.max(wanted, sum.left))
}

/** The one replica set that has pods; when none has, the current one or else the latest. Undefined: there are several. */
function activeOrLatest({ current, old }: Revisions): ReplicaSet | undefined {
  const active = [...(current ? [current] : []), ...old].filter((set) => sizeOf(set) > 0)
  if (active.length > 1) return undefined
  return active[0] ?? current ?? [...old].sort(byCreation).at(-1)
}

function isSaturated(current: ReplicaSet, replicas: number): boolean {
  const desired = Number(current.metadata.annotations?.[desiredAnnotation] ?? Number.NaN)
  return sizeOf(current) === replicas && desired === replicas && current.status?.availableReplicas === replicas
}
