import type { Pod, PodCondition } from '../../api/types/core-v1.ts'

/** The pod with this condition in place of the one of its type, whose transition time stays while its status does. */
export function withCondition(pod: Pod, condition: PodCondition, nowText: string): Pod {
  const conditions = pod.status?.conditions ?? []
  const old = conditions.find(({ type }) => type === condition.type)
  const lastTransitionTime = old?.status === condition.status ? (old.lastTransitionTime ?? nowText) : nowText
  const changed = { ...condition, lastTransitionTime }
  return {
    ...pod,
    status: { ...pod.status, conditions: old ? conditions.map((each) => (each === old ? changed : each)) : [...conditions, changed] },
  }
}
