import { qosClassOfSpec } from '../api/core/pod-qos.ts'
import { timestamp } from '../api/timestamp.ts'
import type { ContainerStatus, Pod, PodStatus } from '../api/types/core-v1.ts'
import { containerStatuses, type StatusInput } from './container-statuses.ts'
import type { Observed } from './observed.ts'
import { conditionsOf } from './pod-conditions.ts'
import { isRestarted, type PodContainer, podContainers } from './pod-containers.ts'
import { lifeOrder, type PodLife } from './pod-life.ts'

export interface PodStatusInput extends StatusInput {
  /** The node's addresses, the primary one first. */
  readonly hostAddresses: readonly string[]
  readonly nowMs: number
}

/** The status of a pod as this node sees it; pure. What others keep in it (conditions of theirs, nominations) is not in it. */
export function podStatus(input: PodStatusInput): PodStatus {
  const { observed, life, hostAddresses, nowMs } = input
  const { pod, startedAtMs } = observed
  const statuses = containerStatuses(input)
  const ended = endedAsAWhole(life)
  const old = pod.status ?? {}
  const phase = ended ? 'Failed' : phaseOf(pod, life, statuses)
  const addresses = podAddresses(observed, hostAddresses)
  const [podIP] = addresses
  const [hostIP] = hostAddresses
  const generation = pod.metadata.generation
  return {
    ...(generation !== undefined && { observedGeneration: generation }),
    phase,
    ...reasonOf(life, old),
    conditions: conditionsOf({ pod, phase, statuses, life, observed, nowMs }),
    ...(hostIP !== undefined && { hostIP, hostIPs: hostAddresses.map((ip) => ({ ip })) }),
    ...(podIP !== undefined && { podIP, podIPs: addresses.map((ip) => ({ ip })) }),
    startTime: old.startTime ?? timestamp(startedAtMs),
    ...nonEmpty('initContainerStatuses', statuses.initContainerStatuses),
    containerStatuses: [...statuses.containerStatuses],
    ...nonEmpty('ephemeralContainerStatuses', statuses.ephemeralContainerStatuses),
    qosClass: old.qosClass ?? qosClassOfSpec(pod.spec),
  }
}

const nonEmpty = (field: string, list: readonly ContainerStatus[]) => (list.length === 0 ? {} : { [field]: [...list] })

function endedAsAWhole(life: PodLife) {
  return life.phase === 'terminating' || life.phase === 'terminated' ? life.cause.status : undefined
}

/** Reasons that this node gives, and those that an evicter wrote. */
function reasonOf(life: PodLife, old: PodStatus): Pick<PodStatus, 'reason' | 'message'> {
  const { reason, message } = endedAsAWhole(life) ?? old
  return { ...(reason !== undefined && { reason }), ...(message !== undefined && { message }) }
}

/** Addresses outlive the sandbox that held them, so that they can be read after the pod's end. */
function podAddresses({ pod, runtime }: Observed, hostAddresses: readonly string[]): readonly string[] {
  const [sandbox] = runtime.sandboxes
  if (pod.spec.hostNetwork) return sandbox ? hostAddresses : []
  if (sandbox && sandbox.addresses.length > 0) return sandbox.addresses
  return (pod.status?.podIPs ?? []).map(({ ip }) => ip)
}

export interface Statuses {
  readonly containerStatuses: readonly ContainerStatus[]
  readonly initContainerStatuses: readonly ContainerStatus[]
}

/** Upstream's getPhase: what all containers together make of the pod. */
function phaseOf(pod: Pod, life: PodLife, { containerStatuses: mains, initContainerStatuses: inits }: Statuses): string {
  const stated = pod.status?.phase
  if (stated === 'Succeeded' || stated === 'Failed') return stated
  const isOver = lifeOrder(life) >= 2
  const entries = podContainers(pod)
  const entryOf = ({ name }: ContainerStatus) => entries.find((entry) => entry.container.name === name)
  const hasStarted = mains.some(({ state, lastState }) => state?.running || state?.terminated || lastState?.terminated)
  const initState = initStateOf(pod, inits, entryOf)
  if (initState === 'failed' && !hasStarted) return 'Failed'
  if (initState === 'pending' && !hasStarted) return isOver ? 'Failed' : 'Pending'
  let running = 0
  let waiting = 0
  let stopped = 0
  let succeeded = 0
  let willRestart = false
  for (const status of mains) {
    const { state, lastState } = status
    const entry = entryOf(status)
    if (state?.running) running++
    else if (state?.terminated) {
      stopped++
      if (state.terminated.exitCode === 0) succeeded++
      if (entry && isRestarted(pod, entry, state.terminated.exitCode)) willRestart = true
    } else if (lastState?.terminated) {
      stopped++
      willRestart = true
    } else waiting++
  }
  if (isOver) return stopped > 0 && waiting === 0 && stopped === succeeded ? 'Succeeded' : 'Failed'
  if (waiting > 0) return 'Pending'
  if (running > 0 || willRestart) return 'Running'
  // A pod that is being deleted has nothing that runs for a moment before it is over.
  if (life.phase === 'terminating' && life.cause.type !== 'completed') return 'Running'
  return stopped === succeeded ? 'Succeeded' : 'Failed'
}

function initStateOf(
  pod: Pod,
  inits: readonly ContainerStatus[],
  entryOf: (status: ContainerStatus) => PodContainer | undefined,
): 'done' | 'pending' | 'failed' {
  let result: 'done' | 'pending' = 'done'
  for (const status of inits) {
    const entry = entryOf(status)
    if (!entry) continue
    const ended = status.state?.terminated ?? (entry.role === 'init' ? status.lastState?.terminated : undefined)
    if (entry.role === 'sidecar') {
      if (!status.started) result = 'pending'
    } else if (!status.state?.terminated) result = 'pending'
    else if (ended && ended.exitCode !== 0) {
      if (!isRestarted(pod, entry, ended.exitCode)) return 'failed'
      result = 'pending'
    }
  }
  return result
}
