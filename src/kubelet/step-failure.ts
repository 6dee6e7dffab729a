import { backoffMs } from '../base/backoff.ts'
import type { Log } from '../base/log.ts'
import { imagePull, nextBackoff } from './crash-backoff.ts'
import { type Failure, podSubjects } from './observed.ts'
import type { Tell } from './perform.ts'
import { podContainers } from './pod-containers.ts'
import type { PodEntry } from './pod-entry.ts'
import { type Step, stepKey } from './pod-plan.ts'
import { StartProblem } from './start-problem.ts'
import { VolumeFailure } from './volumes/pod-volumes.ts'

const retry = { firstMs: 500, maxMs: 60_000 }
/** A start that the runtime refused is tried again soon; from then on the crash back-off counts. */
const startRetryMs = 2_000
const configRetryMs = 10_000

/** What a step's failure is kept under; containers' by name, so that image and start are one. */
export function subjectOf(step: Step): string {
  switch (step.type) {
    case 'mount-volumes':
      return podSubjects.volumes
    case 'run-sandbox':
      return podSubjects.sandbox
    case 'ensure-image':
    case 'start-container':
      return step.container
    default:
      return stepKey(step)
  }
}

const imageReasons: ReadonlySet<string> = new Set(['ErrImagePull', 'ImageInspectError', 'ErrImageNeverPull', 'InvalidImageName'])
export const isOfImage = (failure: Failure | undefined): boolean => failure !== undefined && imageReasons.has(failure.reason)

/** What a step's failure holds up, for how long, and what the pod's status says meanwhile. Tells it as an event where upstream does. */
export function failureOfStep({
  entry,
  step,
  error,
  attempt,
  nowMs,
  tell,
  log,
}: {
  entry: PodEntry
  step: Step
  error: unknown
  /** How often in a row it has failed before. */
  attempt: number
  nowMs: number
  tell: Tell
  log: Log
}): Failure {
  const message = error instanceof Error ? error.message : String(error)
  const base = { message, atMs: nowMs, retryAtMs: nowMs + backoffMs(retry, attempt) }
  if (step.type === 'mount-volumes') {
    tell(entry.pod, 'Warning', 'FailedMount', error instanceof VolumeFailure ? message : `MountVolume.SetUp failed: ${message}`)
    return { ...base, reason: 'FailedMount' }
  }
  if (step.type === 'run-sandbox') {
    tell(entry.pod, 'Warning', 'FailedCreatePodSandBox', `Failed to create pod sandbox: ${message}`)
    return { ...base, reason: 'FailedCreatePodSandBox' }
  }
  if (error instanceof StartProblem && (step.type === 'ensure-image' || step.type === 'start-container')) {
    if (error.reason === 'ErrImagePull') return pullFailure(entry, step.container, message, nowMs)
    const isConfig = error.reason === 'CreateContainerConfigError' || step.type === 'ensure-image'
    return { ...base, reason: error.reason, retryAtMs: nowMs + (isConfig ? configRetryMs : startRetryMs) }
  }
  log.warn('A step for a pod failed', { error, podUid: entry.uid, step: step.type })
  return { ...base, reason: step.type === 'start-container' ? 'CreateContainerError' : 'Failed' }
}

/** First the pull's error, then that it is waited for. */
function pullFailure({ pod, pullBackoffs }: PodEntry, container: string, message: string, nowMs: number): Failure {
  const backoff = nextBackoff(imagePull, pullBackoffs.get(container), nowMs, nowMs)
  pullBackoffs.set(container, backoff)
  const image = podContainers(pod).find((entry) => entry.container.name === container)?.container.image
  return {
    reason: 'ErrImagePull',
    message,
    atMs: nowMs,
    retryAtMs: nowMs + backoff.delayMs,
    later: { reason: 'ImagePullBackOff', message: `Back-off pulling image "${image}": ErrImagePull: ${message}`, fromMs: nowMs + 1_000 },
  }
}
