import type { Clock } from '../base/clock.ts'
import { CriError } from './cri-error.ts'
import type {
  ContainerConfig,
  ContainerEventResponse,
  ContainerEventType,
  ContainerState,
  ContainerStatus,
  ExecSyncResponse,
  ImageService,
  PodSandboxConfig,
  PodSandboxStatus,
  RuntimeService,
} from './types.ts'

/** How the process of a container behaves once it is started. */
export interface FakeProcess {
  /** Ends by itself after this long; left out: runs until it is stopped. */
  readonly endsAfterMs?: number
  readonly exitCode?: number
  /** Takes no notice of SIGTERM. */
  readonly isStubborn?: boolean
  /** What the runtime says instead of starting it. */
  readonly startError?: string
}

export interface FakeRuntimeOptions {
  readonly clock: Clock
  /** Images that are present at first. */
  readonly images?: readonly string[]
  /** Images that can be pulled. */
  readonly remoteImages?: readonly string[]
  readonly behave?: (config: ContainerConfig) => FakeProcess
  readonly exec?: (config: ContainerConfig, command: readonly string[]) => ExecSyncResponse
}

interface FakeSandbox {
  readonly id: string
  readonly config: PodSandboxConfig
  readonly createdAtMs: number
  readonly address: string
  isReady: boolean
}

interface FakeContainer {
  readonly id: string
  readonly sandboxId: string
  readonly config: ContainerConfig
  readonly createdAtMs: number
  readonly process: FakeProcess
  state: ContainerState
  startedAtMs: number
  finishedAtMs: number
  exitCode: number
  reason: string
  message: string
  cancel: () => void
  readonly onEnd: Set<() => void>
}

export interface FakeRuntime {
  readonly runtime: RuntimeService
  readonly images: ImageService
  /** Every call that changes something, as `verb name`, in order. */
  readonly calls: readonly string[]
  running(): readonly string[]
  /** Uids of the pods of all running containers. */
  runningPods(): string[]
  /** Ends the running container of this name, as a crash would. */
  crash(name: string, exitCode: number): void
  /** Ends what holds the sandbox's namespaces, as a reboot would; containers go too. */
  loseSandbox(podName: string): void
  sandboxes(): readonly { podName: string; attempt: number; isReady: boolean }[]
}

const nanos = (ms: number) => ms * 1e6

