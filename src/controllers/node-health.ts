import { conditionOf } from '../api/conditions.ts'
import { timestamp } from '../api/timestamp.ts'
import type { Node, NodeCondition, Taint } from '../api/types/core-v1.ts'

export const notReadyTaint = 'node.kubernetes.io/not-ready'
export const unreachableTaint = 'node.kubernetes.io/unreachable'

/** The conditions that nobody can know when a kubelet is silent. */
const kubeletConditions = ['Ready', 'MemoryPressure', 'DiskPressure', 'PIDPressure']
/** Which condition, standing so, keeps new pods away, and by which taint. */
const schedulingTaints: readonly { readonly type: string; readonly status: string; readonly key: string }[] = [
  { type: 'Ready', status: 'False', key: notReadyTaint },
  { type: 'Ready', status: 'Unknown', key: unreachableTaint },
  { type: 'MemoryPressure', status: 'True', key: 'node.kubernetes.io/memory-pressure' },
  { type: 'DiskPressure', status: 'True', key: 'node.kubernetes.io/disk-pressure' },
  { type: 'NetworkUnavailable', status: 'True', key: 'node.kubernetes.io/network-unavailable' },
  { type: 'PIDPressure', status: 'True', key: 'node.kubernetes.io/pid-pressure' },
]
const unschedulableTaint = 'node.kubernetes.io/unschedulable'

export const readyOf = ({ status }: Node): string => conditionOf(status, 'Ready')?.status ?? 'Unknown'

/** The conditions of a node whose kubelet is silent: all that it tells is unknown; pure. */
export function silentConditions({ status, metadata }: Node, nowMs: number): NodeCondition[] {
  const known = status?.conditions ?? []
  const now = timestamp(nowMs)
  const unknown = kubeletConditions.map((type): NodeCondition => {
    const before = known.find((condition) => condition.type === type)
    if (before?.status === 'Unknown') return before
    return {
      type,
      status: 'Unknown',
      reason: before ? 'NodeStatusUnknown' : 'NodeStatusNeverUpdated',
      message: before ? 'Kubelet stopped posting node status.' : 'Kubelet never posted node status.',
      lastHeartbeatTime: before?.lastHeartbeatTime ?? metadata.creationTimestamp ?? now,
      lastTransitionTime: now,
    }
  })
  return [...known.filter(({ type }) => !kubeletConditions.includes(type)), ...unknown]
}

/**
 * The node's taints as its conditions want them, other people's left as they are; pure.
 *
 * @param mayDriveOff whether pods may be made to leave: not where they would have nowhere to go.
 */
export function taintsOf({ spec, status }: Node, { mayDriveOff, nowMs }: { mayDriveOff: boolean; nowMs: number }): readonly Taint[] {
  const conditions = status?.conditions ?? []
  const wanted: Taint[] = schedulingTaints
    .filter(({ type, status: value }) => conditions.some((condition) => condition.type === type && condition.status === value))
    .map(({ key }) => ({ key, effect: 'NoSchedule' }))
  if (spec?.unschedulable) wanted.push({ key: unschedulableTaint, effect: 'NoSchedule' })
  const ready = conditions.find(({ type }) => type === 'Ready')?.status
  if (mayDriveOff && ready === 'False') wanted.push({ key: notReadyTaint, effect: 'NoExecute' })
  if (mayDriveOff && ready === 'Unknown') wanted.push({ key: unreachableTaint, effect: 'NoExecute' })
  const before = spec?.taints ?? []
  const isSame = (left: Taint, right: Taint) => left.key === right.key && left.effect === right.effect
  const kept = before.filter((taint) => !isOwn(taint) || wanted.some((other) => isSame(taint, other)))
  const added = wanted
    .filter((taint) => !before.some((other) => isSame(taint, other)))
    .map((taint) => ({ ...taint, timeAdded: timestamp(nowMs) }))
  return [...kept, ...added]
}

const ownKeys = new Set([...schedulingTaints.map(({ key }) => key), unschedulableTaint])

/** Taints that the conditions alone decide on. */
function isOwn({ key, effect }: Taint): boolean {
  if (effect === 'NoSchedule') return ownKeys.has(key)
  return effect === 'NoExecute' && (key === notReadyTaint || key === unreachableTaint)
}
