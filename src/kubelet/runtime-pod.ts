import type { Pod } from '../api/types/core-v1.ts'
import type { ContainerStatus, ContainerUser, PodSandboxStatus } from '../cri/types.ts'
import { runtimeKeys } from './runtime-keys.ts'

/** What the runtime shows of one pod. */
export interface RuntimePod {
  /** Newest first. */
  readonly sandboxes: readonly SandboxView[]
  /** Of all sandboxes; newest first. */
  readonly containers: readonly ContainerView[]
}

export interface SandboxView {
  readonly id: string
  readonly attempt: number
  readonly isReady: boolean
  readonly createdAtMs: number
  /** Empty with the host's network. */
  readonly addresses: readonly string[]
  /** None of the cgroup drivers' business: which pod it is of. */
  readonly podUid: string
  readonly podName: string
  readonly podNamespace: string
}

export interface ContainerView {
  readonly id: string
  readonly sandboxId: string
  readonly name: string
  /** How often it was restarted before. */
  readonly attempt: number
  readonly state: 'created' | 'running' | 'exited' | 'unknown'
  readonly createdAtMs: number
  readonly startedAtMs: number
  readonly finishedAtMs: number
  readonly exitCode: number
  readonly reason: string
  readonly message: string
  readonly hash: string
  readonly image: string
  readonly imageId: string
  readonly logPath: string
  /** Where the file that the container writes its last words into lies on the node. */
  readonly messageFile: string | undefined
  readonly messagePolicy: string
  readonly user: ContainerUser | undefined
}

export const emptyRuntimePod: RuntimePod = { sandboxes: [], containers: [] }

/** CRI's times are nanoseconds. */
const milliseconds = (nanoseconds: number | undefined) => Math.round((nanoseconds ?? 0) / 1e6)

export function sandboxView(status: PodSandboxStatus): SandboxView {
  const { network, labels = {}, metadata } = status
  const addresses = [network?.ip, ...(network?.additionalIps ?? []).map(({ ip }) => ip)]
  return {
    id: status.id ?? '',
    attempt: metadata?.attempt ?? 0,
    isReady: status.state === 'SANDBOX_READY' || status.state === undefined,
    createdAtMs: milliseconds(status.createdAt),
    addresses: addresses.filter((address): address is string => address !== undefined && address !== ''),
    podUid: labels[runtimeKeys.podUid] ?? metadata?.uid ?? '',
    podName: labels[runtimeKeys.podName] ?? metadata?.name ?? '',
    podNamespace: labels[runtimeKeys.podNamespace] ?? metadata?.namespace ?? '',
  }
}

export function containerView(status: ContainerStatus, sandboxId: string): ContainerView {
  const { labels = {}, annotations = {}, metadata } = status
  const messagePath = annotations[runtimeKeys.terminationMessagePath]
  return {
    id: status.id ?? '',
    sandboxId,
    name: labels[runtimeKeys.containerName] ?? metadata?.name ?? '',
    attempt: Number(annotations[runtimeKeys.restartCount] ?? metadata?.attempt ?? 0),
    state: stateOf(status),
    createdAtMs: milliseconds(status.createdAt),
    startedAtMs: milliseconds(status.startedAt),
    finishedAtMs: milliseconds(status.finishedAt),
    exitCode: status.exitCode ?? 0,
    reason: status.reason ?? '',
    message: status.message ?? '',
    hash: annotations[runtimeKeys.hash] ?? '',
    image: status.image?.userSpecifiedImage || status.image?.image || '',
    imageId: status.imageRef || status.imageId || '',
    logPath: status.logPath ?? '',
    messageFile: status.mounts?.find(({ containerPath }) => containerPath !== undefined && containerPath === messagePath)?.hostPath,
    messagePolicy: annotations[runtimeKeys.terminationMessagePolicy] ?? 'File',
    user: status.user,
  }
}

function stateOf({ state }: ContainerStatus): ContainerView['state'] {
  switch (state) {
    case 'CONTAINER_CREATED':
    case undefined:
      return 'created'
    case 'CONTAINER_RUNNING':
      return 'running'
    case 'CONTAINER_EXITED':
      return 'exited'
    case 'CONTAINER_UNKNOWN':
      return 'unknown'
  }
}

/** Where a pod is reached: on the host's network by the node's address. Undefined while it has no sandbox that would have one. */
export function podAddress({ spec }: Pod, sandbox: SandboxView | undefined, nodeAddress: string): string | undefined {
  return spec.hostNetwork ? nodeAddress : sandbox?.addresses[0]
}

/** The newest of a name, in whatever sandbox. */
export function latestContainer({ containers }: RuntimePod, name: string): ContainerView | undefined {
  return containers.find((container) => container.name === name)
}

export const newestFirst = (
  left: { attempt: number; createdAtMs: number; id: string },
  right: { attempt: number; createdAtMs: number; id: string },
) => right.attempt - left.attempt || right.createdAtMs - left.createdAtMs || (left.id < right.id ? -1 : 1)
