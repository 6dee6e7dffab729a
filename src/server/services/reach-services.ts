import type { Catalog } from '../../api/catalog.ts'
import { endpointSlices, services } from '../../api/resources.ts'
import type { Random } from '../../base/random.ts'
import { kindOf } from '../kind-of.ts'
import type { ResourceCaches } from '../resource-caches.ts'
import { type EndpointsOf, type ServiceEndpoints, serviceEndpoints } from './service-endpoints.ts'
import { type ResolveService, type ServicePlace, serviceResolver } from './service-resolver.ts'

/** How services are found; what that takes is loaded when first needed, which in many clusters is never. */
export interface ReachServices {
  resolve(...place: Parameters<ResolveService>): Promise<ServicePlace>
  endpointsOf: EndpointsOf
  endpoints(): Promise<ServiceEndpoints>
}

export function reachServices({ catalog, caches, random }: { catalog: Catalog; caches: ResourceCaches; random: Random }): ReachServices {
  let made: Promise<{ endpoints: ServiceEndpoints; resolve: ResolveService }> | undefined
  const found = () => {
    if (!made) {
      made = make()
      // A store that could not be read is asked again next time.
      made.catch(() => {
        made = undefined
      })
    }
    return made
  }
  return {
    resolve: async (...place) => (await found()).resolve(...place),
    endpointsOf: async (...place) => (await found()).endpoints.ready(...place),
    endpoints: async () => (await found()).endpoints,
  }

  async function make() {
    const kind = kindOf(catalog, services)
    const [known, cache] = await Promise.all([caches.load(kind), caches.load(kindOf(catalog, endpointSlices))])
    const endpoints = serviceEndpoints({ cache, random })
    return { endpoints, resolve: serviceResolver({ kind, services: known, endpoints }) }
  }
}
