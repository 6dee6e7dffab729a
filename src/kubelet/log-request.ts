import type { LogOptions } from './container-log.ts'
import { oldStatus } from './container-statuses.ts'
import { podContainers } from './pod-containers.ts'
import type { PodEntry } from './pod-entry.ts'
import type { ContainerView } from './runtime-pod.ts'

export interface LogRequest {
  readonly entry: PodEntry
  readonly view: ContainerView
  readonly options: LogOptions
}

/** Which run's log is asked for, and how; a sentence where there is none to show. */
export function logRequest(entry: PodEntry, container: string, query: URLSearchParams, nowMs: number): LogRequest | string {
  const { pod, runtime } = entry
  if (entry.isSpecKnown && !podContainers(pod).some((candidate) => candidate.container.name === container))
    return `container ${container} is not valid for pod ${pod.metadata.name}`
  const [latest, previous] = runtime.containers.filter(({ name, state }) => name === container && state !== 'created')
  const isPrevious = query.get('previous') === 'true'
  // While a restart waits, what has just ended is the previous run as well as the latest.
  const view = isPrevious ? (latest?.state === 'exited' && isWaiting(entry, container) ? latest : previous) : latest
  if (!view) {
    if (isPrevious) return `previous terminated container "${container}" in pod "${pod.metadata.name}" not found`
    const reason = oldStatus(pod.status, container)?.state?.waiting?.reason ?? 'ContainerCreating'
    const isImage = ['ErrImagePull', 'ImagePullBackOff', 'ErrImageNeverPull', 'InvalidImageName'].includes(reason)
    const how = isImage ? 'trying and failing to pull image' : reason
    return `container "${container}" in pod "${pod.metadata.name}" is waiting to start: ${how}`
  }
  return { entry, view, options: optionsOf(query, nowMs) }
}

const isWaiting = ({ pod }: PodEntry, container: string) => oldStatus(pod.status, container)?.state?.waiting !== undefined

function optionsOf(query: URLSearchParams, nowMs: number): LogOptions {
  const number = (name: string) => {
    const value = query.get(name)
    return value === null || value === '' || Number.isNaN(Number(value)) ? undefined : Number(value)
  }
  const sinceSeconds = number('sinceSeconds')
  const sinceTime = query.get('sinceTime')
  return {
    follow: query.get('follow') === 'true',
    timestamps: query.get('timestamps') === 'true',
    tailLines: number('tailLines'),
    limitBytes: number('limitBytes'),
    sinceMs: sinceSeconds !== undefined ? nowMs - sinceSeconds * 1000 : sinceTime ? Date.parse(sinceTime) : undefined,
  }
}
