import type { Pod } from '../api/types/core-v1.ts'
import type { LinuxSandboxSecurityContext, NamespaceOption, PodSandboxConfig, Protocol } from '../cri/types.ts'
import { type DnsFacts, podDns } from './pod-dns.ts'
import { podHostname } from './pod-hostname.ts'
import { podCgroupResources } from './pod-resources.ts'
import { runtimeKeys } from './runtime-keys.ts'
import { sysctlName } from './sysctls.ts'

export interface SandboxFacts {
  readonly dns: DnsFacts
  readonly nodeHostname: string
  readonly clusterDomain: string
  readonly logDirectory: string
  readonly cgroupParent: string
}

/** What the runtime makes a pod's sandbox from; pure. */
export function sandboxConfig(pod: Pod, attempt: number, facts: SandboxFacts): PodSandboxConfig {
  const { metadata, spec } = pod
  const { hostname } = podHostname(pod, { nodeHostname: facts.nodeHostname, clusterDomain: facts.clusterDomain })
  const { shares, quota, period, memoryBytes } = podCgroupResources(pod)
  return {
    metadata: { name: metadata.name, namespace: metadata.namespace, uid: metadata.uid, attempt },
    hostname: spec.hostNetwork ? '' : hostname,
    logDirectory: facts.logDirectory,
    dnsConfig: podDns(pod, facts.dns),
    portMappings: spec.hostNetwork ? [] : portMappings(pod),
    labels: { ...metadata.labels, ...podLabels(pod) },
    annotations: { ...metadata.annotations },
    linux: {
      cgroupParent: facts.cgroupParent,
      sysctls: Object.fromEntries((spec.securityContext?.sysctls ?? []).map(({ name, value }) => [sysctlName(name), value])),
      securityContext: sandboxSecurity(pod),
      resources: {
        cpuShares: shares,
        ...(quota > 0 && { cpuQuota: quota, cpuPeriod: period }),
        ...(memoryBytes > 0 && { memoryLimitInBytes: memoryBytes }),
      },
    },
  }
}

/** By which the pod of a sandbox or container is known again. */
export function podLabels({ metadata }: Pod): Record<string, string> {
  return {
    [runtimeKeys.podName]: metadata.name,
    [runtimeKeys.podNamespace]: metadata.namespace ?? '',
    [runtimeKeys.podUid]: metadata.uid ?? '',
  }
}

function portMappings({ spec }: Pod) {
  return [...(spec.initContainers ?? []), ...spec.containers]
    .flatMap(({ ports = [] }) => ports)
    .filter(({ hostPort }) => hostPort !== undefined && hostPort > 0)
    .map(({ containerPort, hostPort, hostIP, protocol }) => ({
      containerPort,
      hostPort,
      protocol: (protocol ?? 'TCP') as Protocol,
      ...(hostIP && { hostIp: hostIP }),
    }))
}

/** The namespaces that a container of the pod lives in; an ephemeral one may look into those of a target. */
export function namespaceOptions({ spec }: Pod, targetId?: string): NamespaceOption {
  const pid = spec.hostPID ? 'NODE' : targetId !== undefined ? 'TARGET' : spec.shareProcessNamespace ? 'POD' : 'CONTAINER'
  return {
    network: spec.hostNetwork ? 'NODE' : 'POD',
    ipc: spec.hostIPC ? 'NODE' : 'POD',
    pid,
    ...(targetId !== undefined && { targetId }),
  }
}

function sandboxSecurity(pod: Pod): LinuxSandboxSecurityContext {
  const context = pod.spec.securityContext ?? {}
  const groups = [...(context.fsGroup === undefined ? [] : [context.fsGroup]), ...(context.supplementalGroups ?? [])]
  const isPrivileged = [...pod.spec.containers, ...(pod.spec.initContainers ?? [])].some(
    ({ securityContext }) => securityContext?.privileged,
  )
  return {
    privileged: isPrivileged,
    namespaceOptions: namespaceOptions(pod),
    ...(context.runAsUser !== undefined && { runAsUser: { value: context.runAsUser } }),
    ...(context.runAsGroup !== undefined && { runAsGroup: { value: context.runAsGroup } }),
    ...(groups.length > 0 && { supplementalGroups: groups }),
    seccomp: { profileType: 'RuntimeDefault' },
  }
}
