import { addAll, type Quantities, quantitiesOf, raiseAll } from './quantities.ts'
import type { Quantity } from './quantity.ts'
import type { Container, ContainerStatus, PodSpec, PodStatus } from './types/core-v1.ts'

/**
 * What a pod has at most at once, or is told for it as a whole, without its overhead: containers and sidecars run
 * together, other init containers before them (KEP-753, KEP-2837). With a status, what containers still have counts, too.
 */
export function podQuantities(spec: PodSpec, list: 'requests' | 'limits', status?: PodStatus): Quantities {
  const total = new Map<string, Quantity>()
  for (const container of spec.containers ?? []) addAll(total, ofContainer(container, list, status?.containerStatuses))
  const sidecars = new Map<string, Quantity>()
  const starting = new Map<string, Quantity>()
  for (const container of spec.initContainers ?? []) {
    const amounts = ofContainer(container, list, status?.initContainerStatuses)
    raiseAll(starting, container.restartPolicy === 'Always' ? addAll(sidecars, amounts) : addAll(new Map(sidecars), amounts))
  }
  raiseAll(addAll(total, sidecars), starting)
  for (const [name, amount] of quantitiesOf(spec.resources?.[list])) total.set(name, amount)
  return total
}

function ofContainer(
  { name, resources }: Container,
  list: 'requests' | 'limits',
  statuses: readonly ContainerStatus[] | undefined,
): Quantities {
  const asked = quantitiesOf(resources?.[list])
  const held = statuses?.find((status) => status.name === name)
  if (!held?.resources) return asked
  raiseAll(asked, quantitiesOf(held.resources[list]))
  return list === 'requests' ? raiseAll(asked, quantitiesOf(held.allocatedResources)) : asked
}
