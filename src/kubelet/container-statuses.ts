import { timestamp } from '../api/timestamp.ts'
import type { ContainerState, ContainerStatus, PodStatus, VolumeMountStatus } from '../api/types/core-v1.ts'
import type { Observed } from './observed.ts'
import { isRestarted, type PodContainer, podContainers } from './pod-containers.ts'
import { lifeOrder, type PodLife } from './pod-life.ts'
import type { Waiting } from './pod-plan.ts'
import type { ContainerView } from './runtime-pod.ts'

export interface ContainerStatuses {
  readonly containerStatuses: readonly ContainerStatus[]
  readonly initContainerStatuses: readonly ContainerStatus[]
  readonly ephemeralContainerStatuses: readonly ContainerStatus[]
}

export interface StatusInput {
  readonly life: PodLife
  readonly observed: Observed
  readonly waiting: ReadonlyMap<string, Waiting>
  /** What the runtime calls itself: the scheme of container ids. */
  readonly runtimeName: string
  /** Last words by container id. */
  readonly messages: ReadonlyMap<string, string>
}

/** The state of every container as the API shows it; pure. */
export function containerStatuses(input: StatusInput): ContainerStatuses {
  const { pod } = input.observed
  const of = (...roles: readonly string[]) =>
    podContainers(pod)
      .filter(({ role }) => roles.includes(role))
      .map((entry) => containerStatus(input, entry))
  return { containerStatuses: of('main'), initContainerStatuses: of('init', 'sidecar'), ephemeralContainerStatuses: of('ephemeral') }
}

function containerStatus(input: StatusInput, entry: PodContainer): ContainerStatus {
  const { observed, life } = input
  const { pod, runtime, inFlight } = observed
  const { container } = entry
  const runs = runtime.containers.filter(({ name }) => name === container.name)
  // Until its postStart hook is over a container does not count as running.
  const isStarting = runs[0] !== undefined && runs[0].state !== 'exited' && inFlight.has(`start-container:${container.name}`)
  const [latest, previous] = isStarting ? runs.slice(1) : runs
  const old = oldStatus(pod.status, container.name)
  const base = {
    name: container.name,
    image: container.image ?? '',
    imageID: '',
    lastState: {},
    ready: false,
    restartCount: 0,
    ...declared(entry),
  }
  if (!latest || latest.state === 'created') {
    if (old?.state?.terminated && life.phase !== 'running') return old
    const lost = lostState(input, entry, old, isStarting)
    // It ran, and the runtime knows nothing of it any more: the next run is a restart.
    const isForgotten = !latest && life.phase === 'running' && entry.role !== 'ephemeral' && old?.state?.running !== undefined
    const before = latest ? lastStateOfOld(observed, entry, latest) : isForgotten ? endUnseen : (old?.lastState ?? {})
    const state = lost ?? waitingState(input, entry)
    return {
      ...base,
      restartCount: latest?.attempt ?? (old?.restartCount ?? 0) + (isForgotten ? 1 : 0),
      lastState: previous ? terminatedState(input, previous) : before,
      state,
      started: false,
      ...(lost && old?.containerID !== undefined && { containerID: old.containerID, imageID: old.imageID }),
    }
  }
  return { ...base, ...runningOrEnded(input, entry, latest, previous) }
}

function runningOrEnded(input: StatusInput, entry: PodContainer, latest: ContainerView, previous: ContainerView | undefined) {
  const { observed, waiting, life, runtimeName } = input
  const user = latest.user?.linux
  const own = {
    containerID: `${runtimeName}://${latest.id}`,
    image: latest.image || entry.container.image || '',
    imageID: latest.imageId,
    restartCount: latest.attempt,
    lastState: previous ? terminatedState(input, previous) : lastStateOfOld(observed, entry, latest),
    ...(user && {
      user: { linux: { uid: user.uid ?? 0, gid: user.gid ?? 0, supplementalGroups: [...(user.supplementalGroups ?? [])] } },
    }),
  }
  switch (latest.state) {
    case 'running': {
      const probe = observed.probes.get(latest.id)
      const isStarted = probe?.hasStarted ?? true
      return {
        ...own,
        state: { running: { startedAt: timestamp(latest.startedAtMs) } },
        started: isStarted,
        ready: entry.role !== 'ephemeral' && entry.role !== 'init' && isStarted && (probe?.isReady ?? true),
      }
    }
    case 'exited': {
      const ended = terminatedState(input, latest)
      const wait = life.phase === 'running' && isRestarted(observed.pod, entry, latest.exitCode) ? waiting.get(latest.name) : undefined
      return {
        ...own,
        ...(wait ? { state: { waiting: waitingOf(wait) }, lastState: ended } : { state: ended }),
        started: false,
        ready: entry.role === 'init' && latest.exitCode === 0,
      }
    }
    case 'created':
    case 'unknown':
      return { ...own, state: { waiting: { reason: 'ContainerStatusUnknown' } }, started: false, ready: false }
  }
}

