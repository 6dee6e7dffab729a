import { endpoints as endpointsRef, pods as podsRef, services as servicesRef } from '../api/resources.ts'
import type { EndpointAddress, EndpointSubset, Endpoints, Service } from '../api/types/core-v1.ts'
import type { Caches } from '../client/client.ts'
import { semanticEqual } from '../client/semantic-equal.ts'
import { isNamespaceTerminating, unlessGone } from './api-errors.ts'
import { type Controller, type Outcome, type Reconcile, watchOf } from './controller.ts'
import { selectingServices } from './selecting-services.ts'
import {
  hasEndpoints,
  headlessLabel,
  isHeadless,
  portsKey,
  type ServiceEndpoint,
  serviceEndpoints,
  triggerTimeAnnotation,
} from './service-endpoints.ts'
import { createTriggerTimes } from './trigger-time.ts'

const managedByLabel = 'endpoints.kubernetes.io/managed-by'
const managedBy = 'endpoint-controller'
const overCapacity = 'endpoints.kubernetes.io/over-capacity'
/** More addresses than this are cut off: the object has one size for all, which slices were made for. */
const maxAddresses = 1000

/** The subsets that endpoints make, in an order that does not depend on theirs; pure. Pods on their way out are left out unless all are published. */
export function subsetsOf(service: Service, endpoints: readonly ServiceEndpoint[]): readonly EndpointSubset[] {
  const publishes = service.spec?.publishNotReadyAddresses === true
  const groups = new Map<string, { ports: ServiceEndpoint['ports']; addresses: EndpointAddress[]; notReady: EndpointAddress[] }>()
  for (const endpoint of endpoints) {
    if (endpoint.terminating && !publishes) continue
    const address = addressOf(service, endpoint)
    if (!address) continue
    if (endpoint.ports.length === 0 && !isHeadless(service)) continue
    const key = portsKey(endpoint.ports)
    const group = groups.get(key) ?? { ports: endpoint.ports, addresses: [], notReady: [] }
    ;(endpoint.ready ? group.addresses : group.notReady).push(address)
    groups.set(key, group)
  }
  return [...groups.entries()]
    .sort(([left], [right]) => (left < right ? -1 : 1))
    .map(([, { ports, addresses, notReady }]) => ({
      ...(addresses.length > 0 && { addresses: addresses.sort(byAddress) }),
      ...(notReady.length > 0 && { notReadyAddresses: notReady.sort(byAddress) }),
      ...(ports.length > 0 && {
        ports: ports.map(({ name, port = 0, protocol, appProtocol }) => ({
          port,
          ...(name && { name }),
          ...(protocol !== undefined && { protocol }),
          ...(appProtocol !== undefined && { appProtocol }),
        })),
      }),
    }))
}

function addressOf({ spec }: Service, { pod, addresses, hostname }: ServiceEndpoint): EndpointAddress | undefined {
  const family = spec?.ipFamilies?.[0] ?? 'IPv4'
  const found = addresses.find((address) => address.family === family)
  if (!found) return undefined
  const { name, namespace, uid } = pod.metadata
  return {
    ip: found.address,
    ...(hostname !== undefined && { hostname }),
    ...(pod.spec.nodeName !== undefined && { nodeName: pod.spec.nodeName }),
    targetRef: { kind: 'Pod', name, ...(namespace !== undefined && { namespace }), ...(uid !== undefined && { uid }) },
  }
}

const byAddress = (left: EndpointAddress, right: EndpointAddress) =>
  left.ip < right.ip ? -1 : left.ip > right.ip ? 1 : (left.targetRef?.uid ?? '') < (right.targetRef?.uid ?? '') ? -1 : 1

