import { timeOf } from '../api/timestamp.ts'
import type { Pod, Service } from '../api/types/core-v1.ts'
import { readyCondition } from './pod-state.ts'

/**
 * When what endpoints show was caused: the earliest change of a service or its pods since the last time. Upstream
 * measures by it how long the network takes to follow.
 */
export function createTriggerTimes() {
  const known = new Map<string, { service: number; pods: ReadonlyMap<string, number> }>()
  return {
    /** Undefined when nothing changed that has a time. */
    of(key: string, service: Service, pods: readonly Pod[]): string | undefined {
      const before = known.get(key)
      const times = new Map(pods.map((pod) => [pod.metadata.uid ?? '', changedMs(pod)]))
      const created = timeOf(service.metadata.creationTimestamp) ?? 0
      known.set(key, { service: created, pods: times })
      const changes = [...times].filter(([uid, ms]) => ms > 0 && ms !== before?.pods.get(uid)).map(([, ms]) => ms)
      if (!before || before.service !== created) changes.push(created)
      const earliest = Math.min(...changes.filter((ms) => ms > 0))
      return Number.isFinite(earliest) ? new Date(earliest).toISOString().replace('.000Z', 'Z') : undefined
    },
    forget(key: string): void {
      known.delete(key)
    },
  }
}

const changedMs = (pod: Pod): number => timeOf(readyCondition(pod)?.lastTransitionTime) ?? timeOf(pod.metadata.creationTimestamp) ?? 0
