import { CriError } from '../cri/cri-error.ts'
import type { RuntimeService } from '../cri/types.ts'
import { createContainer, removeContainer, reopenLog, startContainer, stopContainer, updateResources } from './containers.ts'
import { execSync } from './exec-sync.ts'
import type { EngineParts } from './parts.ts'
import { removeSandbox, runSandbox, stopSandbox, updateSandboxResources } from './sandboxes.ts'
import { createStatistics } from './statistics.ts'
import type { Streaming } from './streaming/streaming.ts'
import {
  containerStatusView,
  containerView,
  nanoseconds,
  sandboxStatusView,
  sandboxView,
  selectsContainer,
  selectsLabels,
  selectsSandbox,
  visible,
} from './views.ts'

const engineVersion = '0.1.0'

/** CRI's RuntimeService over the engine's parts: each method finds its verb. */
export function createRuntimeService(parts: EngineParts, streaming: Streaming): RuntimeService {
  const { sandboxes, containers, clock } = parts
  const statistics = createStatistics(parts)
  const listSandboxes: RuntimeService['listPodSandbox'] = async ({ filter }) => ({
    items: sandboxes
      .list()
      .filter((record) => selectsSandbox(filter, record))
      .map(sandboxView),
  })
  const listContainers: RuntimeService['listContainers'] = async ({ filter }) => ({
    containers: containers
      .list()
      .filter((record) => selectsContainer(filter, record))
      .map(containerView),
  })
  const containerStats = async (
    filter: { id?: string | undefined; podSandboxId?: string | undefined; labelSelector?: Record<string, string> | undefined } = {},
  ) => {
    const chosen = containers.list().filter((record) => record.phase === 'running' && selectsContainer(filter, record))
    return (await Promise.all(chosen.map(statistics.ofContainer))).filter((stats) => stats !== undefined)
  }
  const sandboxStats = async ({
    id,
    labelSelector,
  }: {
    id?: string | undefined
    labelSelector?: Record<string, string> | undefined
  } = {}) => {
    const chosen = sandboxes
      .list()
      .filter(
        (record) => record.phase === 'ready' && (!id || record.id.startsWith(id)) && selectsLabels(labelSelector, record.config.labels),
      )
    return Promise.all(chosen.map(statistics.ofSandbox))
  }
  return {
    version: async () => ({ version: '0.1.0', runtimeName: 'sampan', runtimeVersion: engineVersion, runtimeApiVersion: 'v1' }),

    runPodSandbox: async (request, signal) => ({ podSandboxId: await runSandbox(parts, request, signal) }),
    async stopPodSandbox({ podSandboxId }) {
      await stopSandbox(parts, podSandboxId)
      return {}
    },
    async removePodSandbox({ podSandboxId }) {
      await removeSandbox(parts, podSandboxId)
      return {}
    },
    async podSandboxStatus({ podSandboxId, verbose }) {
      const record = visible(sandboxes.find(podSandboxId))
      return {
        status: sandboxStatusView(record),
        containersStatuses: containers
          .list()
          .filter((container) => container.sandboxId === record.id && selectsContainer(undefined, container))
          .map(containerStatusView),
        timestamp: nanoseconds(clock.now()),
        ...(verbose && {
          info: { info: JSON.stringify({ pid: record.infra?.pid ?? 0, runtimeType: record.runtimeName, config: record.config }) },
        }),
      }
    },
    listPodSandbox: listSandboxes,
    async *streamPodSandboxes({ filter }) {
      yield { podSandboxes: (await listSandboxes({ filter })).items }
    },
    async updatePodSandboxResources({ podSandboxId, resources, overhead }) {
      await updateSandboxResources(parts, podSandboxId, { resources, overhead })
      return {}
    },

    createContainer: async (request) => ({ containerId: await createContainer(parts, request) }),
    async startContainer({ containerId }) {
      await startContainer(parts, containerId)
      return {}
    },
    async stopContainer({ containerId, timeout }, signal) {
      await stopContainer(parts, containerId, timeout ?? 0, signal)
      return {}
    },
    async removeContainer({ containerId }) {
      await removeContainer(parts, containerId)
      return {}
    },
    listContainers,
    async *streamContainers({ filter }) {
      yield { containers: (await listContainers({ filter })).containers }
    },
    async containerStatus({ containerId, verbose }) {
      const record = visible(containers.find(containerId))
      return {
        status: containerStatusView(record),
        ...(verbose && {
          info: { info: JSON.stringify({ sandboxID: record.sandboxId, pid: record.process?.pid ?? 0, config: record.config }) },
        }),
      }
    },
    async updateContainerResources({ containerId, linux = {} }) {
      await updateResources(parts, containerId, linux)
      return {}
    },
    async reopenContainerLog({ containerId }) {
      await reopenLog(parts, containerId)
      return {}
    },

    execSync: ({ containerId, cmd, timeout }, signal) => execSync(parts, containerId, cmd ?? [], (timeout ?? 0) * 1000, signal),
    exec: async (request) => ({ url: streaming.exec(request) }),
    attach: async (request) => ({ url: streaming.attach(request) }),
    portForward: async (request) => ({ url: streaming.portForward(request) }),

    async containerStats({ containerId }) {
      const record = visible(containers.find(containerId))
      const stats = await statistics.ofContainer(record)
      if (!stats) throw new CriError('NOT_FOUND', `container ${record.id} does not run`)
      return { stats }
    },
    listContainerStats: async ({ filter }) => ({ stats: await containerStats(filter) }),
    async *streamContainerStats({ filter }) {
      yield { containerStats: await containerStats(filter) }
    },
    podSandboxStats: async ({ podSandboxId }) => ({ stats: await statistics.ofSandbox(visible(sandboxes.find(podSandboxId))) }),
    listPodSandboxStats: async ({ filter }) => ({ stats: await sandboxStats(filter) }),
    async *streamPodSandboxStats({ filter }) {
      yield { podSandboxStats: await sandboxStats(filter) }
    },

    updateRuntimeConfig: async () => ({}),
    async status({ verbose }) {
      return {
        status: {
          conditions: [
            { type: 'RuntimeReady', status: true, reason: '', message: '' },
            { type: 'NetworkReady', status: true, reason: '', message: '' },
          ],
        },
        runtimeHandlers: ['', ...parts.runtimes.map(({ name }) => name)].map((name) => ({
          name,
          features: { recursiveReadOnlyMounts: true, userNamespaces: false },
        })),
        features: { supplementalGroupsPolicy: true, userNamespacesHostNetwork: false },
        ...(verbose && { info: { cgroups: parts.cgroups.mode, runtimes: JSON.stringify(parts.runtimes) } }),
      }
    },
    runtimeConfig: async () => ({ linux: { cgroupDriver: 'CGROUPFS' } }),
    getContainerEvents: (_, signal) => parts.events.subscribe(signal),

    checkpointContainer: () => unimplemented('CheckpointContainer'),
    listMetricDescriptors: () => unimplemented('ListMetricDescriptors'),
    listPodSandboxMetrics: () => unimplemented('ListPodSandboxMetrics'),
    // biome-ignore lint/correctness/useYield: a stream that fails before its first message.
    async *streamPodSandboxMetrics() {
      await unimplemented('StreamPodSandboxMetrics')
    },
  }
}

const unimplemented = (method: string): Promise<never> => Promise.reject(new CriError('UNIMPLEMENTED', `method ${method} not implemented`))
