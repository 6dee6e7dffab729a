import { pods } from '../api/resources.ts'
import { hasReason } from '../api/status-error.ts'
import type { PodStatus } from '../api/types/core-v1.ts'
import { backoffMs } from '../base/backoff.ts'
import type { Clock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import type { Client } from '../client/client.ts'
import type { Observed } from './observed.ts'
import type { PodEntry } from './pod-entry.ts'
import type { Waiting } from './pod-plan.ts'
import { podStatus } from './pod-status.ts'
import { isUrgent, statusPatch } from './pod-status-patch.ts'

export interface StatusWriter {
  /** Writes a pod's status where it differs from the API's, one write at a time. Returns when to look again. */
  tell(entry: PodEntry, observed: Observed, waiting: ReadonlyMap<string, Waiting>, nowMs: number): number
}

interface Deps {
  readonly client: Client
  readonly clock: Clock
  readonly log: Log
  /** What the runtime calls itself, for the ids in statuses. */
  readonly runtimeName: string
  readonly hostAddresses: readonly string[]
  readonly signal: AbortSignal
  /** Sees to it that a write is waited for at the end. */
  readonly follow: (write: Promise<void>) => void
  /** A write has ended, whatever became of it. */
  readonly onWritten: (podUid: string) => void
}

const retry = { firstMs: 500, maxMs: 60_000 }
/** A status that nobody waits for is held this long, so that a quick start is one write. */
const holdMs = 150

export function statusWriter({ client, clock, log, runtimeName, hostAddresses, signal, follow, onWritten }: Deps): StatusWriter {
  return {
    tell(entry, observed, waiting, nowMs) {
      const { pod, isInApi, isSpecKnown, life, messages, status } = entry
      if (!isInApi || !isSpecKnown) return Number.POSITIVE_INFINITY
      const wanted = podStatus({ life, observed, waiting, runtimeName, messages, hostAddresses, nowMs })
      const patch = statusPatch(pod.status, wanted)
      entry.isStatusWritten = patch === undefined && !status.isWriting
      if (!patch) {
        status.holdUntilMs = 0
        return Number.POSITIVE_INFINITY
      }
      // The end of a write enqueues the pod.
      if (status.isWriting) return Number.POSITIVE_INFINITY
      if (status.retryAtMs > nowMs) return status.retryAtMs
      if (!isUrgent(pod.status, wanted) && life.phase === 'running') {
        if (status.holdUntilMs === 0) status.holdUntilMs = nowMs + holdMs
        if (status.holdUntilMs > nowMs) return status.holdUntilMs
      }
      status.isWriting = true
      follow(write(entry, patch))
      return Number.POSITIVE_INFINITY
    },
  }

  async function write(entry: PodEntry, patch: Record<string, unknown>): Promise<void> {
    const { uid, name, namespace, resourceVersion } = entry.pod.metadata
    const { status } = entry
    try {
      const written = await client
        .resource(pods)
        .patch(
          namespace,
          name,
          'strategic',
          { metadata: { uid }, status: patch as PodStatus },
          { subresource: 'status', cause: `pods/${namespace}/${name}@${resourceVersion}`, signal },
        )
      if (Number(written.metadata.resourceVersion) > Number(entry.pod.metadata.resourceVersion)) entry.pod = written
      // What the API does not take over would be written in a circle.
      if (written.metadata.resourceVersion === resourceVersion) standOff(status)
      else status.attempts = 0
    } catch (error) {
      if (signal.aborted) return
      // Gone or replaced: the watch tells.
      if (!hasReason(error, 'NotFound', 'Conflict')) log.warn("A pod's status could not be written", { error, podUid: entry.uid })
      standOff(status)
    } finally {
      status.isWriting = false
      status.holdUntilMs = 0
      onWritten(entry.uid)
    }
  }

  function standOff(status: PodEntry['status']): void {
    status.retryAtMs = clock.now() + backoffMs(retry, status.attempts++)
  }
}
