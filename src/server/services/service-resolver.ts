import type { Kind } from '../../api/kind.ts'
import { StatusError } from '../../api/status-error.ts'
import type { Service } from '../../api/types/core-v1.ts'
import { objectKey } from '../registry.ts'
import type { WatchCache } from '../watch-cache.ts'
import type { ServiceEndpoints } from './service-endpoints.ts'

export interface ServicePlace {
  readonly host: string
  readonly port: number
}

/**
 * Where a port of a service is answered: one of its ready endpoints, chosen by chance, or the name that an ExternalName
 * service stands for. Going to endpoints (upstream's `--enable-aggregator-routing`) needs no service proxy beside the
 * server. Throws NotFound or ServiceUnavailable.
 */
export type ResolveService = (namespace: string, name: string, port: number) => ServicePlace

export function serviceResolver({
  kind,
  services,
  endpoints,
}: {
  kind: Kind
  services: WatchCache
  endpoints: ServiceEndpoints
}): ResolveService {
  return (namespace, name, port) => {
    const service = services.get(objectKey({ kind, namespace, name }))?.object as Service | undefined
    if (!service) throw new StatusError('NotFound', `service "${name}" not found`, { name, kind: 'services' })
    const { spec = {} } = service
    if (spec.type === 'ExternalName' && spec.externalName) return { host: spec.externalName, port }
    const found = spec.ports?.find((candidate) => candidate.port === port)
    if (!found) throw unavailable(`no service port ${port} found for service "${name}"`)
    for (const place of endpoints.ready(namespace, name, found.name ?? '')) return { host: place.host, port: place.port }
    throw unavailable(`no endpoints available for service "${name}"`)
  }
}

const unavailable = (message: string) => new StatusError('ServiceUnavailable', message)
