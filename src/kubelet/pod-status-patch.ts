import { isTrue } from '../api/conditions.ts'
import type { PodCondition, PodStatus } from '../api/types/core-v1.ts'
import { semanticEqual } from '../client/semantic-equal.ts'

/** Fields of the status that a kubelet writes; others in it are others'. */
const ownFields = [
  'observedGeneration',
  'phase',
  'reason',
  'message',
  'hostIP',
  'hostIPs',
  'podIP',
  'podIPs',
  'startTime',
  'initContainerStatuses',
  'containerStatuses',
  'ephemeralContainerStatuses',
  'qosClass',
] as const satisfies readonly (keyof PodStatus)[]

/** Lists that a strategic patch would merge by key: they are replaced as they are. */
const mergedLists: readonly string[] = ['hostIPs', 'podIPs']

/** What makes `old` say what `wanted` says, as a strategic merge patch of `status`; undefined where it does already. */
export function statusPatch(old: PodStatus | undefined, wanted: PodStatus): Record<string, unknown> | undefined {
  const patch: Record<string, unknown> = {}
  for (const field of ownFields) {
    const value = wanted[field]
    if (semanticEqual(old?.[field], value)) continue
    if (value === undefined) patch[field] = null
    else patch[field] = mergedLists.includes(field) && Array.isArray(value) ? [{ $patch: 'replace' }, ...value] : value
  }
  const conditions = (wanted.conditions ?? []).filter((condition) => !isTold(old?.conditions, condition))
  if (conditions.length > 0) patch.conditions = conditions.map((condition) => conditionPatch(old?.conditions, condition))
  return Object.keys(patch).length > 0 ? patch : undefined
}

const isTold = (conditions: readonly PodCondition[] | undefined, wanted: PodCondition) =>
  semanticEqual(
    { ...conditions?.find(({ type }) => type === wanted.type), lastProbeTime: undefined },
    { ...wanted, lastProbeTime: undefined },
  )

/** Merged by type: what the condition no longer says has to be taken away by name. */
function conditionPatch(conditions: readonly PodCondition[] | undefined, wanted: PodCondition): Record<string, unknown> {
  const old = conditions?.find(({ type }) => type === wanted.type)
  const gone = (['reason', 'message'] as const).filter((field) => old?.[field] !== undefined && wanted[field] === undefined)
  return { ...wanted, ...Object.fromEntries(gone.map((field) => [field, null])) }
}

/** Whether others wait for this: a change of readiness or phase, or a container that ended. What only tells of progress may wait a moment. */
export function isUrgent(old: PodStatus | undefined, wanted: PodStatus): boolean {
  if (old?.phase !== wanted.phase && wanted.phase !== 'Pending') return true
  if (isTrue(old, 'Ready') !== isTrue(wanted, 'Ready')) return true
  const ends = (status: PodStatus | undefined) =>
    [...(status?.containerStatuses ?? []), ...(status?.initContainerStatuses ?? [])]
      .map(({ state, lastState }) => `${state?.terminated?.finishedAt}${lastState?.terminated?.finishedAt}${state?.waiting?.message}`)
      .join()
  return old?.containerStatuses !== undefined && ends(old) !== ends(wanted)
}
