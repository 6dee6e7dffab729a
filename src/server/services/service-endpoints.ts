import type { ObjectReference } from '../../api/types/core-v1.ts'
import type { EndpointSlice } from '../../api/types/discovery-v1.ts'
import type { Random } from '../../base/random.ts'
import { followCache } from '../follow-cache.ts'
import type { WatchCache } from '../watch-cache.ts'

/** An address that answers for a service. */
export interface ServiceEndpoint {
  readonly host: string
  readonly port: number
  readonly targetRef: ObjectReference | undefined
}

/** The ready endpoints of a service's port, by its name ('' for the port without one), in an order by chance. */
export type EndpointsOf = (
  namespace: string,
  name: string,
  portName: string,
) => Iterable<ServiceEndpoint> | Promise<Iterable<ServiceEndpoint>>

export interface ServiceEndpoints {
  ready(namespace: string, name: string, portName: string): Iterable<ServiceEndpoint>
  slices(namespace: string, name: string): Iterable<EndpointSlice>
}

/** The slices of each service, kept by watching: one service's are found however many others there are. */
export function serviceEndpoints({ cache, random }: { cache: WatchCache; random: Random }): ServiceEndpoints {
  /** By the service that they are of, then by their own name. */
  const byService = new Map<string, Map<string, EndpointSlice>>()
  const homes = new Map<string, string>()
  followCache(cache, {
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

  const slices = (namespace: string, name: string): Iterable<EndpointSlice> => byService.get(`${namespace}/${name}`)?.values() ?? []
  return {
    slices,
    *ready(namespace, name, portName) {
      const found = [...slices(namespace, name)].flatMap((slice) => readyIn(slice, portName))
      const first = Math.floor(random.fraction() * found.length)
      yield* found.slice(first)
      yield* found.slice(0, first)
    },
  }

  function forget(slice: EndpointSlice): void {
    const home = homes.get(keyOf(slice))
    if (home === undefined) return
    homes.delete(keyOf(slice))
    const group = byService.get(home)
    group?.delete(slice.metadata.name)
    if (group?.size === 0) byService.delete(home)
  }
}

function readyIn({ ports, endpoints }: EndpointSlice, portName: string): ServiceEndpoint[] {
  const port = ports?.find((candidate) => (candidate.name ?? '') === portName)?.port
  if (port === undefined) return []
  return (endpoints ?? [])
    .filter(({ conditions }) => conditions?.ready !== false)
    .flatMap(({ addresses: [host], targetRef }) => (host === undefined ? [] : [{ host, port, targetRef }]))
}

const keyOf = ({ metadata }: EndpointSlice) => `${metadata.namespace}/${metadata.name}`
