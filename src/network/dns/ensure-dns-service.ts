import type { KubeObject } from '../../api/object.ts'
import { endpointSlices, services } from '../../api/resources.ts'
import { hasReason } from '../../api/status-error.ts'
import type { Service } from '../../api/types/core-v1.ts'
import type { EndpointSlice } from '../../api/types/discovery-v1.ts'
import type { Client, ResourceClient } from '../../client/client.ts'

export interface DnsServiceOptions {
  readonly client: Client
  /** The cluster IP under which pods find DNS. */
  readonly dnsAddress: string
  /** Where it answers. */
  readonly nodeAddress: string
  readonly nodeName: string
}

const namespace = 'kube-system'
const name = 'kube-dns'
const labels = { 'k8s-app': name, 'kubernetes.io/cluster-service': 'true', 'kubernetes.io/name': 'CoreDNS' }

/** The Service `kube-dns` and its EndpointSlice, as clients look for them; made, or brought to what they should be. */
export async function ensureDnsService({ client, dnsAddress, nodeAddress, nodeName }: DnsServiceOptions): Promise<void> {
  const port = (portName: string, protocol: string) => ({ name: portName, protocol, port: 53 })
  const ports = [port('dns', 'UDP'), port('dns-tcp', 'TCP')]
  const service: Service = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace, labels },
    spec: { type: 'ClusterIP', clusterIP: dnsAddress, clusterIPs: [dnsAddress], ports: ports.map((each) => ({ ...each, targetPort: 53 })) },
  }
  const slice: EndpointSlice = {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      name,
      namespace,
      labels: { 'k8s-app': name, 'kubernetes.io/service-name': name, 'endpointslice.kubernetes.io/managed-by': 'sampan' },
    },
    addressType: 'IPv4',
    ports,
    endpoints: [{ addresses: [nodeAddress], conditions: { ready: true, serving: true, terminating: false }, nodeName }],
  }
  await ensure(client.resource(services), service, { spec: { ports: service.spec?.ports } })
  await ensure(client.resource(endpointSlices), slice, { ports, endpoints: slice.endpoints })
}

async function ensure<T extends KubeObject>(resource: ResourceClient<T>, object: T, wanted: object): Promise<void> {
  try {
    await resource.create(object)
  } catch (error) {
    if (!hasReason(error, 'AlreadyExists')) throw error
    await resource.patch(namespace, object.metadata.name, 'merge', { metadata: { labels: object.metadata.labels }, ...wanted })
  }
}
