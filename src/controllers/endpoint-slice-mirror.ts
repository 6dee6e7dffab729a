import { endpoints as endpointsRef, services as servicesRef, endpointSlices as slicesRef } from '../api/resources.ts'
import type { EndpointAddress, Endpoints, Service } from '../api/types/core-v1.ts'
import type { Endpoint, EndpointPort, EndpointSlice } from '../api/types/discovery-v1.ts'
import type { Caches } from '../client/client.ts'
import { semanticEqual } from '../client/semantic-equal.ts'
import { isNamespaceTerminating, unlessGone } from './api-errors.ts'
import { controllerReference } from './claim.ts'
import { type Controller, type Outcome, type Reconcile, watchOf } from './controller.ts'
import { portsKey, triggerTimeAnnotation } from './service-endpoints.ts'

const skipLabel = 'endpointslice.kubernetes.io/skip-mirror'
const leaderAnnotation = 'control-plane.alpha.kubernetes.io/leader'
const lastAppliedAnnotation = 'kubectl.kubernetes.io/last-applied-configuration'
const managedBy = 'endpointslicemirroring-controller.k8s.io'
/** Upstream's `--mirroring-max-endpoints-per-subset`. */
const maxPerSubset = 1000

/** What a slice shows of an Endpoints object. */
export type MirroredContent = Required<Pick<EndpointSlice, 'addressType' | 'ports' | 'endpoints'>>

/** The slices that show the same as an Endpoints object: one per address family and set of ports; pure. */
export function mirroredContents({ subsets = [] }: Endpoints): readonly MirroredContent[] {
  const contents = new Map<string, MirroredContent>()
  for (const { addresses = [], notReadyAddresses = [], ports = [] } of subsets) {
    const shown = ports.map(({ name = '', port, protocol = 'TCP', appProtocol }): EndpointPort => {
      return { name, port, protocol, ...(appProtocol !== undefined && { appProtocol }) }
    })
    const all = [
      ...addresses.map((address) => endpointOf(address, true)),
      ...notReadyAddresses.map((address) => endpointOf(address, false)),
    ]
    for (const endpoint of all.slice(0, maxPerSubset)) {
      const addressType = endpoint.addresses[0]?.includes(':') ? 'IPv6' : 'IPv4'
      const key = `${addressType} ${portsKey(shown)}`
      const content = contents.get(key) ?? { addressType, ports: shown, endpoints: [] }
      content.endpoints.push(endpoint)
      contents.set(key, content)
    }
  }
  return [...contents.values()]
}

const endpointOf = ({ ip, hostname, nodeName, targetRef }: EndpointAddress, ready: boolean): Endpoint => ({
  addresses: [ip],
  conditions: { ready },
  ...(hostname && { hostname }),
  ...(nodeName !== undefined && { nodeName }),
  ...(targetRef && { targetRef }),
})

/** Whether somebody else than a controller keeps these Endpoints, for a Service that selects no pods. */
function isMirrored({ metadata }: Endpoints, service: Service | undefined): boolean {
  if (!service || service.spec?.selector !== undefined || metadata.deletionTimestamp !== undefined) return false
  return metadata.labels?.[skipLabel] !== 'true' && metadata.annotations?.[leaderAnnotation] === undefined
}

/** Shows in EndpointSlices what people write into Endpoints: the service proxy and DNS look at slices alone. */
export function endpointSliceMirrorController({ caches }: { caches: Caches }): Controller<Endpoints> {
  const { client } = caches
  const services = caches.cache(servicesRef)
  const slices = caches.cache(slicesRef)
  return {
    name: 'endpointslicemirroring',
    primary: caches.cache(endpointsRef),
    owned: [slices],
    watches: [
      watchOf(services, (before, after) => {
        const { metadata } = after ?? before ?? {}
        const isSame = before && after && semanticEqual(before.spec?.selector, after.spec?.selector)
        return metadata && !isSame ? [`${metadata.namespace}/${metadata.name}`] : []
      }),
    ],
    reconcile,
  }

  async function reconcile(endpoints: Endpoints, { cause }: Reconcile): Promise<Outcome> {
    const { namespace, name } = endpoints.metadata
    const contents = isMirrored(endpoints, services.get(namespace, name)) ? mirroredContents(endpoints) : []
    const left = new Map(slices.ownedBy(endpoints).map((slice) => [slice.metadata.uid, slice]))
    const writes = contents.map((content) => {
      const existing = [...left.values()].find((slice) => isOfKind(slice, content))
      left.delete(existing?.metadata.uid)
      return write(endpoints, existing, content, cause)
    })
    try {
      await Promise.all([...writes, ...[...left.values()].map((slice) => drop(slice, cause))])
    } catch (error) {
      if (!isNamespaceTerminating(error)) throw error
    }
    return undefined
  }

  async function write(endpoints: Endpoints, existing: EndpointSlice | undefined, content: MirroredContent, cause: string): Promise<void> {
    const { namespace, name, labels: copied } = endpoints.metadata
    const labels = { ...copied, 'kubernetes.io/service-name': name, 'endpointslice.kubernetes.io/managed-by': managedBy }
    const { [lastAppliedAnnotation]: _applied, [triggerTimeAnnotation]: _time, ...annotations } = endpoints.metadata.annotations ?? {}
    const shown = ({ ports, endpoints: held, metadata }: Pick<EndpointSlice, 'ports' | 'endpoints' | 'metadata'>) => [
      ports,
      held,
      metadata.labels,
      metadata.annotations,
    ]
    if (existing && semanticEqual(shown(existing), shown({ ...content, metadata: { name, labels, annotations } }))) return
    const resource = client.resource(slicesRef)
    if (existing) await resource.update({ ...existing, ...content, metadata: { ...existing.metadata, labels, annotations } }, { cause })
    else {
      const ownerReferences = [controllerReference(endpointsRef, endpoints)]
      const place = { generateName: `${name}-`, ...(namespace !== undefined && { namespace }) }
      await resource.create({ ...content, metadata: { ...place, labels, annotations, ownerReferences } }, { cause })
    }
  }

  async function drop({ metadata }: EndpointSlice, cause: string): Promise<void> {
    await unlessGone(client.resource(slicesRef).delete(metadata.namespace, metadata.name, { cause }))
  }
}

const isOfKind = (slice: EndpointSlice, { addressType, ports }: MirroredContent): boolean =>
  slice.metadata.deletionTimestamp === undefined && slice.addressType === addressType && portsKey(slice.ports ?? []) === portsKey(ports)
