import type { Amounts } from '../api/amounts.ts'
import { podAmounts, requestsOfContainer, requestsOfPod } from '../api/pod-amounts.ts'
import type { Pod } from '../api/types/core-v1.ts'

/** What a container without requests counts for when nodes are scored, so that many small ones still spread. */
const scoredCpuMillis = 100
const scoredMemoryBytes = 200 * 1024 * 1024

export interface PodRequests {
  /** What must be free. */
  readonly needed: Amounts
  /** The same, containers that ask for no cpu or memory counted with a default: for scores. */
  readonly scored: { readonly cpuMillis: number; readonly memoryBytes: number }
}

/** What a pod needs of its node as one unit: all of its containers together are placed, or none. */
export function podRequests(pod: Pod): PodRequests {
  const scored = podAmounts(
    pod,
    (container) => new Map([['cpu', scoredCpuMillis], ['memory', scoredMemoryBytes], ...requestsOfContainer(pod, container)]),
    pod.spec?.resources?.requests,
  )
  return { needed: requestsOfPod(pod), scored: { cpuMillis: scored.get('cpu') ?? 0, memoryBytes: scored.get('memory') ?? 0 } }
}
