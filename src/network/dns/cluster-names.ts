import type { Answer, RecordType } from 'dns-packet'
import { endpointSlices, namespaces, services } from '../../api/resources.ts'
import type { Service } from '../../api/types/core-v1.ts'
import type { Endpoint, EndpointSlice } from '../../api/types/discovery-v1.ts'
import type { Caches } from '../../client/client.ts'
import { addressNumber, parseRange } from '../address-range.ts'

/** What a name stands for: undefined when it is none of the cluster's. */
export type Resolution =
  /** No answers: the name exists, but has no record of the type that was asked for. */
  | { readonly type: 'found'; readonly answers: readonly Answer[]; readonly additionals?: readonly Answer[] }
  | { readonly type: 'missing' }
  /** Another name, which may be outside of the cluster. */
  | { readonly type: 'alias'; readonly target: string }

export interface ClusterNames {
  resolve(name: string, type: RecordType): Resolution | undefined
  /** Who is responsible for the zone of a name; what a negative answer tells. */
  authority(name: string): Answer
}

export const answerTtl = 5
const missing: Resolution = { type: 'missing' }
const empty: Resolution = { type: 'found', answers: [] }
const byService = 'dns.service'
const byHost = 'dns.host'
const byAddress = 'dns.address'
const byClusterIp = 'dns.clusterIP'

