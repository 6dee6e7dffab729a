import type { Container, Pod, Service, ServicePort } from '../api/types/core-v1.ts'
import type { EndpointPort } from '../api/types/discovery-v1.ts'
import { hasEnded, isReady } from './pod-state.ts'

/** One pod behind a service, as both Endpoints and EndpointSlices tell of it. */
export interface ServiceEndpoint {
  readonly pod: Pod
  readonly addresses: readonly { readonly family: 'IPv4' | 'IPv6'; readonly address: string }[]
  readonly ports: readonly EndpointPort[]
  readonly ready: boolean
  readonly serving: boolean
  readonly terminating: boolean
  readonly hostname: string | undefined
}

/** What a service's pods make; pure. Pods that ended, or that have no address yet, make nothing. */
export function serviceEndpoints(service: Service, pods: readonly Pod[]): readonly ServiceEndpoint[] {
  return pods.flatMap((pod) => {
    const addresses = addressesOf(pod)
    if (hasEnded(pod) || addresses.length === 0) return []
    const serving = isReady(pod)
    const terminating = pod.metadata.deletionTimestamp !== undefined
    const ready = service.spec?.publishNotReadyAddresses === true || (serving && !terminating)
    const { hostname, subdomain } = pod.spec
    const hasName = hostname !== undefined && hostname !== '' && subdomain === service.metadata.name
    return { pod, addresses, ports: portsOf(service, pod), ready, serving, terminating, hostname: hasName ? hostname : undefined }
  })
}

function addressesOf({ status }: Pod): ServiceEndpoint['addresses'] {
  const all = (status?.podIPs ?? []).flatMap(({ ip }) => (ip ? [ip] : []))
  const found = all.length > 0 ? all : status?.podIP ? [status.podIP] : []
  return found.map((address) => ({ family: address.includes(':') ? 'IPv6' : 'IPv4', address }))
}

/** A port whose name no container of the pod has is left out. */
function portsOf({ spec }: Service, pod: Pod): readonly EndpointPort[] {
  return (spec?.ports ?? []).flatMap((port) => {
    const number = targetOf(port, pod)
    if (number === undefined) return []
    const { name = '', protocol = 'TCP', appProtocol } = port
    return { name, port: number, protocol, ...(appProtocol !== undefined && { appProtocol }) }
  })
}

function targetOf({ targetPort, port, protocol = 'TCP' }: ServicePort, { spec }: Pod): number | undefined {
  if (targetPort === undefined || targetPort === 0 || targetPort === '') return port
  if (typeof targetPort === 'number') return targetPort
  // Sidecars are init containers that go on running; others have no ports by the time the pod is ready.
  const sidecars = (spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === 'Always')
  const named = ({ ports = [] }: Container) =>
    ports.find(({ name, protocol: spoken = 'TCP' }) => name === targetPort && spoken === protocol)
  for (const container of [...spec.containers, ...sidecars]) {
    const found = named(container)
    if (found) return found.containerPort
  }
  return undefined
}

/** Headless: no address of its own, its name resolves to its pods'. */
export const isHeadless = ({ spec }: Service): boolean => !spec?.clusterIP || spec.clusterIP === 'None'
export const headlessLabel = 'service.kubernetes.io/headless'
export const triggerTimeAnnotation = 'endpoints.kubernetes.io/last-change-trigger-time'

/** Whether a controller makes endpoints for a service; without a selector, whoever made it does. */
export const hasEndpoints = ({ spec }: Service): boolean =>
  spec?.type !== 'ExternalName' && spec?.selector !== undefined && Object.keys(spec.selector).length > 0

/** A string that is equal for equal ports, whatever their order. */
export const portsKey = (ports: readonly EndpointPort[]): string =>
  JSON.stringify(ports.map(({ name, port, protocol, appProtocol }) => [name ?? '', port ?? 0, protocol ?? '', appProtocol ?? '']).sort())
