import type { Pod } from '../api/types/core-v1.ts'
import type { BackoffEntry } from './crash-backoff.ts'
import type { RuntimePod } from './runtime-pod.ts'

/** Everything that decides what to do with a pod: what the API and the runtime show, and what was tried. */
export interface Observed {
  /** As the API shows it, or showed it last. */
  readonly pod: Pod
  readonly isInApi: boolean
  /** False for what only the runtime knows: its spec is gone. */
  readonly isSpecKnown: boolean
  readonly runtime: RuntimePod
  /** Why the node does not take it. */
  readonly rejection: { readonly reason: string; readonly message: string } | undefined
  /** When this node began with it (`status.startTime`). */
  readonly startedAtMs: number
  /** Stale: mounted, and what they show has changed. */
  readonly volumes: 'missing' | 'stale' | 'mounted'
  /** Images that are present and wait for their container's start, by container name. */
  readonly images: ReadonlyMap<string, string>
  /** Failures by what failed: one of `podSubjects`, or a container's name. */
  readonly failures: ReadonlyMap<string, Failure>
  /** Crash back-off by container name. */
  readonly backoffs: ReadonlyMap<string, BackoffEntry>
  /** By container id. */
  readonly probes: ReadonlyMap<string, ProbeView>
  /** Containers whose preStop hook is over. */
  readonly preStopped: ReadonlySet<string>
  /** Keys of steps that are being performed. */
  readonly inFlight: ReadonlySet<string>
  /** Volumes and cgroup are gone. */
  readonly isCleaned: boolean
  /** The API's status is what was last computed. */
  readonly isStatusWritten: boolean
}

/** What failures are kept under that are not one container's; no container can be named so. */
export const podSubjects = { volumes: 'the volumes', sandbox: 'the sandbox' } as const

export interface Failure {
  readonly reason: string
  readonly message: string
  readonly atMs: number
  readonly retryAtMs: number
  /** Shown instead from this moment on: a failed pull becomes a back-off. */
  readonly later?: { readonly reason: string; readonly message: string; readonly fromMs: number }
}

export interface ProbeView {
  /** Undefined while not known. Without a startup probe a container has started once it runs. */
  readonly hasStarted: boolean
  readonly isReady: boolean
  /** A liveness or startup probe gave up on it. */
  readonly unhealthy: { readonly probe: 'liveness' | 'startup'; readonly atMs: number } | undefined
}
