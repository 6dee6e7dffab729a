import type { Clock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import type { Random } from '../base/random.ts'
import { CriError } from '../cri/cri-error.ts'
import type { ContainerEventType } from '../cri/types.ts'
import type { Cgroups } from './cgroups.ts'
import type { ContainerImages } from './container-images.ts'
import type { ContainerRoots } from './container-root.ts'
import type { Events } from './events.ts'
import type { ExitFiles } from './exit-files.ts'
import type { InfraLives } from './infra-lives.ts'
import type { Powers } from './machine.ts'
import type { PodNetwork } from './pod-network.ts'
import type { ContainerRecord, RecordSet, SandboxRecord } from './records.ts'
import type { OciRuntime, Shims, ShimTask } from './shims.ts'
import { containerStatusView, nanoseconds, sandboxStatusView } from './views.ts'

/** What the engine is put together from; each verb takes what it needs. */
export interface EngineParts {
  readonly sandboxes: RecordSet<SandboxRecord>
  readonly containers: RecordSet<ContainerRecord>
  readonly shims: Shims
  readonly roots: ContainerRoots
  readonly images: ContainerImages
  readonly network: PodNetwork
  readonly cgroups: Cgroups
  readonly powers: Powers
  readonly runtimes: readonly OciRuntime[]
  readonly defaultRuntime: string
  readonly cgroupParent: string
  /** Mounts below them are seen by every shim, whenever they are made. */
  readonly sharedDirectories: readonly string[]
  readonly exits: ExitFiles
  readonly lives: InfraLives
  readonly events: Events
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  /** One verb at a time for a container or sandbox. */
  readonly serially: <Value>(id: string, run: () => Promise<Value>) => Promise<Value>
  /** Called, and emptied, when the container or infra container of that id has ended and its record says so. */
  readonly onEnded: Map<string, Set<() => void>>
}

export function runtimeNamed({ runtimes, defaultRuntime }: Pick<EngineParts, 'runtimes' | 'defaultRuntime'>, name: string): OciRuntime {
  const wanted = name === '' ? defaultRuntime : name
  const runtime = runtimes.find((candidate) => candidate.name === wanted)
  if (!runtime) throw new CriError('INVALID_ARGUMENT', `no runtime for "${wanted}" is configured`)
  return runtime
}

export function containerTask(parts: EngineParts, record: ContainerRecord): ShimTask {
  return { id: record.id, runtime: runtimeNamed(parts, record.runtimeName), cgroupsPath: record.cgroupsPath }
}

/** The infra container bears the sandbox's id. */
export function infraTask(parts: EngineParts, record: SandboxRecord): ShimTask {
  return { id: record.id, runtime: runtimeNamed(parts, record.runtimeName), cgroupsPath: `${record.cgroupParent}/${record.id}` }
}

export function containersOf({ containers }: EngineParts, sandboxId: string): ContainerRecord[] {
  return containers.list().filter((record) => record.sandboxId === sandboxId)
}

/** Tells readers of events; `sandbox` is passed by who removes it, and found otherwise. */
export function publish(parts: EngineParts, type: ContainerEventType, containerId: string, sandboxId: string): void {
  const sandbox = parts.sandboxes.get(sandboxId)
  parts.events.publish({
    containerId,
    containerEventType: type,
    createdAt: nanoseconds(parts.clock.now()),
    ...(sandbox && { podSandboxStatus: sandboxStatusView(sandbox) }),
    containersStatuses: containersOf(parts, sandboxId)
      .filter(({ phase }) => phase !== 'creating')
      .map(containerStatusView),
  })
}

/** Resolves true once the container's record says that it ended, false after `timeoutMs`. */
export function ended(parts: EngineParts, id: string, timeoutMs: number, signal?: AbortSignal): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const waiters = parts.onEnded.get(id) ?? new Set()
    parts.onEnded.set(id, waiters)
    const settle = (finish: () => void) => () => {
      waiters.delete(onEnd)
      cancel()
      signal?.removeEventListener('abort', onAbort)
      finish()
    }
    const onEnd = settle(() => resolve(true))
    const onAbort = settle(() => reject(signal?.reason))
    const cancel = parts.clock.after(
      timeoutMs,
      settle(() => resolve(false)),
    )
    waiters.add(onEnd)
    signal?.addEventListener('abort', onAbort, { once: true })
    if (signal?.aborted) onAbort()
  })
}

export function tellEnded(parts: EngineParts, id: string): void {
  const waiters = parts.onEnded.get(id)
  parts.onEnded.delete(id)
  for (const waiter of waiters ?? []) waiter()
}

export const newId = (random: Random): string => random.uuid().replaceAll('-', '')