/** The names of Kubernetes' DNS specification (version 1.1.0), answered from caches by one look-up each. */
export function clusterNames({ caches, domain, ranges }: { caches: Caches; domain: string; ranges: readonly string[] }): ClusterNames {
  const serviceCache = caches.cache(services)
  const sliceCache = caches.cache(endpointSlices)
  const namespaceCache = caches.cache(namespaces)
  serviceCache.addIndex(byClusterIp, ({ spec }) => (spec?.clusterIPs ?? [spec?.clusterIP ?? '']).filter((address) => address.includes('.')))
  sliceCache.addIndex(byService, (slice) => [serviceOf(slice)])
  sliceCache.addIndex(byHost, (slice) => (slice.endpoints ?? []).map((endpoint) => `${serviceOf(slice)}/${hostOf(endpoint)}`))
  sliceCache.addIndex(byAddress, ({ endpoints }) => (endpoints ?? []).flatMap(({ addresses }) => addresses))
  const parsedRanges = ranges.map(parseRange)

  return { resolve, authority }

  function resolve(asked: string, type: RecordType): Resolution | undefined {
    const name = asked.toLowerCase().replace(/\.$/, '')
    if (name === domain) return apex(asked, type)
    if (name.endsWith(`.${domain}`)) return inDomain(asked, name.slice(0, -domain.length - 1).split('.'), type)
    if (name.endsWith('.in-addr.arpa')) return reverse(asked, name, type)
    return undefined
  }

  function apex(asked: string, type: RecordType): Resolution {
    if (type === 'SOA') return { type: 'found', answers: [{ ...authority(domain), name: asked } as Answer] }
    return type === 'NS' ? { type: 'found', answers: [{ type: 'NS', name: asked, ttl: answerTtl, data: `ns.dns.${domain}` }] } : empty
  }

  /** `labels` without the domain, the most general one last. */
  function inDomain(asked: string, labels: string[], type: RecordType): Resolution {
    const [kind, namespace, service] = [labels.pop(), labels.pop(), labels.pop()]
    if (kind === 'dns-version' && namespace === undefined)
      return type === 'TXT' ? { type: 'found', answers: [{ type: 'TXT', name: asked, ttl: answerTtl, data: '1.1.0' }] } : empty
    if (kind !== 'svc' && kind !== 'pod') return missing
    if (namespace === undefined) return empty
    if (!namespaceCache.get(undefined, namespace)) return missing
    if (service === undefined) return empty
    if (kind === 'pod') return labels.length === 0 ? podAddress(asked, service, type) : missing
    const found = serviceCache.get(namespace, service)
    return found ? serviceName(asked, found, labels, type) : missing
  }

  /** `10-64-0-5` of whatever namespace there is. */
  function podAddress(asked: string, host: string, type: RecordType): Resolution {
    if (!/^\d{1,3}(-\d{1,3}){3}$/.test(host) || host.split('-').some((part) => Number(part) > 255)) return missing
    return type === 'A' ? { type: 'found', answers: [{ type: 'A', name: asked, ttl: answerTtl, data: host.replaceAll('-', '.') }] } : empty
  }

  function serviceName(asked: string, service: Service, labels: readonly string[], type: RecordType): Resolution {
    const { spec } = service
    if (spec?.type === 'ExternalName')
      return labels.length === 0 && spec.externalName ? { type: 'alias', target: spec.externalName } : missing
    if (labels.length === 0) {
      if (type === 'SRV') return srvRecords(asked, service, () => true)
      const addresses = isHeadless(service)
        ? readyEndpoints(service).flatMap(({ endpoint }) => endpoint.addresses)
        : clusterAddresses(service)
      // A headless Service without ready endpoints has no records at all.
      return addresses.length === 0 ? missing : addressRecords(asked, addresses, type)
    }
    const [first = '', second] = labels
    if (labels.length === 2 && first.startsWith('_') && second?.startsWith('_')) {
      const [port, protocol] = [first.slice(1), second.slice(1)]
      const found = srvRecords(asked, service, (name, of) => name.toLowerCase() === port && of.toLowerCase() === protocol)
      return found.type === 'found' && type !== 'SRV' ? empty : found
    }
    if (labels.length > 1 || !isHeadless(service)) return missing
    const addresses = sliceCache
      .byIndex(byHost, `${keyOf(service)}/${first}`)
      .flatMap(({ endpoints }) => endpoints ?? [])
      .filter((endpoint) => hostOf(endpoint) === first && isReady(endpoint))
      .flatMap((endpoint) => endpoint.addresses)
    return addresses.length === 0 ? missing : addressRecords(asked, addresses, type)
  }

  /** Ports of the Service, or of each endpoint of a headless one, with the addresses of their targets. */
  function srvRecords(asked: string, service: Service, isWanted: (port: string, protocol: string) => boolean): Resolution {
    const name = `${service.metadata.name}.${service.metadata.namespace}.svc.${domain}`
    const targets = isHeadless(service)
      ? readyEndpoints(service).flatMap(({ endpoint, slice }) =>
          (slice.ports ?? [])
            .filter((port) => isWanted(port.name ?? '', port.protocol ?? 'TCP'))
            .map(({ port }) => ({ target: `${hostOf(endpoint)}.${name}`, port: port ?? 0, addresses: endpoint.addresses })),
        )
      : (service.spec?.ports ?? [])
          .filter((port) => isWanted(port.name ?? '', port.protocol ?? 'TCP'))
          .map(({ port }) => ({ target: name, port, addresses: clusterAddresses(service) }))
    if (targets.length === 0) return missing
    const weight = Math.max(1, Math.floor(100 / targets.length))
    const answers = targets.map(
      ({ target, port }): Answer => ({ type: 'SRV', name: asked, ttl: answerTtl, data: { target, port, priority: 0, weight } }),
    )
    const byTarget = new Map(targets.map(({ target, addresses }) => [target, addresses]))
    return { type: 'found', answers, additionals: [...byTarget].flatMap(([target, addresses]) => both(target, addresses)) }
  }

  function reverse(asked: string, name: string, type: RecordType): Resolution | undefined {
    const parts = name.slice(0, -'.in-addr.arpa'.length).split('.').reverse()
    if (parts.length !== 4 || !parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) < 256)) return undefined
    const address = parts.join('.')
    const names = [
      ...serviceCache.byIndex(byClusterIp, address).map(({ metadata }) => `${metadata.name}.${metadata.namespace}.svc.${domain}`),
      ...sliceCache.byIndex(byAddress, address).flatMap((slice) => {
        const endpoint = slice.endpoints?.find(({ addresses }) => addresses.includes(address))
        const service = serviceCache.get(slice.metadata.namespace, labelledService(slice))
        return endpoint && service && isHeadless(service)
          ? [`${hostOf(endpoint)}.${service.metadata.name}.${service.metadata.namespace}.svc.${domain}`]
          : []
      }),
    ]
    const number = addressNumber(address)
    const isOurs = parsedRanges.some(({ first, size }) => number >= first && number < first + size)
    if (names.length === 0) return isOurs ? missing : undefined
    const answers = [...new Set(names)].map((data): Answer => ({ type: 'PTR', name: asked, ttl: answerTtl, data }))
    return type === 'PTR' ? { type: 'found', answers } : empty
  }

  function readyEndpoints(service: Service): { endpoint: Endpoint; slice: EndpointSlice }[] {
    return sliceCache
      .byIndex(byService, keyOf(service))
      .flatMap((slice) => (slice.endpoints ?? []).filter(isReady).map((endpoint) => ({ endpoint, slice })))
  }

  function authority(name: string): Answer {
    const zone = name.toLowerCase().endsWith('.in-addr.arpa') ? name.toLowerCase() : domain
    const data = {
      mname: `ns.dns.${domain}`,
      rname: `hostmaster.${domain}`,
      serial: 1,
      refresh: 7200,
      retry: 1800,
      expire: 86_400,
      minimum: answerTtl,
    }
    return { type: 'SOA', name: zone, ttl: answerTtl, data }
  }
}

const keyOf = ({ metadata }: Service) => `${metadata.namespace}/${metadata.name}`
const labelledService = ({ metadata }: EndpointSlice) => metadata.labels?.['kubernetes.io/service-name'] ?? ''
const serviceOf = (slice: EndpointSlice) => `${slice.metadata.namespace}/${labelledService(slice)}`
const isHeadless = ({ spec }: Service) => spec?.clusterIP === 'None'
const isReady = ({ conditions }: Endpoint) => conditions?.ready ?? true
const clusterAddresses = ({ spec }: Service) => (spec?.clusterIPs ?? [spec?.clusterIP ?? '']).filter((address) => address !== '')
/** Endpoints without a host name of their own are named by their address. */
const hostOf = ({ hostname, addresses }: Endpoint) => hostname || (addresses[0] ?? '').replaceAll(/[.:]/g, '-')

const both = (name: string, addresses: readonly string[]): Answer[] =>
  [...new Set(addresses)].map((data) => ({ type: data.includes(':') ? 'AAAA' : 'A', name, ttl: answerTtl, data }))

const addressRecords = (name: string, addresses: readonly string[], type: RecordType): Resolution => ({
  type: 'found',
  answers: both(name, addresses).filter((answer) => answer.type === type),
})