/** The run before this one, when the runtime has forgotten it but the API has not. */
function lastStateOfOld({ pod }: Observed, entry: PodContainer, latest: ContainerView): ContainerState {
  const old = oldStatus(pod.status, entry.container.name)
  if (!old || latest.attempt === 0) return {}
  if (old.restartCount === latest.attempt) return old.lastState ?? {}
  return old.state?.terminated ? old.state : old.state?.running ? endUnseen : {}
}

/** Of a run that ended while nobody looked, such as with the machine. */
const endUnseen: ContainerState = {
  terminated: {
    exitCode: 137,
    reason: 'ContainerStatusUnknown',
    message: 'The container could not be located when the pod was deleted.  The container used to be Running',
  },
}

/** All last words of a pod together: each container has the same part of it. */
const maxPodMessageBytes = 12 * 1024

function terminatedState({ observed, runtimeName, messages }: StatusInput, container: ContainerView): ContainerState {
  const share = Math.floor(maxPodMessageBytes / podContainers(observed.pod).length)
  const message = cut(messages.get(container.id) || container.message, share)
  return {
    terminated: {
      containerID: `${runtimeName}://${container.id}`,
      exitCode: container.exitCode,
      reason: container.reason || (container.exitCode === 0 ? 'Completed' : 'Error'),
      startedAt: timestamp(container.startedAtMs),
      finishedAt: timestamp(container.finishedAtMs),
      ...(message && { message }),
    },
  }
}

const cut = (text: string, maxBytes: number) => (text.length * 3 <= maxBytes ? text : Buffer.from(text).subarray(0, maxBytes).toString())

/** A container that ran, and of which nothing is left though its pod is over. */
function lostState(
  { life, observed }: StatusInput,
  entry: PodContainer,
  old: ContainerStatus | undefined,
  isStarting: boolean,
): ContainerState | undefined {
  if (entry.role === 'ephemeral' || isStarting) return undefined
  const wasThere = old?.state?.running !== undefined || old?.containerID !== undefined
  if (lifeOrder(life) < 2 || !wasThere || observed.inFlight.size > 0) return undefined
  return {
    terminated: {
      exitCode: 137,
      reason: 'ContainerStatusUnknown',
      message: 'The container could not be located when the pod was terminated',
    },
  }
}

function waitingState({ observed, waiting }: StatusInput, { container }: PodContainer): ContainerState {
  const wait = waiting.get(container.name)
  if (wait) return { waiting: waitingOf(wait) }
  return { waiting: { reason: (observed.pod.spec.initContainers ?? []).length > 0 ? 'PodInitializing' : 'ContainerCreating' } }
}

const waitingOf = ({ reason, message }: Waiting) => ({ reason, ...(message && { message }) })

/** What the spec alone says. */
function declared({ container }: PodContainer): Pick<ContainerStatus, 'allocatedResources' | 'resources' | 'volumeMounts' | 'stopSignal'> {
  const { resources, volumeMounts, lifecycle } = container
  return {
    ...(resources?.requests && { allocatedResources: resources.requests }),
    ...(resources && {
      resources: { ...(resources.limits && { limits: resources.limits }), ...(resources.requests && { requests: resources.requests }) },
    }),
    ...(volumeMounts && volumeMounts.length > 0 && { volumeMounts: volumeMounts.map(mountStatus) }),
    ...(lifecycle?.stopSignal !== undefined && { stopSignal: lifecycle.stopSignal }),
  }
}

const mountStatus = ({ name, mountPath, readOnly }: { name: string; mountPath: string; readOnly?: boolean }): VolumeMountStatus => ({
  mountPath,
  name,
  ...(readOnly && { readOnly: true, recursiveReadOnly: 'Disabled' }),
})

export function oldStatus(status: PodStatus | undefined, name: string): ContainerStatus | undefined {
  const all = [
    ...(status?.containerStatuses ?? []),
    ...(status?.initContainerStatuses ?? []),
    ...(status?.ephemeralContainerStatuses ?? []),
  ]
  return all.find((candidate) => candidate.name === name)
}
