import { timestamp } from '../api/timestamp.ts'
import type { ContainerStatus, Pod, PodCondition } from '../api/types/core-v1.ts'
import type { Observed } from './observed.ts'
import { podContainers } from './pod-containers.ts'
import type { PodLife } from './pod-life.ts'
import type { Statuses } from './pod-status.ts'

interface ConditionsInput {
  readonly pod: Pod
  readonly phase: string
  readonly statuses: Statuses
  readonly life: PodLife
  readonly observed: Observed
  readonly nowMs: number
}

interface Verdict {
  readonly isTrue: boolean
  readonly reason?: string
  readonly message?: string
}

/** The conditions that a kubelet keeps, in upstream's order; a transition time moves only when the status does. */
export function conditionsOf(input: ConditionsInput): PodCondition[] {
  const { pod, observed, nowMs } = input
  const containersReady = containersReadyVerdict(input)
  const scheduled = pod.status?.conditions?.find(({ type }) => type === 'PodScheduled')
  const verdicts: readonly [string, Verdict][] = [
    ['PodReadyToStartContainers', { isTrue: isSandboxUp(observed) }],
    ['Initialized', initializedVerdict(input)],
    ['Ready', readyVerdict(pod, containersReady)],
    ['ContainersReady', containersReady],
  ]
  const kept = verdicts.map(([type, verdict]) => conditionOf(pod, type, verdict, nowMs))
  return [...kept, scheduled?.status === 'True' ? scheduled : conditionOf(pod, 'PodScheduled', { isTrue: true }, nowMs)]
}

function conditionOf(pod: Pod, type: string, { isTrue, reason, message }: Verdict, nowMs: number): PodCondition {
  const status = isTrue ? 'True' : 'False'
  const old = pod.status?.conditions?.find((condition) => condition.type === type)
  const generation = pod.metadata.generation
  return {
    type,
    status,
    ...(generation !== undefined && { observedGeneration: generation }),
    lastTransitionTime: old?.status === status && old.lastTransitionTime !== undefined ? old.lastTransitionTime : timestamp(nowMs),
    ...(reason !== undefined && { reason }),
    ...(message !== undefined && { message }),
  }
}

function isSandboxUp({ runtime, pod }: Observed): boolean {
  const [sandbox] = runtime.sandboxes
  return sandbox?.isReady === true && (pod.spec.hostNetwork === true || sandbox.addresses.length > 0)
}

function initializedVerdict({ pod, phase, statuses }: ConditionsInput): Verdict {
  if (phase === 'Succeeded') return { isTrue: true, reason: 'PodCompleted' }
  const inits = podContainers(pod).filter(({ role }) => role === 'init' || role === 'sidecar')
  const statusOf = (name: string) => statuses.initContainerStatuses.find((status) => status.name === name)
  const incomplete = inits.flatMap(({ role, container }) => {
    const status = statusOf(container.name)
    const isDone = role === 'sidecar' ? status?.started === true : status?.ready === true
    return isDone ? [] : [container.name]
  })
  // Sidecars may fall and rise again; what has been initialized stays so.
  const hasMains = statuses.containerStatuses.some(({ state, lastState }) => state?.running || state?.terminated || lastState?.terminated)
  if (incomplete.length === 0 || (hasMains && phase !== 'Failed')) return { isTrue: true }
  return { isTrue: false, reason: 'ContainersNotInitialized', message: `containers with incomplete status: [${incomplete.join(' ')}]` }
}

function containersReadyVerdict({ pod, phase, statuses }: ConditionsInput): Verdict {
  if (phase === 'Succeeded') return { isTrue: false, reason: 'PodCompleted' }
  if (phase === 'Failed') return { isTrue: false, reason: 'PodFailed' }
  const entries = podContainers(pod).filter(({ role }) => role === 'main' || role === 'sidecar')
  const all: readonly ContainerStatus[] = [...statuses.initContainerStatuses, ...statuses.containerStatuses]
  const unready = entries.flatMap(({ container: { name } }) => (all.find((status) => status.name === name)?.ready ? [] : [name]))
  if (unready.length === 0) return { isTrue: true }
  return { isTrue: false, reason: 'ContainersNotReady', message: `containers with unready status: [${unready.join(' ')}]` }
}

function readyVerdict(pod: Pod, containersReady: Verdict): Verdict {
  if (!containersReady.isTrue) return containersReady
  const problems = (pod.spec.readinessGates ?? []).flatMap(({ conditionType }) => {
    const condition = pod.status?.conditions?.find(({ type }) => type === conditionType)
    if (!condition) return [`corresponding condition of pod readiness gate "${conditionType}" does not exist.`]
    return condition.status === 'True' ? [] : [`the status of pod readiness gate "${conditionType}" is not "True", but ${condition.status}`]
  })
  return problems.length === 0 ? { isTrue: true } : { isTrue: false, reason: 'ReadinessGatesNotReady', message: problems.join(', ') }
}
