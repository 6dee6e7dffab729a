import { keyOf } from '../api/object.ts'
import type { Pod } from '../api/types/core-v1.ts'
import { type AffinityTerm, affinityTerm } from './affinity-term.ts'
import { type PodRequests, podRequests } from './pod-requests.ts'

export interface HostPort {
  readonly protocol: string
  /** `0.0.0.0`: all of the node's. */
  readonly address: string
  readonly port: number
}

/** What placing a pod asks about it, computed once per revision. */
export interface PodInfo extends PodRequests {
  readonly pod: Pod
  readonly key: string
  readonly uid: string
  readonly namespace: string
  readonly priority: number
  readonly hostPorts: readonly HostPort[]
  readonly requiredAffinity: readonly AffinityTerm[]
  readonly requiredAntiAffinity: readonly AffinityTerm[]
  readonly preferredAffinity: readonly AffinityTerm[]
  readonly preferredAntiAffinity: readonly AffinityTerm[]
}

export function podInfo(pod: Pod): PodInfo {
  const { podAffinity, podAntiAffinity } = pod.spec?.affinity ?? {}
  const required = (affinity: typeof podAffinity) =>
    (affinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []).map((term) => affinityTerm(pod, term))
  const preferred = (affinity: typeof podAffinity) =>
    (affinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map((term) => affinityTerm(pod, term.podAffinityTerm, term.weight))
  return {
    ...podRequests(pod),
    pod,
    key: keyOf(pod),
    uid: pod.metadata.uid ?? keyOf(pod),
    namespace: pod.metadata.namespace ?? '',
    priority: pod.spec?.priority ?? 0,
    hostPorts: hostPortsOf(pod),
    requiredAffinity: required(podAffinity),
    requiredAntiAffinity: required(podAntiAffinity),
    preferredAffinity: preferred(podAffinity),
    preferredAntiAffinity: preferred(podAntiAffinity),
  }
}

/** Sidecars hold their ports as containers do; other init containers are gone before these matter. */
function hostPortsOf({ spec }: Pod): HostPort[] {
  const sidecars = (spec?.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === 'Always')
  return [...(spec?.containers ?? []), ...sidecars]
    .flatMap(({ ports }) => ports ?? [])
    .filter(({ hostPort }) => (hostPort ?? 0) > 0)
    .map(({ protocol, hostIP, hostPort }) => ({ protocol: protocol ?? 'TCP', address: hostIP || '0.0.0.0', port: hostPort ?? 0 }))
}

export const hasAffinity = (info: PodInfo) =>
  info.requiredAffinity.length + info.preferredAffinity.length + info.requiredAntiAffinity.length + info.preferredAntiAffinity.length > 0
