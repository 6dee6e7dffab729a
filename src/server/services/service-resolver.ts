import type { Catalog } from '../../api/catalog.ts'
import { endpointSlices, services } from '../../api/resources.ts'
import { StatusError } from '../../api/status-error.ts'
import type { Service } from '../../api/types/core-v1.ts'
import type { EndpointSlice } from '../../api/types/discovery-v1.ts'
import type { Random } from '../../base/random.ts'
import { followCache } from '../follow-cache.ts'
import { kindOf } from '../kind-of.ts'
import { objectKey } from '../registry.ts'
import type { ResourceCaches } from '../resource-caches.ts'

export interface ServicePlace {
  readonly host: string
  readonly port: number
}

/**
 * Where a port of a service is answered: one of its ready endpoints, chosen by chance, or the name that an ExternalName
 * service stands for. Going to endpoints (upstream's `--enable-aggregator-routing`) needs no service proxy beside the
 * server. A port is a number, or a name; '' is the port without a name. Throws NotFound or ServiceUnavailable.
 */
export type ResolveService = (namespace: string, name: string, port: number | string) => ServicePlace

export async function serviceResolver({
  catalog,
  caches,
  random,
}: {
  catalog: Catalog
  caches: ResourceCaches
  random: Random
}): Promise<ResolveService> {
  const [kind, sliceKind] = [kindOf(catalog, services), kindOf(catalog, endpointSlices)]
  const [known, slices] = await Promise.all([caches.load(kind), caches.load(sliceKind)])
  /** Slices by the service that they are of, then by their own name. */
  const byService = new Map<string, Map<string, EndpointSlice>>()
  const homes = new Map<string, string>()
  followCache(slices, {
    set(object) {
      const slice = object as EndpointSlice
      forget(slice)
      const service = slice.metadata.labels?.['kubernetes.io/service-name']
      if (service === undefined) return
      const home = `${slice.metadata.namespace}/${service}`
      const group = byService.get(home) ?? new Map<string, EndpointSlice>()
      byService.set(home, group.set(slice.metadata.name, slice))
      homes.set(keyOf(slice), home)
    },
    remove: (object) => forget(object as EndpointSlice),
  })

  function forget(slice: EndpointSlice): void {
    const home = homes.get(keyOf(slice))
    if (home === undefined) return
    homes.delete(keyOf(slice))
    const group = byService.get(home)
    group?.delete(slice.metadata.name)
    if (group?.size === 0) byService.delete(home)
  }

  return (namespace, name, port) => {
    const service = known.get(objectKey({ kind, namespace, name }))?.object as Service | undefined
    if (!service) throw new StatusError('NotFound', `service "${name}" not found`, { name, kind: 'services' })
    const { spec = {} } = service
    if (spec.type === 'ExternalName') {
      if (typeof port !== 'number' || !spec.externalName) throw unavailable(`unsupported service type "ExternalName"`)
      return { host: spec.externalName, port }
    }
    const named = typeof port === 'number' ? spec.ports?.find((candidate) => candidate.port === port) : undefined
    if (typeof port === 'number' && !named) throw unavailable(`no service port ${port} found for service "${name}"`)
    const portName = typeof port === 'number' ? (named?.name ?? '') : port
    const places = placesOf(byService.get(`${namespace}/${name}`)?.values() ?? [], portName)
    const place = places[Math.floor(random.fraction() * places.length)]
    if (!place) throw unavailable(`no endpoints available for service "${name}"`)
    return place
  }
}

function placesOf(slices: Iterable<EndpointSlice>, portName: string): ServicePlace[] {
  return [...slices].flatMap(({ ports, endpoints }) => {
    const port = ports?.find((candidate) => (candidate.name ?? '') === portName)?.port
    if (port === undefined) return []
    const ready = (endpoints ?? []).filter(({ conditions }) => conditions?.ready !== false)
    return ready.flatMap(({ addresses: [host] }) => (host === undefined ? [] : [{ host, port }]))
  })
}

const keyOf = ({ metadata }: EndpointSlice) => `${metadata.namespace}/${metadata.name}`
const unavailable = (message: string) => new StatusError('ServiceUnavailable', message)
