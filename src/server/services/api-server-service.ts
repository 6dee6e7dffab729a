import type { Catalog } from '../../api/catalog.ts'
import { copy } from '../../api/decode.ts'
import type { JsonObject, KubeObject } from '../../api/object.ts'
import type { ResourceRef } from '../../api/resource-ref.ts'
import { endpointSlices, endpoints, services } from '../../api/resources.ts'
import type { Endpoints, Service } from '../../api/types/core-v1.ts'
import type { EndpointSlice } from '../../api/types/discovery-v1.ts'
import { ensureObject } from '../ensure-object.ts'
import { kindOf } from '../kind-of.ts'
import { bootstrapWrites } from '../own-writes.ts'
import type { Registry } from '../registry.ts'
import { ipv4Range, ipv4Text } from './ipv4-range.ts'

/** Where pods and nodes reach this server. */
export interface Advertised {
  readonly address: string
  readonly port: number
}

const name = 'kubernetes'
const namespace = 'default'
const portName = 'https'

/** Makes the service `kubernetes`, by which pods find the API, and keeps it and its endpoints true to where the server is. */
export async function ensureApiServerService({
  registry,
  catalog,
  serviceRange,
  advertised,
}: {
  registry: Registry
  catalog: Catalog
  serviceRange: string
  advertised: Advertised
}): Promise<void> {
  const { service, endpoints: legacy, slice } = objectsFor(serviceRange, advertised)
  await Promise.all([
    keepTrue(services, service, (current) => ({ ...current, spec: { ...current.spec, ports: service.spec?.ports ?? [] } })),
    keepTrue(endpoints, legacy, (current) => ({ ...current, subsets: legacy.subsets ?? [] })),
    keepTrue(endpointSlices, slice, (current) => ({ ...current, endpoints: slice.endpoints ?? [], ports: slice.ports ?? [] })),
  ])

  function keepTrue<T extends KubeObject>(ref: ResourceRef<T>, wanted: T, correct: (current: T) => T): Promise<void> {
    const change = (current: KubeObject) => copy(correct(current as T)) as unknown as JsonObject
    return ensureObject(registry, kindOf(catalog, ref), wanted, bootstrapWrites, change)
  }
}

function objectsFor(serviceRange: string, { address, port }: Advertised): { service: Service; endpoints: Endpoints; slice: EndpointSlice } {
  return {
    service: {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name, namespace, labels: { component: 'apiserver', provider: 'kubernetes' } },
      spec: {
        clusterIP: ipv4Text(ipv4Range(serviceRange).first),
        ports: [{ name: portName, port: 443, protocol: 'TCP', targetPort: port }],
        sessionAffinity: 'None',
        type: 'ClusterIP',
      },
    },
    endpoints: {
      apiVersion: 'v1',
      kind: 'Endpoints',
      // Its slice is written here, so nobody needs to mirror it.
      metadata: { name, namespace, labels: { 'endpointslice.kubernetes.io/skip-mirror': 'true' } },
      subsets: [{ addresses: [{ ip: address }], ports: [{ name: portName, port, protocol: 'TCP' }] }],
    },
    slice: {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: { name, namespace, labels: { 'kubernetes.io/service-name': name } },
      addressType: 'IPv4',
      endpoints: [{ addresses: [address], conditions: { ready: true } }],
      ports: [{ name: portName, port, protocol: 'TCP' }],
    },
  }
}
