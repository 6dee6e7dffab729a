import type { Pod } from '../api/types/core-v1.ts'
import type { BackoffEntry } from './crash-backoff.ts'
import type { Failure, Observed, ProbeView } from './observed.ts'
import type { PodLife } from './pod-life.ts'
import { emptyRuntimePod, type RuntimePod } from './runtime-pod.ts'

/** What the kubelet holds of one pod while it works on it. All of it can be found again from the API and the runtime. */
export interface PodEntry {
  readonly uid: string
  pod: Pod
  isInApi: boolean
  isSpecKnown: boolean
  life: PodLife
  runtime: RuntimePod
  /** The runtime may show something else by now. */
  isRuntimeStale: boolean
  readonly sandboxIds: Set<string>
  rejection: { readonly reason: string; readonly message: string } | undefined
  isAdmitted: boolean
  startedAtMs: number
  /** Rounds of making the volumes: asked for, and done. What changes asks for another one, also while one is under way. */
  volumeRounds: { asked: number; done: number }
  /** Where each volume lies on the node. */
  volumePaths: ReadonlyMap<string, string>
  /** When tokens in volumes have to be renewed. */
  renewVolumesAtMs: number
  readonly images: Map<string, string>
  readonly failures: Map<string, Failure>
  /** How often in a row something has failed. */
  readonly attempts: Map<string, number>
  readonly backoffs: Map<string, BackoffEntry>
  readonly pullBackoffs: Map<string, BackoffEntry>
  readonly preStopped: Set<string>
  /** Containers of whose end was told. */
  readonly toldEnds: Set<string>
  readonly inFlight: Map<string, InFlight>
  /** Aborted when the life moves on. */
  phaseStop: AbortController
  isCleaned: boolean
  isStatusWritten: boolean
  readonly status: { isWriting: boolean; holdUntilMs: number; attempts: number; retryAtMs: number }
  /** Last words by container id, read once. */
  readonly messages: Map<string, string>
  /** Which wait of a container was told as an event last, by its name. */
  readonly toldWaits: Map<string, string>
}

export interface InFlight {
  readonly stop: AbortController
  readonly deadlineMs: number
}

export function podEntry(pod: Pod, uid: string, startedAtMs: number): PodEntry {
  return {
    uid,
    pod,
    isInApi: true,
    isSpecKnown: true,
    life: { phase: 'running' },
    runtime: emptyRuntimePod,
    isRuntimeStale: false,
    sandboxIds: new Set(),
    rejection: undefined,
    isAdmitted: false,
    startedAtMs,
    volumeRounds: { asked: 1, done: 0 },
    volumePaths: new Map(),
    renewVolumesAtMs: Number.POSITIVE_INFINITY,
    images: new Map(),
    failures: new Map(),
    attempts: new Map(),
    backoffs: new Map(),
    pullBackoffs: new Map(),
    preStopped: new Set(),
    toldEnds: new Set(),
    inFlight: new Map(),
    phaseStop: new AbortController(),
    isCleaned: false,
    isStatusWritten: false,
    status: { isWriting: false, holdUntilMs: 0, attempts: 0, retryAtMs: 0 },
    messages: new Map(),
    toldWaits: new Map(),
  }
}

export function observedOf(entry: PodEntry, probes: ReadonlyMap<string, ProbeView>): Observed {
  const { pod, isInApi, isSpecKnown, runtime, rejection, startedAtMs, volumeRounds, images, failures, backoffs, preStopped } = entry
  return {
    pod,
    isInApi,
    isSpecKnown,
    runtime,
    rejection,
    startedAtMs,
    volumes: volumeRounds.done === 0 ? 'missing' : volumeRounds.done < volumeRounds.asked ? 'stale' : 'mounted',
    images,
    failures,
    backoffs,
    preStopped,
    probes,
    inFlight: new Set(entry.inFlight.keys()),
    isCleaned: entry.isCleaned,
    isStatusWritten: entry.isStatusWritten,
  }
}
