import { qosClassOf } from '../api/core/pod.ts'
import { milliUnits, wholeUnits } from '../api/quantity.ts'
import type { Container, Pod } from '../api/types/core-v1.ts'
import type { LinuxContainerResources } from '../cri/types.ts'
import { podContainers } from './pod-containers.ts'

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
  switch (podQosClass(pod)) {
    case 'Guaranteed':
      return -997
    case 'BestEffort':
      return 1000
    case 'Burstable':
      return Math.min(999, Math.max(3, 1000 - Math.floor((1000 * memoryRequestBytes) / Math.max(1, capacityBytes))))
  }
}

export const podQosClass = ({ spec }: Pod) => qosClassOf([...spec.containers, ...(spec.initContainers ?? [])])

/**
 * What a pod asks for as a whole: the sum of its containers and sidecars, or the largest need while it is initialized (an
 * init container beside the sidecars before it), whichever is more; plus its overhead.
 */
export function podRequests(pod: Pod): Record<string, bigint> {
  return total(pod, ({ resources }) => ({ ...resources?.limits, ...resources?.requests }))
}

/** Limits count for the pod only where every container has one. */
export function podLimit(pod: Pod, resource: 'cpu' | 'memory'): number {
  const all = podContainers(pod).filter(({ role }) => role !== 'ephemeral')
  if (!all.every(({ container }) => container.resources?.limits?.[resource] !== undefined)) return 0
  return Number(total(pod, ({ resources }) => resources?.limits ?? {})[resource] ?? 0n)
}

function total(pod: Pod, amountsOf: (container: Container) => Readonly<Record<string, string>>): Record<string, bigint> {
  const sum: Record<string, bigint> = {}
  const sidecars: Record<string, bigint> = {}
  const largest: Record<string, bigint> = {}
  for (const { role, container } of podContainers(pod)) {
    if (role === 'ephemeral') continue
    for (const [name, text] of Object.entries(amountsOf(container))) {
      const amount = resourceAmount(name, text)
      if (role !== 'init') sum[name] = (sum[name] ?? 0n) + amount
      if (role === 'sidecar') sidecars[name] = (sidecars[name] ?? 0n) + amount
      const beside = (role === 'init' ? amount : 0n) + (sidecars[name] ?? 0n)
      if (role !== 'main' && beside > (largest[name] ?? 0n)) largest[name] = beside
    }
  }
  for (const [name, amount] of Object.entries(largest)) if (amount > (sum[name] ?? 0n)) sum[name] = amount
  for (const [name, text] of Object.entries(pod.spec.overhead ?? {})) sum[name] = (sum[name] ?? 0n) + resourceAmount(name, text)
  return sum
}

/** Thousandths for cpu, whole units for everything else. */
export const resourceAmount = (name: string, text: string): bigint => BigInt(name === 'cpu' ? milliUnits(text) : wholeUnits(text))

/** What the pod's cgroup gets. */
export function podCgroupResources(pod: Pod): { shares: number; quota: number; period: number; memoryBytes: number } {
  return {
    shares: cpuShares(Number(podRequests(pod).cpu ?? 0n)),
    quota: cpuQuota(podLimit(pod, 'cpu')),
    period: cpuPeriod,
    memoryBytes: podLimit(pod, 'memory'),
  }
}