/** A runtime without processes: containers are data, and their time is the clock's. It outlives the kubelets that use it. */
export function createFakeRuntime({ clock, images = [], remoteImages = [], behave = () => ({}), exec }: FakeRuntimeOptions): FakeRuntime {
  const sandboxes = new Map<string, FakeSandbox>()
  const containers = new Map<string, FakeContainer>()
  const present = new Set(images)
  const readers = new Set<(event: ContainerEventResponse) => void>()
  const calls: string[] = []
  let serial = 0

  const findSandbox = (id: string | undefined) => found(sandboxes.get(id ?? ''), `sandbox ${id}`)
  const findContainer = (id: string | undefined) => found(containers.get(id ?? ''), `container ${id}`)
  const inSandbox = (id: string) => [...containers.values()].filter(({ sandboxId }) => sandboxId === id)
  const unimplemented = async () => {
    throw new CriError('UNIMPLEMENTED', 'the fake runtime does not do this')
  }
  async function* nothing(): AsyncGenerator<never> {}

  const runtime: RuntimeService = {
    version: async () => ({ runtimeName: 'fake', runtimeVersion: '1', runtimeApiVersion: 'v1' }),
    status: async () => ({
      status: {
        conditions: [
          { type: 'RuntimeReady', status: true },
          { type: 'NetworkReady', status: true },
        ],
      },
    }),
    async runPodSandbox({ config = {} }, signal) {
      calls.push(`run-sandbox ${config.metadata?.name}`)
      await Promise.resolve()
      signal?.throwIfAborted()
      const twin = [...sandboxes.values()].some(
        (other) => other.config.metadata?.uid === config.metadata?.uid && other.config.metadata?.attempt === config.metadata?.attempt,
      )
      if (twin) throw new CriError('ALREADY_EXISTS', `a sandbox of ${config.metadata?.name} with this attempt exists`)
      const id = `sandbox${serial++}`
      sandboxes.set(id, { id, config, createdAtMs: clock.now(), address: `10.0.0.${serial % 250}`, isReady: true })
      publish('CONTAINER_STARTED_EVENT', id, id)
      return { podSandboxId: id }
    },
    async stopPodSandbox({ podSandboxId }) {
      const sandbox = sandboxes.get(podSandboxId ?? '')
      if (!sandbox) return {}
      calls.push(`stop-sandbox ${sandbox.config.metadata?.name}`)
      for (const container of inSandbox(sandbox.id)) end(container, 137)
      sandbox.isReady = false
      publish('CONTAINER_STOPPED_EVENT', sandbox.id, sandbox.id)
      return {}
    },
    async removePodSandbox({ podSandboxId = '' }) {
      const sandbox = sandboxes.get(podSandboxId)
      if (!sandbox) return {}
      calls.push(`remove-sandbox ${sandbox.config.metadata?.name}`)
      for (const container of inSandbox(podSandboxId)) {
        end(container, 137)
        containers.delete(container.id)
      }
      publish('CONTAINER_DELETED_EVENT', podSandboxId, podSandboxId)
      sandboxes.delete(podSandboxId)
      return {}
    },
    async podSandboxStatus({ podSandboxId }) {
      const sandbox = findSandbox(podSandboxId)
      return { status: sandboxStatus(sandbox), containersStatuses: inSandbox(sandbox.id).map(containerStatus) }
    },
    async listPodSandbox({ filter }) {
      const items = [...sandboxes.values()].map(sandboxStatus)
      return { items: items.filter(({ labels }) => selects(filter?.labelSelector, labels)) }
    },
    async createContainer({ podSandboxId, config = {} }) {
      const sandbox = findSandbox(podSandboxId)
      calls.push(`create ${config.metadata?.name}`)
      if (!sandbox.isReady) throw new CriError('FAILED_PRECONDITION', `sandbox ${sandbox.id} is not ready`)
      if (!present.has(config.image?.image ?? '')) throw new CriError('NOT_FOUND', `image "${config.image?.image}" not found`)
      const id = `container${serial++}`
      containers.set(id, {
        id,
        sandboxId: sandbox.id,
        config,
        createdAtMs: clock.now(),
        process: behave(config),
        state: 'CONTAINER_CREATED',
        startedAtMs: 0,
        finishedAtMs: 0,
        exitCode: 0,
        reason: '',
        message: '',
        cancel: () => {},
        onEnd: new Set(),
      })
      publish('CONTAINER_CREATED_EVENT', id, sandbox.id)
      return { containerId: id }
    },
    async startContainer({ containerId }) {
      const container = findContainer(containerId)
      calls.push(`start ${container.config.metadata?.name}`)
      const { startError, endsAfterMs, exitCode = 0 } = container.process
      if (startError !== undefined) {
        Object.assign(container, {
          state: 'CONTAINER_EXITED',
          exitCode: 128,
          reason: 'StartError',
          message: startError,
          finishedAtMs: clock.now(),
        })
        throw new CriError('UNKNOWN', startError)
      }
      container.state = 'CONTAINER_RUNNING'
      container.startedAtMs = clock.now()
      if (endsAfterMs !== undefined) container.cancel = clock.after(endsAfterMs, () => end(container, exitCode))
      publish('CONTAINER_STARTED_EVENT', container.id, container.sandboxId)
      return {}
    },
    async stopContainer({ containerId, timeout = 0 }, signal) {
      const container = containers.get(containerId ?? '')
      if (container?.state !== 'CONTAINER_RUNNING') return {}
      calls.push(`stop ${container.config.metadata?.name} ${timeout}`)
      if (timeout === 0 || !container.process.isStubborn) {
        end(container, timeout === 0 ? 137 : 143)
        return {}
      }
      await new Promise<void>((resolve, reject) => {
        const cancel = clock.after(timeout * 1000, () => end(container, 137))
        container.onEnd.add(() => {
          cancel()
          resolve()
        })
        signal?.addEventListener('abort', () => {
          cancel()
          reject(signal.reason)
        })
      })
      return {}
    },
    async removeContainer({ containerId = '' }) {
      const container = containers.get(containerId)
      if (!container) return {}
      calls.push(`remove ${container.config.metadata?.name}`)
      end(container, 137)
      containers.delete(containerId)
      publish('CONTAINER_DELETED_EVENT', containerId, container.sandboxId)
      return {}
    },
    async listContainers({ filter }) {
      const chosen = [...containers.values()].filter(({ sandboxId }) => !filter?.podSandboxId || sandboxId === filter.podSandboxId)
      return { containers: chosen.map((container) => ({ ...containerStatus(container), podSandboxId: container.sandboxId })) }
    },
    containerStatus: async ({ containerId }) => ({ status: containerStatus(findContainer(containerId)) }),
    async execSync({ containerId, cmd = [] }) {
      const { config } = findContainer(containerId)
      calls.push(`exec ${config.metadata?.name} ${cmd.join(' ')}`)
      return exec?.(config, cmd) ?? { exitCode: 0 }
    },
    async *getContainerEvents(_, signal) {
      const waiting: ContainerEventResponse[] = []
      let wake = () => {}
      const reader = (event: ContainerEventResponse) => {
        waiting.push(event)
        wake()
      }
      readers.add(reader)
      signal?.addEventListener('abort', () => wake(), { once: true })
      try {
        while (!signal?.aborted) {
          const event = waiting.shift()
          if (event) yield event
          else await new Promise<void>((resolve) => (wake = resolve))
        }
      } finally {
        readers.delete(reader)
      }
    },
    listContainerStats: async () => ({ stats: [] }),
    listPodSandboxStats: async () => ({ stats: [] }),
    reopenContainerLog: async () => ({}),
    updateRuntimeConfig: async () => ({}),
    streamPodSandboxes: nothing,
    streamContainers: nothing,
    streamContainerStats: nothing,
    streamPodSandboxStats: nothing,
    streamPodSandboxMetrics: nothing,
    updateContainerResources: unimplemented,
    updatePodSandboxResources: unimplemented,
    exec: unimplemented,
    attach: unimplemented,
    portForward: unimplemented,
    containerStats: unimplemented,
    podSandboxStats: unimplemented,
    checkpointContainer: unimplemented,
    listMetricDescriptors: unimplemented,
    listPodSandboxMetrics: unimplemented,
    runtimeConfig: unimplemented,
  }

  const imageService: ImageService = {
    listImages: async () => ({ images: [...present].map((id) => ({ id, repoTags: [id], size: 1000 })) }),
    streamImages: nothing,
    imageStatus: async ({ image }) =>
      present.has(image?.image ?? '') ? { image: { id: image?.image, size: 1000, uid: { value: 0 } } } : {},
    async pullImage({ image }) {
      const name = image?.image ?? ''
      calls.push(`pull ${name}`)
      if (!remoteImages.includes(name) && !present.has(name)) throw new CriError('NOT_FOUND', `${name}: not found`)
      present.add(name)
      return { imageRef: name }
    },
    async removeImage({ image }) {
      present.delete(image?.image ?? '')
      return {}
    },
    imageFsInfo: async () => ({ imageFilesystems: [], containerFilesystems: [] }),
  }

  return {
    runtime,
    images: imageService,
    calls,
    running: () =>
      [...containers.values()].filter(({ state }) => state === 'CONTAINER_RUNNING').map(({ config }) => config.metadata?.name ?? ''),
    runningPods: () =>
      [...containers.values()]
        .filter(({ state }) => state === 'CONTAINER_RUNNING')
        .map(({ sandboxId }) => sandboxes.get(sandboxId)?.config.metadata?.uid ?? ''),
    crash(name, exitCode) {
      for (const container of containers.values()) if (container.config.metadata?.name === name) end(container, exitCode)
    },
    loseSandbox(podName) {
      for (const sandbox of sandboxes.values()) {
        if (sandbox.config.metadata?.name !== podName || !sandbox.isReady) continue
        sandbox.isReady = false
        for (const container of inSandbox(sandbox.id)) end(container, 255)
        publish('CONTAINER_STOPPED_EVENT', sandbox.id, sandbox.id)
      }
    },
    sandboxes: () =>
      [...sandboxes.values()].map(({ config, isReady }) => ({
        podName: config.metadata?.name ?? '',
        attempt: config.metadata?.attempt ?? 0,
        isReady,
      })),
  }

  function end(container: FakeContainer, exitCode: number): void {
    if (container.state !== 'CONTAINER_RUNNING') return
    container.cancel()
    container.state = 'CONTAINER_EXITED'
    container.exitCode = exitCode
    container.reason = exitCode === 0 ? 'Completed' : 'Error'
    container.finishedAtMs = clock.now()
    for (const listener of container.onEnd) listener()
    publish('CONTAINER_STOPPED_EVENT', container.id, container.sandboxId)
  }

  function publish(containerEventType: ContainerEventType, containerId: string, sandboxId: string): void {
    const sandbox = sandboxes.get(sandboxId)
    const event = {
      containerId,
      containerEventType,
      createdAt: nanos(clock.now()),
      ...(sandbox && { podSandboxStatus: sandboxStatus(sandbox) }),
    }
    for (const reader of readers) reader(event)
  }
}

