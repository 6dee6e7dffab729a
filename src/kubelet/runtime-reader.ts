import { isNotFound } from '../cri/cri-error.ts'
import type { ContainerStatus, PodSandboxStatus, RuntimeService } from '../cri/types.ts'
import { runtimeKeys } from './runtime-keys.ts'
import { type ContainerView, containerView, newestFirst, type RuntimePod, type SandboxView, sandboxView } from './runtime-pod.ts'

export interface RuntimeReader {
  /** What the runtime has of every pod, by the pod's uid. */
  readAll(): Promise<Map<string, RuntimePod>>
  /** Of one pod. `sandboxIds`: those that are known; without any the runtime is asked by label. */
  read(podUid: string, sandboxIds: ReadonlySet<string>): Promise<RuntimePod>
}

/** Reads truth; nothing is remembered here. */
export function runtimeReader(runtime: RuntimeService): RuntimeReader {
  return {
    async readAll() {
      const { items = [] } = await runtime.listPodSandbox({})
      const byPod = new Map<string, string[]>()
      for (const { id = '', labels = {}, metadata } of items) {
        const uid = labels[runtimeKeys.podUid] ?? metadata?.uid ?? ''
        byPod.set(uid, [...(byPod.get(uid) ?? []), id])
      }
      const pods = await Promise.all([...byPod].map(async ([uid, ids]) => [uid, await readSandboxes(ids)] as const))
      return new Map(pods)
    },
    async read(podUid, sandboxIds) {
      if (sandboxIds.size > 0) return readSandboxes([...sandboxIds])
      const { items = [] } = await runtime.listPodSandbox({ filter: { labelSelector: { [runtimeKeys.podUid]: podUid } } })
      return readSandboxes(items.map(({ id = '' }) => id))
    },
  }

  async function readSandboxes(ids: readonly string[]): Promise<RuntimePod> {
    const found = await Promise.all(ids.map(readSandbox))
    const present = found.filter((pair) => pair !== undefined)
    return {
      sandboxes: present.map(({ sandbox }) => sandbox).sort(newestFirst),
      containers: present.flatMap(({ containers }) => containers).sort(newestFirst),
    }
  }

  async function readSandbox(id: string): Promise<{ sandbox: SandboxView; containers: readonly ContainerView[] } | undefined> {
    const answer = await orAbsent(runtime.podSandboxStatus({ podSandboxId: id }))
    if (!answer?.status) return undefined
    const status: PodSandboxStatus = answer.status
    const containers = answer.containersStatuses ?? (await containersOf(id))
    return { sandbox: sandboxView(status), containers: containers.map((container) => containerView(container, id)) }
  }

  async function containersOf(sandboxId: string): Promise<readonly ContainerStatus[]> {
    const { containers = [] } = await runtime.listContainers({ filter: { podSandboxId: sandboxId } })
    const answers = await Promise.all(containers.map(({ id }) => orAbsent(runtime.containerStatus({ containerId: id }))))
    return answers.flatMap((answer) => (answer?.status ? [answer.status] : []))
  }
}

async function orAbsent<Answer>(answer: Promise<Answer>): Promise<Answer | undefined> {
  try {
    return await answer
  } catch (error) {
    if (isNotFound(error)) return undefined
    throw error
  }
}
