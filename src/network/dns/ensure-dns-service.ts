import type { KubeObject } from '../../api/object.ts'
import { clusterRoleBindings, clusterRoles, endpointSlices, services } from '../../api/resources.ts'
import { hasReason } from '../../api/status-error.ts'
import type { Service } from '../../api/types/core-v1.ts'
import type { EndpointSlice } from '../../api/types/discovery-v1.ts'
import type { ClusterRole, ClusterRoleBinding } from '../../api/types/rbac-v1.ts'
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

/** The Service `kube-dns` and its EndpointSlice, as clients look for them, and what DNS may read; made, or brought to what they should be. */
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
  await ensure(client.resource(clusterRoles), dnsRole, { rules: dnsRole.rules })
  await ensure(client.resource(clusterRoleBindings), dnsBinding, { subjects: dnsBinding.subjects })
}

const rbac = 'rbac.authorization.k8s.io'
const read = ['list', 'watch']

/** What DNS answers from, under the name that it has elsewhere. */
const dnsRole: ClusterRole = {
  apiVersion: `${rbac}/v1`,
  kind: 'ClusterRole',
  metadata: { name: 'system:coredns' },
  rules: [
    { apiGroups: [''], resources: ['endpoints', 'services', 'pods', 'namespaces'], verbs: read },
    { apiGroups: ['discovery.k8s.io'], resources: ['endpointslices'], verbs: read },
  ],
}

/** It is part of each node's network, and comes in that one's name. */
const dnsBinding: ClusterRoleBinding = {
  apiVersion: `${rbac}/v1`,
  kind: 'ClusterRoleBinding',
  metadata: { name: 'system:coredns' },
  roleRef: { apiGroup: rbac, kind: 'ClusterRole', name: 'system:coredns' },
  subjects: [{ apiGroup: rbac, kind: 'User', name: 'system:kube-proxy' }],
}

async function ensure<T extends KubeObject>(resource: ResourceClient<T>, object: T, wanted: object): Promise<void> {
  try {
    await resource.create(object)
  } catch (error) {
    if (!hasReason(error, 'AlreadyExists')) throw error
    await resource.patch(object.metadata.namespace, object.metadata.name, 'merge', {
      metadata: { labels: object.metadata.labels },
      ...wanted,
    })
  }
}
