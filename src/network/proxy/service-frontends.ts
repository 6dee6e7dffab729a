import { isIPv4 } from 'node:net'
import type { Service } from '../../api/types/core-v1.ts'
import type { Endpoint, EndpointSlice } from '../../api/types/discovery-v1.ts'
import type { PodAddress } from '../pod-addresses.ts'

/** `address . protocol . port`, as nftables writes it: where clients connect to. */
export type Frontend = string

export interface Backend {
  readonly address: string
  readonly port: number
}

/** Where connections to a frontend go. Without backends they are refused. */
export interface FrontendPlan {
  readonly backends: readonly Backend[]
  /** Clients are outside: the node puts its own address in place of theirs, so that replies come back through it. */
  readonly isExternal: boolean
  /** A client stays with its backend for this long; undefined: each connection goes anywhere. */
  readonly affinitySeconds: number | undefined
}

export type Frontends = ReadonlyMap<Frontend, FrontendPlan>

export interface FrontendPlace {
  readonly nodeName: string
  /** Where NodePorts and host ports answer. */
  readonly nodeAddresses: readonly string[]
  /** Addresses on which this machine answers itself: no Service may take them over. */
  readonly ownAddresses: readonly string[]
}

const defaultAffinitySeconds = 10_800

/** What a Service wants of this node. */
export function serviceFrontends({ spec, status }: Service, slices: readonly EndpointSlice[], place: FrontendPlace): Frontends {
  const frontends = new Map<Frontend, FrontendPlan>()
  if (!spec?.clusterIP || spec.clusterIP === 'None' || spec.type === 'ExternalName') return frontends
  const affinitySeconds =
    spec.sessionAffinity === 'ClientIP' ? (spec.sessionAffinityConfig?.clientIP?.timeoutSeconds ?? defaultAffinitySeconds) : undefined
  const isTaken = (address: string) => place.ownAddresses.includes(address) || !isIPv4(address)
  const ingress = isForAll(spec.loadBalancerSourceRanges) ? (status?.loadBalancer?.ingress ?? []) : []
  const balanced = ingress.filter(({ ipMode }) => ipMode !== 'Proxy').map(({ ip }) => ip ?? '')
  for (const { name, port, protocol = 'TCP', nodePort } of spec.ports ?? []) {
    const all = backendsOf(slices, name ?? '', protocol)
    const pick = (policy: string | undefined) =>
      usable(policy === 'Local' ? all.filter(({ nodeName }) => nodeName === place.nodeName) : all).map(({ address, port: number }) => ({
        address,
        port: number,
      }))
    const inside: FrontendPlan = { backends: pick(spec.internalTrafficPolicy), isExternal: false, affinitySeconds }
    // With the policy Local the client's address stays as it is: nothing leaves this node.
    const outside: FrontendPlan = {
      backends: pick(spec.externalTrafficPolicy),
      isExternal: spec.externalTrafficPolicy !== 'Local',
      affinitySeconds,
    }
    if (!isTaken(spec.clusterIP)) frontends.set(frontendOf(spec.clusterIP, protocol, port), inside)
    for (const address of [...(spec.externalIPs ?? []), ...balanced])
      if (!isTaken(address)) frontends.set(frontendOf(address, protocol, port), outside)
    if (nodePort) for (const address of place.nodeAddresses) frontends.set(frontendOf(address, protocol, nodePort), outside)
  }
  return frontends
}

/** The rules know no client's address: a load balancer that is for some alone is for none here, rather than for all. */
const isForAll = (ranges: readonly string[] = []): boolean => ranges.length === 0 || ranges.some((range) => range.trim() === '0.0.0.0/0')

/** What pods with host ports want of this node. */
export function hostPortFrontends(pods: readonly PodAddress[], { nodeAddresses }: FrontendPlace): Frontends {
  const frontends = new Map<Frontend, FrontendPlan>()
  for (const { address, hostPorts } of pods) {
    for (const { protocol, containerPort, hostPort, hostIp } of hostPorts) {
      for (const host of hostIp && hostIp !== '0.0.0.0' ? [hostIp] : nodeAddresses) {
        if (!isIPv4(host)) continue
        const backends = [{ address, port: containerPort }]
        frontends.set(frontendOf(host, protocol, hostPort), { backends, isExternal: false, affinitySeconds: undefined })
      }
    }
  }
  return frontends
}

const frontendOf = (address: string, protocol: string, port: number): Frontend => `${address} . ${protocol.toLowerCase()} . ${port}`

/** Objects of others become words of a ruleset here: whoever wrote them, only these pass. */
const isPort = (port: number | undefined): port is number => port !== undefined && Number.isInteger(port) && port > 0 && port < 65_536

function backendsOf(slices: readonly EndpointSlice[], portName: string, protocol: string): (Endpoint & Backend)[] {
  const found = new Map<string, Endpoint & Backend>()
  for (const { ports, endpoints, addressType } of slices) {
    if (addressType !== 'IPv4') continue
    const port = ports?.find((candidate) => (candidate.name ?? '') === portName && (candidate.protocol ?? 'TCP') === protocol)?.port
    if (!isPort(port)) continue
    for (const endpoint of endpoints ?? []) {
      const address = endpoint.addresses[0]
      if (address && isIPv4(address)) found.set(`${address}:${port}`, { ...endpoint, address, port })
    }
  }
  // In one order, so that a change elsewhere changes nothing here.
  return [...found.values()].sort((left, right) =>
    left.address === right.address ? left.port - right.port : left.address < right.address ? -1 : 1,
  )
}

/** The ready ones; when there are none, those that end but still serve (KEP-1669). */
function usable<E extends Endpoint>(endpoints: readonly E[]): E[] {
  const ready = endpoints.filter(({ conditions }) => conditions?.ready ?? true)
  return ready.length > 0 ? ready : endpoints.filter(({ conditions }) => conditions?.terminating && (conditions.serving ?? true))
}
