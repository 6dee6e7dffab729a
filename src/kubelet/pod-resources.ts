import { amountsOf } from '../api/amounts.ts'
import { qosClassOfSpec } from '../api/core/pod-qos.ts'
import { podAmounts, requestsOfPod } from '../api/pod-amounts.ts'
import { milliUnits, wholeUnits } from '../api/quantity.ts'
import type { Container, Pod } from '../api/types/core-v1.ts'
import type { LinuxContainerResources } from '../cri/types.ts'

/** Requests and limits as the kernel's numbers. */
export interface Amounts {
  readonly cpuMilli: number
  readonly memoryBytes: number
}

const cpuPeriod = 100_000
const minShares = 2
const maxShares = 262_144
/** The kernel takes no smaller quota. */
const minQuota = 1_000

export function cpuShares(milli: number): number {
  return milli === 0 ? minShares : Math.min(maxShares, Math.max(minShares, Math.floor((milli * 1024) / 1000)))
}

export function cpuQuota(milli: number): number {
  return milli === 0 ? 0 : Math.max(minQuota, Math.floor((milli * cpuPeriod) / 1000))
}

/** The kernel's weight of cgroups v2 for v1's shares. */
export const cpuWeight = (shares: number): number => 1 + Math.floor(((shares - 2) * 9999) / 262_142)

/** What a container's own cgroup gets. */
export function containerResources(
  pod: Pod,
  container: Pick<Container, 'resources'>,
  memoryCapacityBytes: number,
): LinuxContainerResources {
  const { requests = {}, limits = {} } = container.resources ?? {}
  const request = milliUnits(requests.cpu ?? limits.cpu)
  const quota = cpuQuota(milliUnits(limits.cpu))
  const memory = wholeUnits(limits.memory)
  return {
    cpuShares: cpuShares(request),
    ...(quota > 0 && { cpuQuota: quota, cpuPeriod }),
    ...(memory > 0 && { memoryLimitInBytes: memory, memorySwapLimitInBytes: memory }),
    oomScoreAdj: oomScore(pod, wholeUnits(requests.memory ?? limits.memory), memoryCapacityBytes),
  }
}

/** Upstream's order in which the kernel ends containers when memory is short. */
function oomScore(pod: Pod, memoryRequestBytes: number, capacityBytes: number): number {
  switch (qosClassOfSpec(pod.spec)) {
    case 'Guaranteed':
      return -997
    case 'BestEffort':
      return 1000
    case 'Burstable':
      return Math.min(999, Math.max(3, 1000 - Math.floor((1000 * memoryRequestBytes) / Math.max(1, capacityBytes))))
  }
}

/** Limits count for the pod where it has one as a whole, or every container has one. */
export function podLimit(pod: Pod, resource: 'cpu' | 'memory'): number {
  const { containers, initContainers = [], resources } = pod.spec
  const isLimited =
    resources?.limits?.[resource] !== undefined ||
    [...containers, ...initContainers].every((container) => container.resources?.limits?.[resource] !== undefined)
  if (!isLimited) return 0
  return podAmounts(pod, (container) => amountsOf(container.resources?.limits), resources?.limits).get(resource) ?? 0
}

/** What the pod's cgroup gets. */
export function podCgroupResources(pod: Pod): { shares: number; quota: number; period: number; memoryBytes: number } {
  return {
    shares: cpuShares(requestsOfPod(pod).get('cpu') ?? 0),
    quota: cpuQuota(podLimit(pod, 'cpu')),
    period: cpuPeriod,
    memoryBytes: podLimit(pod, 'memory'),
  }
}
