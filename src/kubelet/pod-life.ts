import { unreachable } from '../base/assert.ts'
import type { Observed } from './observed.ts'
import { outcomeOf } from './pod-outcome.ts'

/**
 * The life of a pod on its node. It only ever moves right; once it leaves `running`, nothing starts again.
 *
 *   running ──delete, evict, complete──▶ terminating ──no container left──▶ terminated ──cleaned──▶ gone
 */
export type PodLife =
  | { readonly phase: 'running' }
  | { readonly phase: 'terminating'; readonly cause: EndCause; readonly deadlineMs: number }
  | { readonly phase: 'terminated'; readonly cause: EndCause }
  | { readonly phase: 'gone' }

/** Why a pod ends. `status` is what its status says of it as a whole, where it does. */
export interface EndCause {
  readonly type: 'deleted' | 'removed' | 'rejected' | 'deadline' | 'completed'
  readonly status?: { readonly phase: 'Failed'; readonly reason: string; readonly message: string }
}

const order = ['running', 'terminating', 'terminated', 'gone'] as const
export const lifeOrder = ({ phase }: PodLife): number => order.indexOf(phase)

/** The life after what is observed now; pure. As many moves as the facts allow are made at once. */
export function advance(life: PodLife, observed: Observed, nowMs: number): PodLife {
  const next = move(life, observed, nowMs)
  return next.phase === life.phase ? next : advance(next, observed, nowMs)
}

function move(life: PodLife, observed: Observed, nowMs: number): PodLife {
  switch (life.phase) {
    case 'running': {
      const cause = endCause(observed, nowMs)
      return cause ? { phase: 'terminating', cause, deadlineMs: nowMs + graceMs(observed, cause) } : life
    }
    case 'terminating':
      if (!hasEnded(observed)) return shortened(life, observed, nowMs)
      return { phase: 'terminated', cause: life.cause }
    case 'terminated':
      return observed.isCleaned && !observed.isInApi ? { phase: 'gone' } : life
    case 'gone':
      return life
    default:
      return unreachable(life)
  }
}

function endCause(observed: Observed, nowMs: number): EndCause | undefined {
  const { pod, isInApi, rejection } = observed
  if (!isInApi) return { type: 'removed' }
  if (pod.metadata.deletionTimestamp !== undefined) return { type: 'deleted' }
  // What is over was in time, also when it is looked at late: by a kubelet that has just started, say.
  if (outcomeOf(observed)) return { type: 'completed' }
  if (rejection) return { type: 'rejected', status: { phase: 'Failed', ...rejection } }
  if (nowMs >= (deadlineOf(observed) ?? Number.POSITIVE_INFINITY)) {
    const message = 'Pod was active on the node longer than the specified deadline'
    return { type: 'deadline', status: { phase: 'Failed', reason: 'DeadlineExceeded', message } }
  }
  return undefined
}

/** When activeDeadlineSeconds, counted from the pod's start on this node, is over. */
export function deadlineOf({ pod, startedAtMs }: Pick<Observed, 'pod' | 'startedAtMs'>): number | undefined {
  const seconds = pod.spec.activeDeadlineSeconds
  return seconds === undefined ? undefined : startedAtMs + seconds * 1000
}

/** A pod that the API does not know and whose spec is lost gets the least there is. */
function graceMs({ pod, isSpecKnown }: Observed, cause: EndCause): number {
  if (!isSpecKnown) return 1000
  const asked = cause.type === 'deleted' ? pod.metadata.deletionGracePeriodSeconds : undefined
  return Math.max(1, asked ?? pod.spec.terminationGracePeriodSeconds ?? 30) * 1000
}

/** A grace period may become shorter while it runs, never longer. */
function shortened(life: PodLife & { phase: 'terminating' }, { pod }: Observed, nowMs: number): PodLife {
  const { deletionTimestamp, deletionGracePeriodSeconds } = pod.metadata
  if (deletionTimestamp === undefined || deletionGracePeriodSeconds === undefined) return life
  // The timestamp is when the grace is over, cut to whole seconds.
  const endMs = Date.parse(deletionTimestamp) + 1000
  const deadlineMs = Math.min(life.deadlineMs, Math.max(endMs, nowMs))
  return deadlineMs < life.deadlineMs ? { ...life, deadlineMs } : life
}

/** Nothing runs, nothing is on its way to run, and no sandbox holds an address any more. */
function hasEnded({ runtime, inFlight }: Observed): boolean {
  if (runtime.containers.some(({ state }) => state === 'running')) return false
  if (runtime.sandboxes.some(({ isReady }) => isReady)) return false
  for (const key of inFlight) if (key.startsWith('start-container:') || key === 'run-sandbox' || key === 'mount-volumes') return false
  return true
}
