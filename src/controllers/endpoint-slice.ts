import { nodes as nodesRef, pods as podsRef, services as servicesRef, endpointSlices as slicesRef } from '../api/resources.ts'
import type { Node, Service } from '../api/types/core-v1.ts'
import type { EndpointSlice } from '../api/types/discovery-v1.ts'
import type { Caches } from '../client/client.ts'
import { semanticEqual } from '../client/semantic-equal.ts'
import { isNamespaceTerminating, unlessGone } from './api-errors.ts'
import { controllerReference } from './claim.ts'
import { type Controller, type Outcome, type Reconcile, watchOf } from './controller.ts'
import { planSlices, type SliceContent } from './endpoint-slice-plan.ts'
import { addNodeIndex, podsOn } from './pods-on-node.ts'
import { selectingServices } from './selecting-services.ts'
import { hasEndpoints, headlessLabel, isHeadless, serviceEndpoints, triggerTimeAnnotation } from './service-endpoints.ts'
import { createTriggerTimes } from './trigger-time.ts'

const serviceLabel = 'kubernetes.io/service-name'
const managedByLabel = 'endpointslice.kubernetes.io/managed-by'
const managedBy = 'endpointslice-controller.k8s.io'
const zoneLabel = 'topology.kubernetes.io/zone'
const sliceIndex = 'service of managed slices'

/** Keeps the EndpointSlices of services that select pods. */
export function endpointSliceController({ caches }: { caches: Caches }): Controller<Service> {
  const { client } = caches
  const services = caches.cache(servicesRef)
  const slices = caches.cache(slicesRef)
  const nodes = caches.cache(nodesRef)
  const pods = caches.cache(podsRef)
  const selecting = selectingServices({ services, pods })
  const triggers = createTriggerTimes()
  addNodeIndex(pods)
  slices.addIndex(sliceIndex, ({ metadata }) =>
    metadata.labels?.[managedByLabel] === managedBy ? [`${metadata.namespace}/${metadata.labels[serviceLabel]}`] : [],
  )
  return {
    name: 'endpointslice',
    primary: services,
    owned: [slices],
    watches: [
      selecting.watch(),
      watchOf(nodes, (before, after) => {
        const name = (after ?? before)?.metadata.name
        if (name === undefined || zoneOf(before) === zoneOf(after)) return []
        const concerned = podsOn(pods, name).flatMap((pod) => selecting.servicesOf(pod))
        return new Set(concerned.map(({ metadata }) => `${metadata.namespace}/${metadata.name}`))
      }),
    ],
    reconcile,
    async gone(namespace, name) {
      // The slices go with their owner.
      triggers.forget(`${namespace}/${name}`)
      return undefined
    },
  }

  async function reconcile(service: Service, { cause }: Reconcile): Promise<Outcome> {
    if (!hasEndpoints(service) || service.metadata.deletionTimestamp !== undefined) return undefined
    const { namespace, name } = service.metadata
    const key = `${namespace}/${name}`
    const selected = selecting.podsOf(service)
    const { keep, remove } = planSlices({
      service,
      endpoints: serviceEndpoints(service, selected),
      slices: slices.byIndex(sliceIndex, key).filter(({ metadata }) => metadata.deletionTimestamp === undefined),
      zoneOf: (nodeName) => (nodeName ? zoneOf(nodes.get(undefined, nodeName)) : undefined),
    })
    const triggered = triggers.of(key, service, selected)
    try {
      await Promise.all([...keep.map((content) => write(service, content, triggered, cause)), ...remove.map((slice) => drop(slice, cause))])
    } catch (error) {
      // What was not written is caused by the same change still.
      triggers.forget(key)
      if (isNamespaceTerminating(error)) return undefined
      throw error
    }
    return undefined
  }

  async function write(
    service: Service,
    { existing, addressType, ports, endpoints }: SliceContent,
    triggered: string | undefined,
    cause: string,
  ): Promise<void> {
    const labels = labelsOf(service)
    const content = { addressType, ports: [...ports], endpoints: [...endpoints] }
    const isSame =
      existing &&
      semanticEqual({ ports: existing.ports, endpoints: existing.endpoints }, { ports: content.ports, endpoints: content.endpoints }) &&
      semanticEqual(existing.metadata.labels, labels)
    if (isSame) return
    const annotations = { ...existing?.metadata.annotations, ...(triggered !== undefined && { [triggerTimeAnnotation]: triggered }) }
    if (triggered === undefined) delete annotations[triggerTimeAnnotation]
    const resource = client.resource(slicesRef)
    const { namespace, name } = service.metadata
    if (existing) await resource.update({ ...existing, ...content, metadata: { ...existing.metadata, labels, annotations } }, { cause })
    else {
      const owner = controllerReference(servicesRef, service)
      const metadata = {
        generateName: `${name}-`,
        ...(namespace !== undefined && { namespace }),
        labels,
        annotations,
        ownerReferences: [owner],
      }
      await resource.create({ ...content, metadata }, { cause })
    }
  }

  async function drop({ metadata }: EndpointSlice, cause: string): Promise<void> {
    await unlessGone(client.resource(slicesRef).delete(metadata.namespace, metadata.name, { cause }))
  }
}

const zoneOf = (node: Node | undefined): string | undefined => node?.metadata.labels?.[zoneLabel]

/** The service's own labels, but for those that the controller decides on. */
function labelsOf(service: Service): Record<string, string> {
  const { [serviceLabel]: _service, [managedByLabel]: _managed, [headlessLabel]: _headless, ...copied } = service.metadata.labels ?? {}
  return {
    ...copied,
    [serviceLabel]: service.metadata.name,
    [managedByLabel]: managedBy,
    ...(isHeadless(service) && { [headlessLabel]: '' }),
  }
}
