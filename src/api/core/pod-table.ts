import { isTrue } from '../conditions.ts'
import type { ColumnDefinition } from '../define-kind.ts'
import { humanDuration } from '../duration.ts'
import { ageColumn, column, nameColumn, wideColumn } from '../table-columns.ts'
import type { ContainerState, ContainerStatus, Pod } from '../types/core-v1.ts'

/** What `kubectl get pods` says of a pod: how many containers are ready, what it is doing, how often it was restarted. */
export interface PodSummary {
  readonly ready: string
  readonly status: string
  readonly restarts: string
}

export function podSummary(pod: Pod, nowMs: number): PodSummary {
  const { containers = [], initContainers = [] } = pod.spec
  const status = pod.status ?? {}
  const sidecars = new Set(initContainers.filter(({ restartPolicy }) => restartPolicy === 'Always').map(({ name }) => name))
  const initial = initializing(pod, sidecars)
  let reason = initial.reason ?? startingReason(pod)
  let readyCount = initial.readyCount
  let counted = status.initContainerStatuses ?? []
  if (initial.reason === undefined || isTrue(pod.status, 'Initialized')) {
    const main = running(status.containerStatuses ?? [], reason)
    readyCount += main.readyCount
    reason = main.reason === 'Completed' && main.hasRunning ? (isTrue(pod.status, 'Ready') ? 'Running' : 'NotReady') : main.reason
    // Init containers that are done do not count any more.
    counted = [...counted.filter(({ name }) => sidecars.has(name)), ...(status.containerStatuses ?? [])]
  }
  return {
    ready: `${readyCount}/${containers.length + sidecars.size}`,
    status: leavingReason(pod) ?? reason,
    restarts: restartsText(counted, nowMs),
  }
}

function startingReason({ status = {} }: Pod): string {
  if (status.conditions?.some(({ type, reason }) => type === 'PodScheduled' && reason === 'SchedulingGated')) return 'SchedulingGated'
  return status.reason || (status.phase ?? 'Unknown')
}

function leavingReason({ metadata, status = {} }: Pod): string | undefined {
  if (metadata.deletionTimestamp === undefined) return undefined
  if (status.reason === 'NodeLost') return 'Unknown'
  return status.phase === 'Succeeded' || status.phase === 'Failed' ? undefined : 'Terminating'
}

/** How far the init containers are, until the first that is not done; `reason` is undefined once none holds the pod back. */
function initializing({ spec, status = {} }: Pod, sidecars: ReadonlySet<string>): { reason: string | undefined; readyCount: number } {
  let readyCount = 0
  for (const [index, container] of (status.initContainerStatuses ?? []).entries()) {
    const { terminated, waiting } = container.state ?? {}
    if (terminated?.exitCode === 0) continue
    if (sidecars.has(container.name) && container.started) {
      if (container.ready) readyCount++
      continue
    }
    if (terminated) return { reason: `Init:${endReason(terminated)}`, readyCount }
    if (waiting?.reason && waiting.reason !== 'PodInitializing') return { reason: `Init:${waiting.reason}`, readyCount }
    return { reason: `Init:${index}/${spec.initContainers?.length ?? 0}`, readyCount }
  }
  return { reason: undefined, readyCount }
}

/** The first container that has something to say decides. */
function running(containers: readonly ContainerStatus[], start: string): { reason: string; readyCount: number; hasRunning: boolean } {
  let [reason, readyCount, hasRunning] = [start, 0, false]
  for (const { state, ready } of [...containers].reverse()) {
    if (state?.waiting?.reason) reason = state.waiting.reason
    else if (state?.terminated) reason = endReason(state.terminated)
    else if (ready && state?.running) {
      hasRunning = true
      readyCount++
    }
  }
  return { reason, readyCount, hasRunning }
}

const endReason = ({ reason, signal, exitCode }: NonNullable<ContainerState['terminated']>) =>
  reason || (signal ? `Signal:${signal}` : `ExitCode:${exitCode}`)

function restartsText(containers: readonly ContainerStatus[], nowMs: number): string {
  const count = containers.reduce((sum, { restartCount }) => sum + restartCount, 0)
  const ends = containers.flatMap(({ lastState }) => lastState?.terminated?.finishedAt ?? []).map((time) => Date.parse(time))
  return count > 0 && ends.length > 0 ? `${count} (${humanDuration(nowMs - Math.max(...ends))} ago)` : String(count)
}

function readinessGatesText({ spec, status }: Pod): string {
  const gates = spec.readinessGates ?? []
  const open = gates.filter(({ conditionType }) => isTrue(status, conditionType))
  return gates.length === 0 ? '<none>' : `${open.length}/${gates.length}`
}

export const podColumns: readonly ColumnDefinition<Pod>[] = [
  nameColumn,
  column('Ready', 'How many containers of the pod are ready to serve.', (pod, nowMs) => podSummary(pod, nowMs).ready),
  column('Status', 'What the pod is doing.', (pod, nowMs) => podSummary(pod, nowMs).status),
  column('Restarts', 'How often containers of the pod were restarted, and when last.', (pod, nowMs) => podSummary(pod, nowMs).restarts),
  ageColumn,
  wideColumn('IP', 'Address of the pod.', ({ status }) => status?.podIPs?.[0]?.ip || status?.podIP || '<none>'),
  wideColumn('Node', 'Node that the pod runs on.', ({ spec }) => spec.nodeName || '<none>'),
  wideColumn('Nominated Node', 'Node that is being cleared for the pod.', ({ status }) => status?.nominatedNodeName || '<none>'),
  wideColumn('Readiness Gates', 'How many of the further conditions for readiness hold.', readinessGatesText),
]
