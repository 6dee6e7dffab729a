import { isExtendedResource } from '../extended-resource.ts'
import type { KubeObject } from '../object.ts'
import { podQuantities } from '../pod-quantities.ts'
import { addAll, type Quantities, quantitiesOf, zeroQuantity } from '../quantities.ts'
import { compareQuantities, parseQuantity, type Quantity } from '../quantity.ts'
import type { PersistentVolumeClaim, Pod, Service } from '../types/core-v1.ts'
import type { DeviceRequest, DeviceSubRequest, ResourceClaim } from '../types/resource-v1.ts'

/** Which resource is counted. */
export interface Counted {
  readonly group: string
  readonly plural: string
}

const one: Quantity = { nanos: 1_000_000_000n, format: 'decimal' }
const times = (count: number): Quantity => ({ nanos: BigInt(count) * one.nanos, format: 'decimal' })

/** How the number of objects of a resource is called, such as `count/deployments.apps`. */
export const countName = ({ group, plural }: Counted): string => `count/${plural}${group === '' ? '' : `.${group}`}`

/** Resources whose number has an older name, too, in the core group. */
const countedByName = new Set(['configmaps', 'resourcequotas', 'replicationcontrollers', 'secrets'])

/** What an object uses of what quotas can limit. */
export function usageOf(counted: Counted, object: KubeObject, nowMs: number): Quantities {
  const used = new Map<string, Quantity>([[countName(counted), one]])
  if (counted.group === 'resource.k8s.io' && counted.plural === 'resourceclaims') return addAll(used, devicesOf(object as ResourceClaim))
  if (counted.group !== '') return used
  switch (counted.plural) {
    case 'pods':
      return isOver(object as Pod, nowMs) ? used : addAll(used, usageOfPod(object as Pod))
    case 'services':
      return addAll(used, usageOfService(object as Service))
    case 'persistentvolumeclaims':
      return addAll(used, usageOfClaim(object as PersistentVolumeClaim))
    default:
      if (countedByName.has(counted.plural)) used.set(counted.plural, one)
      return used
  }
}

/** Whether an object of this resource can use something of this name. */
export function canUse({ group, plural }: Counted, name: string): boolean {
  if (name === countName({ group, plural })) return true
  if (group === 'resource.k8s.io' && plural === 'resourceclaims') return name.endsWith(deviceClassSuffix)
  if (group !== '') return false
  switch (plural) {
    case 'pods':
      return podNames.has(name) || /^(requests\.)?hugepages-/.test(name) || isRequestOfExtended(name)
    case 'services':
      return name === 'services' || name === 'services.nodeports' || name === 'services.loadbalancers'
    case 'persistentvolumeclaims':
      return name === 'persistentvolumeclaims' || name === 'requests.storage' || storageClassName.test(name)
    default:
      return name === plural && countedByName.has(plural)
  }
}

const deviceClassSuffix = '.deviceclass.resource.k8s.io/devices'
const storageClassName = /\.storageclass\.storage\.k8s\.io\/(requests\.storage|persistentvolumeclaims)$/
const podNames = new Set([
  'pods',
  'cpu',
  'memory',
  'ephemeral-storage',
  'requests.cpu',
  'requests.memory',
  'requests.ephemeral-storage',
  'limits.cpu',
  'limits.memory',
  'limits.ephemeral-storage',
])
const isRequestOfExtended = (name: string) => name.startsWith('requests.') && isExtendedResource(name.slice('requests.'.length))
/** Resources of the machine that quotas know without a prefix, too, and whose limits they know. */
const compute = new Set(['cpu', 'memory', 'ephemeral-storage'])

/** Requests and limits under the names that quotas have for them. */
export function computeUsage(requests: Quantities, limits: Quantities): Map<string, Quantity> {
  const used = new Map<string, Quantity>([['pods', one]])
  for (const [name, amount] of requests) {
    if (compute.has(name) || name.startsWith('hugepages-')) used.set(name, amount).set(`requests.${name}`, amount)
    else if (isExtendedResource(name)) used.set(`requests.${name}`, amount)
  }
  for (const [name, amount] of limits) if (compute.has(name)) used.set(`limits.${name}`, amount)
  return used
}

