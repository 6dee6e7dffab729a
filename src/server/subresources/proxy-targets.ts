import type { Catalog } from '../../api/catalog.ts'
import { nodes, pods, services } from '../../api/resources.ts'
import { StatusError } from '../../api/status-error.ts'
import type { Node, Pod, Service } from '../../api/types/core-v1.ts'
import type { Target } from '../connector.ts'
import { kindOf } from '../kind-of.ts'
import { type ObjectRef, objectKey, type Registry } from '../registry.ts'
import type { EndpointsOf } from '../services/service-endpoints.ts'
import { kubeletOf } from './kubelet-of.ts'
import { proxyableAddress } from './proxy-address.ts'

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
    return { type: scheme, host: proxyableAddress(pod.status?.podIP), port: number }
  }
}

/** The kubelet, or another port of the node. */
export function nodeTarget({ registry, catalog }: Parts): FindTarget {
  const kind = kindOf(catalog, nodes)
  return async ({ name: id }) => {
    const { scheme, name, port } = partsOf(id, 'node')
    const kubelet = kubeletOf((await registry.get({ kind, namespace: undefined, name })).object as Node)
    if (port === '' || portNumber(port) === kubelet.port) return kubelet
    return { type: scheme, host: proxyableAddress(kubelet.host), port: portNumber(port) }
  }
}

/**
 * Any ready endpoint of the service that is a pod of its namespace: endpoints are written by users, and what they say must
 * not lead the server anywhere else.
 */
export function serviceTarget({ registry, catalog, endpointsOf }: Parts & { endpointsOf: EndpointsOf }): FindTarget {
  const kind = kindOf(catalog, services)
  const podKind = kindOf(catalog, pods)
  return async ({ namespace = '', name: id }) => {
    const { scheme, name, port } = partsOf(id, 'service')
    const { spec } = (await registry.get({ kind, namespace, name })).object as Service
    const named = /^\d+$/.test(port) ? spec?.ports?.find(({ port: number }) => number === Number(port)) : undefined
    if (/^\d+$/.test(port) && !named) throw new StatusError('ServiceUnavailable', `no service port ${port} found for service "${name}"`)
    const portName = named ? (named.name ?? '') : port
    const pending = registry.cache(podKind)
    for (const { host, port: number, targetRef } of await endpointsOf(namespace, name, portName)) {
      if (targetRef?.kind !== 'Pod' || targetRef.name === undefined || (targetRef.namespace ?? namespace) !== namespace) continue
      const pod = (await pending).get(objectKey({ kind: podKind, namespace, name: targetRef.name }))?.object as Pod | undefined
      const { podIP, podIPs = [] } = pod?.status ?? {}
      if (podIP === host || podIPs.some(({ ip }) => ip === host)) return { type: scheme, host: proxyableAddress(host), port: number }
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
