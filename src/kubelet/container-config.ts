import type { Container, EphemeralContainer, Pod, SeccompProfile, VolumeMount } from '../api/types/core-v1.ts'
import type {
  ContainerConfig,
  Image,
  LinuxContainerSecurityContext,
  Mount,
  MountPropagation,
  SecurityProfile,
  Signal,
} from '../cri/types.ts'
import { ConfigProblem } from './config-problem.ts'
import { containerHash } from './container-hash.ts'
import { expandVariables } from './expand-variables.ts'
import { containerResources } from './pod-resources.ts'
import { runtimeKeys } from './runtime-keys.ts'
import { namespaceOptions, podLabels } from './sandbox-config.ts'

export interface ContainerConfigInput {
  readonly pod: Pod
  readonly container: Container | EphemeralContainer
  readonly attempt: number
  readonly imageRef: string
  readonly environment: ReadonlyMap<string, string>
  readonly mounts: readonly Mount[]
  readonly memoryCapacityBytes: number
  /** Where seccomp profiles of the node lie. */
  readonly seccompRoot: string
  /** The container whose processes an ephemeral one sees. */
  readonly targetId?: string
}

/** What the runtime makes a container from; pure. */
export function containerConfig(input: ContainerConfigInput): ContainerConfig {
  const { pod, container, attempt, environment } = input
  const { metadata, spec } = pod
  const expand = (texts: readonly string[] | undefined) =>
    (texts ?? []).map((text) => expandVariables(text, (name) => environment.get(name)))
  return {
    metadata: { name: container.name, attempt },
    image: { image: input.imageRef, userSpecifiedImage: container.image ?? '' },
    command: expand(container.command),
    args: expand(container.args),
    workingDir: container.workingDir ?? '',
    envs: [...environment].map(([key, value]) => ({ key, value: Buffer.from(value) })),
    mounts: input.mounts,
    labels: { ...podLabels(pod), [runtimeKeys.containerName]: container.name },
    annotations: {
      [runtimeKeys.hash]: containerHash(container),
      [runtimeKeys.restartCount]: String(attempt),
      [runtimeKeys.terminationMessagePath]: container.terminationMessagePath ?? '/dev/termination-log',
      [runtimeKeys.terminationMessagePolicy]: container.terminationMessagePolicy ?? 'File',
      [runtimeKeys.terminationGracePeriod]: String(spec.terminationGracePeriodSeconds ?? metadata.deletionGracePeriodSeconds ?? 30),
    },
    logPath: `${container.name}/${attempt}.log`,
    stdin: container.stdin ?? false,
    stdinOnce: container.stdinOnce ?? false,
    tty: container.tty ?? false,
    ...(container.lifecycle?.stopSignal !== undefined && { stopSignal: container.lifecycle.stopSignal as Signal }),
    linux: { resources: containerResources(pod, container, input.memoryCapacityBytes), securityContext: containerSecurity(input) },
  }
}

function containerSecurity({ pod, container, seccompRoot, targetId }: ContainerConfigInput): LinuxContainerSecurityContext {
  const own = container.securityContext ?? {}
  const shared = pod.spec.securityContext ?? {}
  const user = own.runAsUser ?? shared.runAsUser
  const group = own.runAsGroup ?? shared.runAsGroup
  const groups = [...(shared.fsGroup === undefined ? [] : [shared.fsGroup]), ...(shared.supplementalGroups ?? [])]
  const policy = shared.supplementalGroupsPolicy
  return {
    privileged: own.privileged ?? false,
    namespaceOptions: namespaceOptions(pod, targetId),
    readonlyRootfs: own.readOnlyRootFilesystem ?? false,
    noNewPrivs: own.allowPrivilegeEscalation === false,
    seccomp: seccompOf(own.seccompProfile ?? shared.seccompProfile, own.privileged ?? false, seccompRoot),
    ...(own.capabilities && {
      capabilities: { addCapabilities: own.capabilities.add ?? [], dropCapabilities: own.capabilities.drop ?? [] },
    }),
    ...(user !== undefined && { runAsUser: { value: user } }),
    ...(group !== undefined && { runAsGroup: { value: group } }),
    ...(groups.length > 0 && { supplementalGroups: groups }),
    ...((policy === 'Merge' || policy === 'Strict') && { supplementalGroupsPolicy: policy }),
    ...(own.procMount === 'Unmasked' && { maskedPaths: [], readonlyPaths: [] }),
  }
}

function seccompOf(profile: SeccompProfile | undefined, isPrivileged: boolean, root: string): SecurityProfile {
  if (isPrivileged || !profile) return { profileType: 'Unconfined' }
  switch (profile.type) {
    case 'RuntimeDefault':
      return { profileType: 'RuntimeDefault' }
    case 'Localhost':
      if (!profile.localhostProfile || profile.localhostProfile.split('/').includes('..'))
        throw new ConfigProblem("localhostProfile must name a file below the node's seccomp directory")
      return { profileType: 'Localhost', localhostRef: `${root}/${profile.localhostProfile}` }
    default:
      return { profileType: 'Unconfined' }
  }
}

/** runAsNonRoot is a promise that the kubelet keeps: a container that would run as root is not made. */
export function checkNonRoot(pod: Pod, container: Container, image: Image | undefined): void {
  const own = container.securityContext ?? {}
  const shared = pod.spec.securityContext ?? {}
  if (!(own.runAsNonRoot ?? shared.runAsNonRoot)) return
  const where = `(pod: "${pod.metadata.name}_${pod.metadata.namespace}(${pod.metadata.uid})", container: ${container.name})`
  const user = own.runAsUser ?? shared.runAsUser
  if (user === 0) throw new ConfigProblem(`container's runAsUser breaks non-root policy ${where}`)
  if (user !== undefined) return
  if (image?.username) {
    throw new ConfigProblem(
      `container has runAsNonRoot and image has non-numeric user (${image.username}), cannot verify user is non-root ${where}`,
    )
  }
  if ((image?.uid?.value ?? 0) === 0) throw new ConfigProblem(`container has runAsNonRoot and image will run as root ${where}`)
}

const propagations: Readonly<Record<string, MountPropagation>> = {
  None: 'PROPAGATION_PRIVATE',
  HostToContainer: 'PROPAGATION_HOST_TO_CONTAINER',
  Bidirectional: 'PROPAGATION_BIDIRECTIONAL',
}

/** What the API has put into files is not for containers to change, whatever their mount says. */
const showsApi = ({ spec }: Pod, volumeName: string): boolean =>
  spec.volumes?.some(
    ({ name, configMap, secret, downwardAPI, projected }) => name === volumeName && (configMap ?? secret ?? downwardAPI ?? projected),
  ) ?? false

export function volumeMount(
  pod: Pod,
  { name, mountPath, readOnly, recursiveReadOnly, mountPropagation }: VolumeMount,
  hostPath: string,
): Mount {
  return {
    containerPath: mountPath.startsWith('/') ? mountPath : `/${mountPath}`,
    hostPath,
    readonly: readOnly || showsApi(pod, name),
    propagation: propagations[mountPropagation ?? 'None'] ?? 'PROPAGATION_PRIVATE',
    ...(readOnly && recursiveReadOnly === 'Enabled' && { recursiveReadOnly: true }),
  }
}
