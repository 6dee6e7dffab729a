import { milliUnits, wholeUnits } from '../api/quantity.ts'
import { timestamp } from '../api/timestamp.ts'
import type { NodeCondition, NodeStatus } from '../api/types/core-v1.ts'
import type { Image, RuntimeCondition } from '../cri/types.ts'
import type { MachineFacts, NodeSettings } from './kubelet-options.ts'

/** The Kubernetes version whose kubelet this is. */
export const kubeletVersion = 'v1.36.0+sampan'

export interface NodeStatusInput {
  readonly node: NodeSettings
  readonly machine: MachineFacts
  readonly runtimeName: string
  readonly runtimeVersion: string
  readonly runtimeConditions: readonly RuntimeCondition[]
  readonly images: readonly Image[]
  /** Where the node's server listens in fact. */
  readonly kubeletPort: number
  readonly old: NodeStatus | undefined
  readonly nowMs: number
}

/** Upstream shows no more images, the largest ones first, and no more names of each. */
const maxImages = 50
const maxImageNames = 5

export function nodeStatus(input: NodeStatusInput): NodeStatus {
  const { node, machine, runtimeName, runtimeVersion, kubeletPort } = input
  return {
    addresses: [
      { type: 'InternalIP', address: node.internalAddress },
      { type: 'Hostname', address: node.hostname },
    ],
    capacity: capacityOf(input),
    allocatable: allocatableOf(input),
    conditions: conditionsOf(input),
    daemonEndpoints: { kubeletEndpoint: { Port: kubeletPort } },
    images: [...input.images]
      .sort((left, right) => (right.size ?? 0) - (left.size ?? 0))
      .slice(0, maxImages)
      .map(({ repoTags = [], repoDigests = [], size = 0 }) => ({
        names: [...repoDigests, ...repoTags].slice(0, maxImageNames),
        sizeBytes: size,
      })),
    nodeInfo: {
      architecture: machine.architecture,
      bootID: machine.bootId,
      containerRuntimeVersion: `${runtimeName}://${runtimeVersion}`,
      kernelVersion: machine.kernelVersion,
      kubeProxyVersion: '',
      kubeletVersion,
      machineID: machine.machineId,
      operatingSystem: 'linux',
      osImage: machine.osImage,
      systemUUID: machine.systemUuid,
    },
  }
}

function capacityOf({ node, machine }: NodeStatusInput): Record<string, string> {
  return {
    cpu: String(machine.cpus),
    'ephemeral-storage': `${Math.floor(machine.diskBytes / 1024)}Ki`,
    'hugepages-1Gi': '0',
    'hugepages-2Mi': '0',
    memory: `${Math.floor(machine.memoryBytes / 1024)}Ki`,
    pods: String(node.maxPods ?? 110),
  }
}

/** As upstream keeps back: 100 MiB of memory below which it evicts, a tenth of the disk, and what is reserved. */
function allocatableOf(input: NodeStatusInput): Record<string, string> {
  const { node, machine } = input
  const cpuMilli = machine.cpus * 1000 - milliUnits(node.reserved?.cpu)
  const memoryBytes = machine.memoryBytes - wholeUnits(node.reserved?.memory) - 100 * 1024 * 1024
  return {
    ...capacityOf(input),
    cpu: cpuMilli % 1000 === 0 ? String(cpuMilli / 1000) : `${cpuMilli}m`,
    'ephemeral-storage': String(Math.floor(machine.diskBytes * 0.9)),
    memory: `${Math.max(0, Math.floor(memoryBytes / 1024))}Ki`,
  }
}

function conditionsOf({ runtimeConditions, old, nowMs }: NodeStatusInput): NodeCondition[] {
  const condition = (type: string, isTrue: boolean, reason: string, message: string): NodeCondition => {
    const status = isTrue ? 'True' : 'False'
    const before = old?.conditions?.find((candidate) => candidate.type === type)
    const moved = before?.status === status ? before.lastTransitionTime : undefined
    return { type, status, lastHeartbeatTime: timestamp(nowMs), lastTransitionTime: moved ?? timestamp(nowMs), reason, message }
  }
  const problems = runtimeProblems(runtimeConditions)
  return [
    condition('MemoryPressure', false, 'KubeletHasSufficientMemory', 'kubelet has sufficient memory available'),
    condition('DiskPressure', false, 'KubeletHasNoDiskPressure', 'kubelet has no disk pressure'),
    condition('PIDPressure', false, 'KubeletHasSufficientPID', 'kubelet has sufficient PID available'),
    problems.length === 0
      ? condition('Ready', true, 'KubeletReady', 'kubelet is posting ready status')
      : condition('Ready', false, 'KubeletNotReady', problems.join(', ')),
  ]
}

/** Why a runtime that shows these conditions cannot run pods. */
export function runtimeProblems(conditions: readonly RuntimeCondition[]): readonly string[] {
  const of = (wanted: string) => conditions.find(({ type }) => type === wanted)
  const text = ({ type, status, reason, message }: RuntimeCondition) => `${type}=${status ?? false} reason:${reason} message:${message}`
  const runtime = of('RuntimeReady')
  const network = of('NetworkReady')
  return [
    ...(runtime?.status
      ? []
      : [runtime ? `container runtime not ready: ${text(runtime)}` : 'container runtime status check may not have completed yet']),
    ...(network && !network.status ? [`container runtime network not ready: ${text(network)}`] : []),
  ]
}

/** The labels by which every node can be chosen. */
export function nodeLabels({ hostname, labels }: NodeSettings, { architecture }: MachineFacts): Record<string, string> {
  return {
    'beta.kubernetes.io/arch': architecture,
    'beta.kubernetes.io/os': 'linux',
    'kubernetes.io/arch': architecture,
    'kubernetes.io/hostname': hostname,
    'kubernetes.io/os': 'linux',
    ...labels,
  }
}

/** Whether two statuses differ in more than the time at which they were made. */
export function withoutHeartbeats({ conditions, ...rest }: NodeStatus): NodeStatus {
  return {
    ...rest,
    conditions: (conditions ?? []).map(({ lastHeartbeatTime: _, ...condition }) => condition),
  }
}
