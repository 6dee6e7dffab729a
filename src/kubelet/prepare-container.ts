import { chmod, mkdir, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Container, Pod } from '../api/types/core-v1.ts'
import { onErrorCode } from '../base/error-code.ts'
import type { ContainerConfig, Mount } from '../cri/types.ts'
import { ConfigProblem } from './config-problem.ts'
import { checkNonRoot, containerConfig, volumeMount } from './container-config.ts'
import { containerEnvironment } from './container-environment.ts'
import type { PodDirectories } from './directories.ts'
import { expandVariables } from './expand-variables.ts'
import type { PerformDeps } from './perform.ts'
import { containerNamed } from './pod-containers.ts'
import type { PodEntry } from './pod-entry.ts'
import { hostsFile, podHostname } from './pod-hostname.ts'
import type { Step } from './pod-plan.ts'
import { readText } from './read-text.ts'
import { latestContainer, type SandboxView } from './runtime-pod.ts'
import { bindSubPath } from './volumes/sub-path.ts'

type Deps = Pick<PerformDeps, 'puller' | 'objects' | 'directories' | 'node' | 'memoryBytes' | 'fieldFacts' | 'serviceVariables'>

/**
 * Makes what a container needs on the node (sub-paths, its hosts file, a file for its last words), and says what the runtime
 * makes it from. Fails with ConfigProblem. `pod` is the one whose image was brought: the entry's may be another by now.
 */
export async function prepareContainer(
  deps: Deps,
  entry: PodEntry,
  pod: Pod,
  { sandbox, attempt, container: name }: Step & { type: 'start-container' },
  imageRef: string,
): Promise<ContainerConfig> {
  const { container, role } = containerNamed(pod, name)
  const addresses = pod.spec.hostNetwork ? [deps.node.internalAddress] : sandbox.addresses
  checkNonRoot(pod, container, await deps.puller.status(imageRef))
  const environment = await environmentOf(deps, pod, container, addresses)
  const target =
    role === 'ephemeral' ? pod.spec.ephemeralContainers?.find((candidate) => candidate.name === name)?.targetContainerName : undefined
  const targetId = target ? latestContainer(entry.runtime, target)?.id : undefined
  return containerConfig({
    pod,
    container,
    attempt,
    imageRef,
    environment,
    mounts: await mountsOf({ deps, entry, pod, container, environment, sandbox, attempt }),
    memoryCapacityBytes: deps.memoryBytes,
    seccompRoot: join(deps.directories.root, 'seccomp'),
    ...(targetId !== undefined && { targetId }),
  })
}

async function environmentOf(deps: Deps, pod: Pod, container: Container, addresses: readonly string[]) {
  const { uid = '', namespace = '' } = pod.metadata
  const references = [...(container.envFrom ?? []), ...(container.env ?? []).flatMap(({ valueFrom }) => (valueFrom ? [valueFrom] : []))]
  const names = (kinds: readonly ('configMapRef' | 'configMapKeyRef' | 'secretRef' | 'secretKeyRef')[]) => [
    ...new Set(
      references.flatMap((reference) =>
        kinds.flatMap((kind) => {
          const named = (reference as { readonly [Kind in typeof kind]?: { name?: string } })[kind]
          return named?.name === undefined ? [] : [named.name]
        }),
      ),
    ),
  ]
  const load = async <T>(list: readonly string[], read: (uid: string, namespace: string, name: string) => Promise<T | undefined>) =>
    new Map(await Promise.all(list.map(async (name) => [name, await read(uid, namespace, name)] as const)))
  const [maps, hidden] = await Promise.all([
    load(names(['configMapRef', 'configMapKeyRef']), deps.objects.configMap),
    load(names(['secretRef', 'secretKeyRef']), deps.objects.secret),
  ])
  return containerEnvironment(pod, container, {
    facts: deps.fieldFacts(pod, addresses),
    services: deps.serviceVariables(pod),
    configMap: (name) => maps.get(name),
    secret: (name) => hidden.get(name),
  })
}

async function mountsOf({
  deps,
  entry,
  pod,
  container,
  environment,
  sandbox,
  attempt,
}: {
  deps: Deps
  entry: PodEntry
  pod: Pod
  container: Container
  environment: ReadonlyMap<string, string>
  sandbox: SandboxView
  attempt: number
}): Promise<readonly Mount[]> {
  const { directories } = deps
  const { uid } = entry
  const mounts: Mount[] = []
  for (const [index, mount] of (container.volumeMounts ?? []).entries()) {
    const volume = entry.volumePaths.get(mount.name)
    if (volume === undefined) throw new ConfigProblem(`volume ${mount.name} of container ${container.name} is not mounted`)
    const subPath = mount.subPathExpr === undefined ? mount.subPath : expandStrictly(mount.subPathExpr, environment)
    const place = join(directories.subPaths(uid), mount.name, container.name, String(index))
    mounts.push(volumeMount(pod, mount, subPath ? await bindSubPath(volume, subPath, place) : volume))
  }
  const isTaken = (path: string) => mounts.some(({ containerPath }) => containerPath === path)
  if (!isTaken('/etc/hosts')) {
    await writeHosts(deps, pod, sandbox)
    mounts.push({
      containerPath: '/etc/hosts',
      hostPath: directories.hostsFile(uid),
      readonly: container.securityContext?.readOnlyRootFilesystem ?? false,
    })
  }
  const messagePath = container.terminationMessagePath ?? '/dev/termination-log'
  if (messagePath !== '' && !isTaken(messagePath)) {
    const file = messageFileOf(directories, uid, { name: container.name, attempt })
    await mkdir(dirname(file), { recursive: true, mode: 0o755 })
    await writeFile(file, '')
    // Whoever the container runs as, and whatever the umask is.
    await chmod(file, 0o666)
    mounts.push({ containerPath: messagePath, hostPath: file })
  }
  return mounts
}

/** Where one run of a container writes its last words, unless a volume is mounted there. */
export const messageFileOf = (directories: PodDirectories, uid: string, { name, attempt }: { name: string; attempt: number }): string =>
  join(directories.container(uid, name), String(attempt))

/** Unlike in commands, a variable that is not there is an error: the path would be another one. */
function expandStrictly(expression: string, environment: ReadonlyMap<string, string>): string {
  return expandVariables(expression, (name) => {
    const value = environment.get(name)
    if (value === undefined) throw new ConfigProblem(`failed to expand subPathExpr "${expression}": missing value for "${name}"`)
    return value
  })
}

async function writeHosts({ directories, node }: Deps, pod: Pod, sandbox: SandboxView): Promise<void> {
  const names = podHostname(pod, { nodeHostname: node.hostname, clusterDomain: node.clusterDomain })
  const text = hostsFile(pod, names, sandbox.addresses, pod.spec.hostNetwork ? await readText('/etc/hosts') : '')
  const file = directories.hostsFile(pod.metadata.uid ?? '')
  // Rewritten in place: containers that run have this very file mounted. They may have made it as large as the disk.
  const { size } = await stat(file).catch(onErrorCode(['ENOENT'], { size: -1 }))
  const isSame = size === Buffer.byteLength(text) && (await readText(file)) === text
  if (!isSame) await writeFile(file, text, { mode: 0o644 })
}