function sandboxStatus({ id, config, createdAtMs, address, isReady }: FakeSandbox): PodSandboxStatus {
  return {
    id,
    metadata: config.metadata,
    state: isReady ? 'SANDBOX_READY' : 'SANDBOX_NOTREADY',
    createdAt: nanos(createdAtMs),
    network: { ip: config.linux?.securityContext?.namespaceOptions?.network === 'NODE' ? '' : address },
    labels: config.labels,
    annotations: config.annotations,
  }
}

function containerStatus(container: FakeContainer): ContainerStatus {
  const { id, config, state, exitCode, reason, message } = container
  return {
    id,
    metadata: config.metadata,
    state,
    createdAt: nanos(container.createdAtMs),
    startedAt: nanos(container.startedAtMs),
    finishedAt: nanos(container.finishedAtMs),
    exitCode,
    reason,
    message,
    image: config.image,
    imageRef: config.image?.image,
    imageId: config.image?.image,
    labels: config.labels,
    annotations: config.annotations,
    mounts: config.mounts,
    logPath: '',
  }
}

const selects = (selector: { [key: string]: string } | undefined, labels: { [key: string]: string } | undefined) =>
  Object.entries(selector ?? {}).every(([name, value]) => labels?.[name] === value)

function found<Value>(value: Value | undefined, what: string): Value {
  if (value === undefined) throw new CriError('NOT_FOUND', `${what} not found`)
  return value
}
