import type { Catalog } from '../api/catalog.ts'
import type { KubeObject } from '../api/object.ts'
import type { ResourceRef } from '../api/resource-ref.ts'
import { namespaces, priorityClasses, serviceCidrs } from '../api/resources.ts'
import type { ServiceCIDR } from '../api/types/networking-v1.ts'
import type { PriorityClass } from '../api/types/scheduling-v1.ts'
import { ensureObject } from './ensure-object.ts'
import { kindOf } from './kind-of.ts'
import { bootstrapWrites } from './own-writes.ts'
import type { Registry } from './registry.ts'

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

/** Makes what every cluster has and this one lacks, all at once. `serviceRange`: where services have their addresses from. */
export async function ensureBootstrapObjects(registry: Registry, catalog: Catalog, serviceRange: string): Promise<void> {
  const range: ServiceCIDR = {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'ServiceCIDR',
    metadata: { name: 'kubernetes' },
    spec: { cidrs: [serviceRange] },
  }
  const ensure = (ref: ResourceRef, object: KubeObject) => ensureObject(registry, kindOf(catalog, ref), object, bootstrapWrites)
  await Promise.all([
    ...initialNamespaces.map((name) => ensure(namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name } })),
    ...systemClasses.map((object) => ensure(priorityClasses, object)),
    ensure(serviceCidrs, range),
  ])
}
