import type { Catalog } from '../api/catalog.ts'
import type { UserInfo } from '../api/exchange.ts'
import type { KubeObject } from '../api/object.ts'
import type { ResourceRef } from '../api/resource-ref.ts'
import { namespaces, priorityClasses, serviceCidrs } from '../api/resources.ts'
import { hasReason } from '../api/status-error.ts'
import type { ServiceCIDR } from '../api/types/networking-v1.ts'
import type { PriorityClass } from '../api/types/scheduling-v1.ts'
import { kindOf } from './kind-of.ts'
import type { Registry } from './registry.ts'

/** The server itself, as the writer of what every cluster has. */
export const serverUser: UserInfo = { name: 'system:apiserver', groups: ['system:masters', 'system:authenticated'] }

const initialNamespaces = ['default', 'kube-system', 'kube-public', 'kube-node-lease']

const systemClasses: readonly PriorityClass[] = [
  {
    apiVersion: 'scheduling.k8s.io/v1',
    kind: 'PriorityClass',
    metadata: { name: 'system-node-critical' },
    value: 2_000_001_000,
    description: 'Used for system critical pods that must not be moved from their current node.',
    preemptionPolicy: 'PreemptLowerPriority',
  },
  {
    apiVersion: 'scheduling.k8s.io/v1',
    kind: 'PriorityClass',
    metadata: { name: 'system-cluster-critical' },
    value: 2_000_000_000,
    description: 'Used for system critical pods that must run in the cluster, but can be moved to another node if necessary.',
    preemptionPolicy: 'PreemptLowerPriority',
  },
]

/** Makes what every cluster has and this one lacks. `serviceRange`: where services have their addresses from. */
export async function ensureBootstrapObjects(registry: Registry, catalog: Catalog, serviceRange: string): Promise<void> {
  for (const name of initialNamespaces)
    await ensure(registry, catalog, namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name } })
  for (const object of systemClasses) await ensure(registry, catalog, priorityClasses, object)
  const range: ServiceCIDR = {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'ServiceCIDR',
    metadata: { name: 'kubernetes' },
    spec: { cidrs: [serviceRange] },
  }
  await ensure(registry, catalog, serviceCidrs, range)
}

async function ensure(registry: Registry, catalog: Catalog, ref: ResourceRef, object: KubeObject): Promise<void> {
  const kind = kindOf(catalog, ref)
  try {
    await registry.create(kind, object.metadata.namespace, structuredClone(object) as never, { user: serverUser, dryRun: false })
  } catch (error) {
    if (!hasReason(error, 'AlreadyExists')) throw error
  }
}
