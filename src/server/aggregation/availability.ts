import type { APIServiceCondition } from '../../api/types/apiregistration-v1.ts'
import type { Service } from '../../api/types/core-v1.ts'
import type { EndpointSlice } from '../../api/types/discovery-v1.ts'
import type { RemoteService } from './remote-services.ts'

/** What is said of a registration; when it last changed is for whoever writes it. */
export type Availability = Required<Pick<APIServiceCondition, 'status' | 'reason' | 'message'>>

export const local: Availability = { status: 'True', reason: 'Local', message: 'Local APIServices are always available' }
export const passed: Availability = { status: 'True', reason: 'Passed', message: 'all checks passed' }
export const failedDiscovery = (message: string): Availability => unavailable('FailedDiscoveryCheck', message)

/** What is wrong with the service behind a registration, as far as one can tell without asking it; undefined: nothing. */
export function serviceProblem(
  { service: { namespace, name, port } }: RemoteService,
  service: Service | undefined,
  slices: readonly EndpointSlice[],
): Availability | undefined {
  const named = `service/${name} in ${JSON.stringify(namespace)}`
  if (!service) return unavailable('ServiceNotFound', `${named} is not present`)
  if ((service.spec?.type ?? 'ClusterIP') !== 'ClusterIP') return undefined
  const found = service.spec?.ports?.find((candidate) => candidate.port === port)
  if (!found) return unavailable('ServicePortError', `${named} is not listening on port ${port}`)
  if (slices.length === 0) return unavailable('EndpointsNotFound', `cannot find endpointslices for ${named}`)
  const portName = found.name ?? ''
  if (slices.some((slice) => isReady(slice, portName))) return undefined
  return unavailable('MissingEndpoints', `endpointslices for ${named} have no addresses with port name ${JSON.stringify(portName)}`)
}

function isReady({ endpoints, ports }: EndpointSlice, portName: string): boolean {
  const hasPort = ports?.some(({ name = '', port }) => name === portName && port !== undefined) ?? false
  return hasPort && (endpoints ?? []).some(({ conditions }) => conditions?.ready !== false)
}

const unavailable = (reason: string, message: string): Availability => ({ status: 'False', reason, message })
