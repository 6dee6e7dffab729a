import type { Container, ContainerStatus, Pod } from '../api/types/core-v1.ts'
import { type Amounts, accumulate, amountsOf, raise } from './resources.ts'

/** What a container without requests counts for when nodes are scored, so that many small ones still spread. */
const scoredCpuMillis = 100
const scoredMemoryBytes = 200 * 1024 * 1024

export interface PodRequests {
  /** What must be free. */
  readonly needed: Amounts
  /** The same, containers that ask for no cpu or memory counted with a default: for scores. */
  readonly scored: { readonly cpuMillis: number; readonly memoryBytes: number }
}

/** What a pod needs of its node as one unit: all of its containers together are placed, or none. */
export function podRequests(pod: Pod): PodRequests {
  const needed = together(pod, (container) => containerRequests(pod, container))
  const scored = together(
    pod,
    (container) => new Map([['cpu', scoredCpuMillis], ['memory', scoredMemoryBytes], ...containerRequests(pod, container)]),
  )
  return { needed, scored: { cpuMillis: scored.get('cpu') ?? 0, memoryBytes: scored.get('memory') ?? 0 } }
}

/**
 * Containers run at once, and so do sidecars (init containers that restart always) from their turn on; an init
 * container runs beside the sidecars before it. The pod needs the most that is ever needed at once (KEP-753), or what
 * the pod as a whole asks for (KEP-2837), and the runtime's overhead.
 */
function together(pod: Pod, requestsOf: (container: Container) => Amounts): Map<string, number> {
  const running = new Map<string, number>()
  for (const container of pod.spec?.containers ?? []) accumulate(running, requestsOf(container))
  const sidecars = new Map<string, number>()
  const starting = new Map<string, number>()
  for (const container of pod.spec?.initContainers ?? []) {
    const requests = requestsOf(container)
    if (container.restartPolicy === 'Always') raise(starting, accumulate(sidecars, requests))
    else raise(starting, accumulate(new Map(sidecars), requests))
  }
  const total = raise(accumulate(running, sidecars), starting)
  for (const [resource, amount] of amountsOf(pod.spec?.resources?.requests)) if (isOfPods(resource)) total.set(resource, amount)
  return accumulate(total, amountsOf(pod.spec?.overhead))
}

/** Resources that a pod may ask for as a whole. */
const isOfPods = (resource: string) => resource === 'cpu' || resource === 'memory' || resource.startsWith('hugepages-')

/** A container that is being resized holds the most of what it asks for, was promised and has; one whose resize cannot be, only the latter two. */
function containerRequests(pod: Pod, container: Container): Amounts {
  const asked = amountsOf(container.resources?.requests)
  const status = statusOf(pod, container.name)
  if (!status?.resources) return asked
  const held = raise(amountsOf(status.allocatedResources), amountsOf(status.resources.requests))
  return isResizeInfeasible(pod) ? held : raise(held, asked)
}

function statusOf({ status }: Pod, name: string): ContainerStatus | undefined {
  const isOfName = (candidate: ContainerStatus) => candidate.name === name
  return status?.containerStatuses?.find(isOfName) ?? status?.initContainerStatuses?.find(isOfName)
}

const isResizeInfeasible = ({ status }: Pod) =>
  status?.conditions?.some(({ type, reason }) => type === 'PodResizePending' && reason === 'Infeasible') ?? false
