import { execFileSync } from 'node:child_process'
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { systemClock } from '../base/clock.ts'
import { type Log, silentLog } from '../base/log.ts'
import { systemRandom } from '../base/random.ts'
import type { ContainerConfig, PodSandboxConfig, RuntimeService } from '../cri/types.ts'
import type { ContainerDefaults } from '../oci/manifest.ts'
import type { ContainerImages } from './container-images.ts'
import { type Engine, type EngineOptions, openEngine } from './engine.ts'
import type { PodNetwork } from './pod-network.ts'

/** Directories and a cgroup of their own for engines under test; several may follow one another in them. */
export interface EnginePlace {
  readonly directory: string
  readonly logs: string
  readonly options: EngineOptions
  open(changes?: Partial<EngineOptions>): Promise<Engine>
  /** Ends everything that any engine left here. */
  remove(): Promise<void>
}

export interface TestImage {
  readonly config?: ContainerDefaults
  /** Changes the image's root directory. */
  readonly prepare?: (root: string) => void
}

/** `images` by name; `busybox` is always there. */
export function engineAt(
  directory: string,
  cgroupParent: string,
  images: Readonly<Record<string, TestImage>> = {},
  log: Log = silentLog,
): EnginePlace {
  const logs = join(directory, 'logs')
  const options: EngineOptions = {
    places: { state: join(directory, 'state'), data: join(directory, 'data'), mountDirectories: [join(directory, 'volumes')] },
    images: directoryImages(join(directory, 'images'), { busybox: {}, ...images }),
    network: loopbackNetwork,
    cgroupParent,
    clock: systemClock,
    random: systemRandom,
    log,
  }
  const open = (changes: Partial<EngineOptions> = {}) => openEngine({ ...options, ...changes })
  return {
    directory,
    logs,
    options,
    open,
    async remove() {
      const engine = await open()
      await engine.cleanUp()
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

export function newEnginePlace(images: Readonly<Record<string, TestImage>> = {}, log?: Log): EnginePlace {
  const directory = mkdtempSync('/run/sampan-test-')
  chmodSync(directory, 0o711)
  return engineAt(directory, directory.replace('/run', ''), images, log)
}

/** Images that are directories with Debian's busybox in them. */
function directoryImages(directory: string, images: Readonly<Record<string, TestImage>>): ContainerImages {
  const rootOf = (name: string) => join(directory, name)
  for (const [name, image] of Object.entries(images)) {
    const root = rootOf(name)
    rmSync(root, { recursive: true, force: true })
    for (const part of ['bin', 'etc', 'tmp', 'proc', 'sys', 'dev']) mkdirSync(join(root, part), { recursive: true })
    copyFileSync('/bin/busybox', join(root, 'bin/busybox'))
    for (const applet of busyboxApplets()) if (applet !== 'busybox') symlinkSync('busybox', join(root, 'bin', applet))
    writeFileSync(join(root, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\nweb:x:1000:1001:web:/srv:/bin/sh\n')
    writeFileSync(join(root, 'etc/group'), 'root:x:0:\nweb:x:1001:\naudio:x:29:web\n')
    image.prepare?.(root)
  }
  const infra = join(directory, 'infra-root')
  mkdirSync(infra, { recursive: true })
  copyFileSync('/usr/bin/catatonit', join(infra, 'catatonit'))
  const unused = () => Promise.reject(new Error('these images cannot be changed'))
  return {
    service: {
      listImages: async () => ({ images: Object.keys(images).map((id) => ({ id })) }),
      imageStatus: async ({ image }) => (image?.image && image.image in images ? { image: { id: image.image } } : {}),
      imageFsInfo: async () => ({}),
      async *streamImages() {},
      pullImage: unused,
      removeImage: unused,
    },
    resolve: async (reference) => (reference in images ? { id: reference, config: images[reference]?.config ?? {} } : undefined),
    lease: async (id) => [rootOf(id)],
    release: async () => {},
    retainLeases: async () => {},
    infraRootfs: async () => infra,
  }
}

let applets: readonly string[] | undefined
function busyboxApplets(): readonly string[] {
  applets ??= execFileSync('/bin/busybox', ['--list'], { encoding: 'utf8' }).split('\n').filter(Boolean)
  return applets
}

/** Pods have their loopback and nothing else. */
const loopbackNetwork: PodNetwork = {
  async attach({ netnsPath }) {
    execFileSync('nsenter', [`--net=${netnsPath}`, 'ip', 'link', 'set', 'lo', 'up'])
    return { addresses: ['127.0.0.1'] }
  },
  detach: async () => {},
  retain: async () => {},
}

let pods = 0

export function podConfig({ logs }: EnginePlace, changes: PodSandboxConfig = {}): PodSandboxConfig {
  const name = `pod-${++pods}`
  return {
    metadata: { name, uid: `${process.pid}-${name}`, namespace: 'default', attempt: 0 },
    hostname: name,
    logDirectory: join(logs, name),
    ...changes,
  }
}

export interface Started {
  readonly sandboxId: string
  readonly containerId: string
  readonly logFile: string
}

/** A pod with one container, started. */
export async function startPod(
  place: EnginePlace,
  runtime: RuntimeService,
  command: readonly string[],
  changes: ContainerConfig = {},
  sandbox: PodSandboxConfig = {},
): Promise<Started> {
  const config = podConfig(place, sandbox)
  const { podSandboxId = '' } = await runtime.runPodSandbox({ config })
  const containerId = await createContainer(runtime, podSandboxId, command, changes)
  await runtime.startContainer({ containerId })
  return { sandboxId: podSandboxId, containerId, logFile: join(config.logDirectory ?? '', `${changes.metadata?.name ?? 'main'}/0.log`) }
}

export async function createContainer(
  runtime: RuntimeService,
  podSandboxId: string,
  command: readonly string[],
  changes: ContainerConfig = {},
): Promise<string> {
  const name = changes.metadata?.name ?? 'main'
  const { containerId = '' } = await runtime.createContainer({
    podSandboxId,
    config: {
      metadata: { name, attempt: 0 },
      image: { image: 'busybox' },
      command,
      logPath: `${name}/0.log`,
      ...changes,
      linux: {
        ...changes.linux,
        securityContext: { namespaceOptions: { pid: 'CONTAINER' }, ...changes.linux?.securityContext },
      },
    },
  })
  return containerId
}

/** The status of the container once it has ended. */
export async function endOf(runtime: RuntimeService, containerId: string) {
  const stop = new AbortController()
  try {
    const events = runtime.getContainerEvents({}, stop.signal)[Symbol.asyncIterator]()
    for (let event = events.next(); ; event = events.next()) {
      const { status } = await runtime.containerStatus({ containerId })
      if (status?.state === 'CONTAINER_EXITED') return status
      await event
    }
  } finally {
    stop.abort()
  }
}