/** At most `maxAddresses`, those that are ready first. */
export function truncated(subsets: readonly EndpointSubset[]): { subsets: readonly EndpointSubset[]; isCut: boolean } {
  let left = maxAddresses
  const take = (addresses: readonly EndpointAddress[] | undefined) => {
    const taken = (addresses ?? []).slice(0, left)
    left -= taken.length
    return taken
  }
  const ready = subsets.map(({ addresses }) => take(addresses))
  const notReady = subsets.map(({ notReadyAddresses }) => take(notReadyAddresses))
  const count = subsets.reduce((sum, { addresses = [], notReadyAddresses = [] }) => sum + addresses.length + notReadyAddresses.length, 0)
  if (count <= maxAddresses) return { subsets, isCut: false }
  const cut = subsets.flatMap(({ ports }, index): EndpointSubset[] => {
    const [first = [], second = []] = [ready[index], notReady[index]]
    if (first.length + second.length === 0) return []
    return [
      { ...(ports && { ports }), ...(first.length > 0 && { addresses: first }), ...(second.length > 0 && { notReadyAddresses: second }) },
    ]
  })
  return { subsets: cut, isCut: true }
}

/** Keeps the Endpoints of services that select pods: the older form of EndpointSlices, under the service's own name. */
export function endpointsController({ caches }: { caches: Caches }): Controller<Service> {
  const { client } = caches
  const services = caches.cache(servicesRef)
  const objects = caches.cache(endpointsRef)
  const selecting = selectingServices({ services, pods: caches.cache(podsRef) })
  const triggers = createTriggerTimes()
  return {
    name: 'endpoints',
    primary: services,
    watches: [
      selecting.watch(),
      watchOf(objects, (before, after) => {
        const { metadata } = after ?? before ?? {}
        return metadata ? [`${metadata.namespace}/${metadata.name}`] : []
      }),
    ],
    reconcile,
    async gone(namespace, name, { cause }) {
      triggers.forget(`${namespace}/${name}`)
      const left = objects.get(namespace, name)
      if (left?.metadata.labels?.[managedByLabel] === managedBy) await drop(left, cause)
      return undefined
    },
  }

  async function reconcile(service: Service, { cause }: Reconcile): Promise<Outcome> {
    if (!hasEndpoints(service)) return undefined
    const { namespace, name } = service.metadata
    const key = `${namespace}/${name}`
    const pods = selecting.podsOf(service)
    const { subsets, isCut } = truncated(subsetsOf(service, serviceEndpoints(service, pods)))
    const { [headlessLabel]: _, ...copied } = service.metadata.labels ?? {}
    const labels = { ...copied, [managedByLabel]: managedBy, ...(isHeadless(service) && { [headlessLabel]: '' }) }
    const before = objects.get(namespace, name)
    const triggered = triggers.of(key, service, pods)
    const isSame =
      before &&
      semanticEqual(before.subsets, subsets) &&
      semanticEqual(before.metadata.labels, labels) &&
      Boolean(before.metadata.annotations?.[overCapacity]) === isCut
    if (isSame) return undefined
    const { [triggerTimeAnnotation]: _time, [overCapacity]: _capacity, ...kept } = before?.metadata.annotations ?? {}
    const annotations = {
      ...kept,
      ...(triggered !== undefined && { [triggerTimeAnnotation]: triggered }),
      ...(isCut && { [overCapacity]: 'truncated' }),
    }
    const resource = client.resource(endpointsRef)
    try {
      if (before)
        await resource.update({ ...before, subsets: [...subsets], metadata: { ...before.metadata, labels, annotations } }, { cause })
      else
        await resource.create(
          { subsets: [...subsets], metadata: { name, ...(namespace !== undefined && { namespace }), labels, annotations } },
          { cause },
        )
    } catch (error) {
      triggers.forget(key)
      if (!isNamespaceTerminating(error)) throw error
    }
    return undefined
  }

  async function drop({ metadata }: Endpoints, cause: string): Promise<void> {
    const preconditions = metadata.uid === undefined ? {} : { preconditions: { uid: metadata.uid } }
    await unlessGone(client.resource(endpointsRef).delete(metadata.namespace, metadata.name, { ...preconditions, cause }))
  }
}