function usageOfPod({ spec, status }: Pod): Quantities {
  const requests = new Map(podQuantities(spec, 'requests', status))
  const limits = new Map(podQuantities(spec, 'limits', status))
  const overhead = quantitiesOf(spec.overhead)
  addAll(requests, overhead)
  // What has no limit has none with its overhead either.
  addAll(limits, new Map([...overhead].filter(([name]) => limits.get(name) !== undefined)))
  return computeUsage(requests, limits)
}

/** Nothing of it runs any more, or nobody will tell that it does not: a lost node never confirms a deletion. */
export function isOver({ metadata, status }: Pod, nowMs: number): boolean {
  if (status?.phase === 'Succeeded' || status?.phase === 'Failed') return true
  const { deletionTimestamp, deletionGracePeriodSeconds } = metadata
  if (deletionTimestamp === undefined || deletionGracePeriodSeconds === undefined) return false
  return nowMs > Date.parse(deletionTimestamp) + deletionGracePeriodSeconds * 1000
}

function usageOfService({ spec }: Service): Quantities {
  const ports = spec.ports ?? []
  const balancers = spec.type === 'LoadBalancer' ? 1 : 0
  const hasNodePorts = spec.type === 'NodePort' || (balancers === 1 && (spec.allocateLoadBalancerNodePorts ?? true))
  const nodePorts = hasNodePorts ? ports.length : balancers === 1 ? ports.filter(({ nodePort }) => nodePort).length : 0
  return new Map([
    ['services', one],
    ['services.nodeports', times(nodePorts)],
    ['services.loadbalancers', times(balancers)],
  ])
}

const classAnnotation = 'volume.beta.kubernetes.io/storage-class'

function usageOfClaim({ metadata, spec, status }: PersistentVolumeClaim): Quantities {
  const className = metadata.annotations?.[classAnnotation] ?? spec.storageClassName ?? ''
  const prefix = `${className}.storageclass.storage.k8s.io/`
  const used = new Map<string, Quantity>([['persistentvolumeclaims', one]])
  if (className !== '') used.set(`${prefix}persistentvolumeclaims`, one)
  const storage = largest(spec.resources?.requests?.storage, status?.allocatedResources?.storage)
  if (!storage) return used
  used.set('requests.storage', storage)
  if (className !== '') used.set(`${prefix}requests.storage`, storage)
  return used
}

/** What was allocated counts until it has shrunk to what is asked for. */
function largest(asked: string | undefined, allocated: string | undefined): Quantity | undefined {
  const request = asked === undefined ? undefined : (parseQuantity(asked) ?? zeroQuantity)
  const held = allocated === undefined ? undefined : parseQuantity(allocated)
  return request && held && compareQuantities(held, request) > 0 ? held : request
}

/** The most devices that one request can get. */
const mostDevices = 32

/** Devices by class; of alternatives the largest of each class, as nobody knows which one it will be. */
function devicesOf({ spec }: ResourceClaim): Quantities {
  const used = new Map<string, Quantity>()
  for (const request of spec.devices?.requests ?? [])
    for (const [name, count] of countsOf(request)) addAll(used, new Map([[`${name}${deviceClassSuffix}`, times(count)]]))
  return used
}

function countsOf({ exactly, firstAvailable = [] }: DeviceRequest): ReadonlyMap<string, number> {
  const counts = new Map<string, number>()
  for (const request of exactly ? [exactly] : firstAvailable)
    counts.set(request.deviceClassName, Math.max(counts.get(request.deviceClassName) ?? 0, countOf(request)))
  return counts
}

const countOf = ({ allocationMode, count }: Pick<DeviceSubRequest, 'allocationMode' | 'count'>) =>
  allocationMode === 'All' ? mostDevices : (count ?? 1)
