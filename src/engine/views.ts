import { CriError } from '../cri/cri-error.ts'
import type {
  Container,
  ContainerFilter,
  ContainerState,
  ContainerStatus,
  PodSandbox,
  PodSandboxFilter,
  PodSandboxState,
  PodSandboxStatus,
} from '../cri/types.ts'
import type { ContainerRecord, SandboxRecord } from './records.ts'

/** CRI's times are nanoseconds since the epoch. */
export const nanoseconds = (milliseconds: number | undefined): number => Math.round((milliseconds ?? 0) * 1e6)

export const sandboxState = (record: SandboxRecord): PodSandboxState => (record.phase === 'ready' ? 'SANDBOX_READY' : 'SANDBOX_NOTREADY')

export function containerState({ phase }: ContainerRecord): ContainerState {
  switch (phase) {
    case 'creating':
      return 'CONTAINER_UNKNOWN'
    case 'created':
    case 'starting':
      return 'CONTAINER_CREATED'
    case 'running':
      return 'CONTAINER_RUNNING'
    case 'exited':
      return 'CONTAINER_EXITED'
  }
}

export function sandboxView(record: SandboxRecord): PodSandbox {
  const { metadata, labels = {}, annotations = {} } = record.config
  return {
    id: record.id,
    metadata,
    state: sandboxState(record),
    createdAt: nanoseconds(record.createdAtMs),
    labels,
    annotations,
    runtimeHandler: record.runtimeHandler,
  }
}

export function sandboxStatusView(record: SandboxRecord): PodSandboxStatus {
  const [ip = '', ...others] = record.addresses
  return {
    ...sandboxView(record),
    network: { ip, additionalIps: others.map((address) => ({ ip: address })) },
    linux: { namespaces: { options: record.config.linux?.securityContext?.namespaceOptions } },
  }
}

export function containerView(record: ContainerRecord): Container {
  const { metadata, image, labels = {}, annotations = {} } = record.config
  return {
    id: record.id,
    podSandboxId: record.sandboxId,
    metadata,
    image,
    imageRef: record.imageRef,
    imageId: record.imageId,
    state: containerState(record),
    createdAt: nanoseconds(record.createdAtMs),
    labels,
    annotations,
  }
}

export function containerStatusView(record: ContainerRecord): ContainerStatus {
  const { config, user } = record
  return {
    ...containerView(record),
    startedAt: nanoseconds(record.startedAtMs),
    finishedAt: nanoseconds(record.finishedAtMs),
    exitCode: record.exitCode ?? 0,
    reason: record.reason ?? (record.phase === 'exited' ? (record.exitCode === 0 ? 'Completed' : 'Error') : ''),
    message: record.message ?? '',
    mounts: config.mounts ?? [],
    logPath: record.logPath,
    stopSignal: config.stopSignal,
    resources: { linux: config.linux?.resources },
    ...(user && { user: { linux: { uid: user.uid, gid: user.gid, supplementalGroups: user.additionalGids } } }),
  }
}

/** A record that is half-made is nobody's business yet. */
export function visible<RecordType extends SandboxRecord | ContainerRecord>(record: RecordType): RecordType {
  if (record.phase === 'creating') throw new CriError('NOT_FOUND', `"${record.id}" not found`)
  return record
}

export function selectsLabels(
  selector: Readonly<Record<string, string>> | undefined,
  labels: Readonly<Record<string, string>> | undefined,
): boolean {
  return Object.entries(selector ?? {}).every(([name, value]) => labels?.[name] === value)
}

export function selectsSandbox(filter: PodSandboxFilter | undefined, record: SandboxRecord): boolean {
  if (record.phase === 'creating') return false
  if (filter?.id && !record.id.startsWith(filter.id)) return false
  if (filter?.state && (filter.state.state ?? 'SANDBOX_READY') !== sandboxState(record)) return false
  return selectsLabels(filter?.labelSelector, record.config.labels)
}

export function selectsContainer(filter: ContainerFilter | undefined, record: ContainerRecord): boolean {
  if (record.phase === 'creating') return false
  if (filter?.id && !record.id.startsWith(filter.id)) return false
  if (filter?.podSandboxId && !record.sandboxId.startsWith(filter.podSandboxId)) return false
  if (filter?.state && (filter.state.state ?? 'CONTAINER_CREATED') !== containerState(record)) return false
  return selectsLabels(filter?.labelSelector, record.config.labels)
}
