import { type Amounts, accumulate, amountsOf, type ResourceList, raise } from './amounts.ts'
import type { Container, ContainerStatus, Pod } from './types/core-v1.ts'

/** What a pod asks its node for as one unit. */
export const requestsOfPod = (pod: Pod): Map<string, number> =>
  podAmounts(pod, (container) => requestsOfContainer(pod, container), pod.spec?.resources?.requests)

/**
 * Containers run at once, and so do sidecars (init containers that restart always) from their turn on; an init
 * container runs beside the sidecars before it. The pod has the most that there ever is at once (KEP-753), or what is
 * told for the pod as a whole (KEP-2837), and the runtime's overhead.
 */
export function podAmounts(pod: Pod, ofContainer: (container: Container) => Amounts, ofPod: ResourceList | undefined): Map<string, number> {
  const running = new Map<string, number>()
  for (const container of pod.spec?.containers ?? []) accumulate(running, ofContainer(container))
  const sidecars = new Map<string, number>()
  const starting = new Map<string, number>()
  for (const container of pod.spec?.initContainers ?? []) {
    const amounts = ofContainer(container)
    if (container.restartPolicy === 'Always') raise(starting, accumulate(sidecars, amounts))
    else raise(starting, accumulate(new Map(sidecars), amounts))
  }
  const total = raise(accumulate(running, sidecars), starting)
  for (const [resource, amount] of amountsOf(ofPod)) if (isOfPods(resource)) total.set(resource, amount)
  return accumulate(total, amountsOf(pod.spec?.overhead))
}

/** Resources that can be told for a pod as a whole. */
const isOfPods = (resource: string) => resource === 'cpu' || resource === 'memory' || resource.startsWith('hugepages-')

/** A container that is being resized holds the most of what it asks for, was promised and has; one whose resize cannot be, only the latter two. */
export function requestsOfContainer(pod: Pod, container: Container): Amounts {
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
