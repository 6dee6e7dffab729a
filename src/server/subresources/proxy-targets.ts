import { isIPv4 } from 'node:net'
import type { Catalog } from '../../api/catalog.ts'
import { endpointSlices, nodes, pods, services } from '../../api/resources.ts'
import { StatusError } from '../../api/status-error.ts'
import type { Node, Pod, Service } from '../../api/types/core-v1.ts'
import type { EndpointSlice } from '../../api/types/discovery-v1.ts'
import type { Target } from '../connector.ts'
import { kindOf } from '../kind-of.ts'
import { listPrefix, type ObjectRef, type Registry } from '../registry.ts'
import { kubeletOf } from './kubelet-of.ts'

/** Finds where the object of a `proxy` path is, whose name may be `[SCHEME:]NAME[:PORT]`. */
export type FindTarget = (ref: ObjectRef) => Promise<Target>

interface Parts {
  readonly registry: Registry
  readonly catalog: Catalog
}

export function podTarget({ registry, catalog }: Parts): FindTarget {
  const kind = kindOf(catalog, pods)
  return async ({ namespace, name: id }) => {
    const { scheme, name, port } = partsOf(id, 'pod')
    const pod = (await registry.get({ kind, namespace, name })).object as Pod
    const firstPort = pod.spec?.containers.flatMap(({ ports }) => ports ?? [])[0]?.containerPort
    const number = port === '' ? (firstPort ?? (scheme === 'https' ? 443 : 80)) : portNumber(port)
    return { type: scheme, host: allowed(pod.status?.podIP), port: number }
  }
}

/** The kubelet, or another port of the node. */
export function nodeTarget({ registry, catalog }: Parts): FindTarget {
  const kind = kindOf(catalog, nodes)
  return async ({ name: id }) => {
    const { scheme, name, port } = partsOf(id, 'node')
    const kubelet = kubeletOf((await registry.get({ kind, namespace: undefined, name })).object as Node)
    if (port === '' || portNumber(port) === kubelet.port) return kubelet
    return { type: scheme, host: allowed(kubelet.host), port: portNumber(port) }
  }
}

/** Any ready endpoint of the service. */
export function serviceTarget({ registry, catalog }: Parts): FindTarget {
  const kind = kindOf(catalog, services)
  const sliceKind = kindOf(catalog, endpointSlices)
  return async ({ namespace, name: id }) => {
    const { scheme, name, port } = partsOf(id, 'service')
    const { spec } = (await registry.get({ kind, namespace, name })).object as Service
    const named = /^\d+$/.test(port) ? spec?.ports?.find(({ port: number }) => number === Number(port)) : undefined
    if (/^\d+$/.test(port) && !named) throw new StatusError('ServiceUnavailable', `no service port ${port} found for service "${name}"`)
    const portName = named ? (named.name ?? '') : port
    const slices = await registry.cache(sliceKind)
    for (const { object } of slices.range(listPrefix(sliceKind, namespace))) {
      const slice = object as EndpointSlice
      if (slice.metadata.labels?.['kubernetes.io/service-name'] !== name) continue
      const found = slice.ports?.find((candidate) => (candidate.name ?? '') === portName)
      const address = slice.endpoints?.find(({ conditions }) => conditions?.ready !== false)?.addresses[0]
      if (found?.port !== undefined && address !== undefined) return { type: scheme, host: allowed(address), port: found.port }
    }
    throw new StatusError('ServiceUnavailable', `no endpoints available for service "${id}"`)
  }
}

function partsOf(id: string, what: string): { scheme: 'http' | 'https'; name: string; port: string } {
  const pieces = id.split(':')
  const [scheme = '', name = '', port = ''] = pieces.length === 3 ? pieces : ['', ...pieces]
  if (pieces.length > 3 || name === '' || (scheme !== '' && scheme !== 'http' && scheme !== 'https'))
    throw new StatusError('BadRequest', `invalid ${what} request "${id}"`)
  return { scheme: scheme === 'https' ? 'https' : 'http', name, port }
}

function portNumber(text: string): number {
  const port = Number(text)
  if (/^\d+$/.test(text) && port > 0 && port < 65_536) return port
  throw new StatusError('BadRequest', `invalid port "${text}"`)
}

/**
 * Refuses addresses that would lead the server to itself or to its machine's neighbours: loopback, link-local (cloud
 * metadata), unspecified, broadcast and multicast. What is checked is what is dialled: names are never resolved.
 */
export function allowed(address: string | undefined): string {
  if (address !== undefined && isIPv4(address)) {
    const [first = 0, second = 0] = address.split('.').map(Number)
    const isGlobal = first !== 0 && first !== 127 && first < 224 && !(first === 169 && second === 254)
    if (isGlobal) return address
  }
  throw new StatusError('BadRequest', 'address not allowed')
}
