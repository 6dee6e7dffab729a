import type { Service } from '../api/types/core-v1.ts'
import type { Endpoint, EndpointSlice } from '../api/types/discovery-v1.ts'
import type { PodAddress } from './pod-addresses.ts'

/** Elements of the table by map or set; the value is '' in a set. */
export type Rules = Readonly<Record<RuleMap, ReadonlyMap<string, string>>>
export type RuleMap = (typeof ruleMaps)[number]
export const ruleMaps = ['frontends', 'endpoints', 'choices', 'targets', 'unserved', 'hairpin'] as const

export interface RulesInput {
  readonly services: readonly Service[]
  readonly endpointSlices: readonly EndpointSlice[]
  readonly hostPortPods: readonly PodAddress[]
  readonly nodeName: string
  /** Where NodePorts and host ports answer. */
  readonly nodeAddresses: readonly string[]
  /** Addresses on which this machine answers itself: no Service may take them over. */
  readonly ownAddresses: readonly string[]
}

interface Backend {
  readonly address: string
  readonly port: number
}

/**
 * What the kernel should hold. A packet's frontend (address . protocol . port) names a chain by number of backends,
 * which draws an index and finds the backend under (frontend . index). With client affinity the draw gives the
 * backend's address as a mark, which the `affinity` map remembers and `targets` resolves while the backend lives.
 */
export function serviceRules(input: RulesInput): Rules {
  const rules = Object.fromEntries(ruleMaps.map((name) => [name, new Map<string, string>()])) as Record<RuleMap, Map<string, string>>
  const slices = Map.groupBy(
    input.endpointSlices.filter(({ addressType }) => addressType === 'IPv4'),
    ({ metadata }) => `${metadata.namespace}/${metadata.labels?.['kubernetes.io/service-name']}`,
  )
  const add = (
    frontend: string,
    backends: readonly Backend[],
    { external, affinity }: { external: boolean; affinity: number | undefined },
  ) => {
    if (backends.length === 0) {
      rules.unserved.set(frontend, 'goto refuse')
      return
    }
    const kind = affinity === undefined ? `n${backends.length}` : `a${backends.length}t${affinity}`
    rules.frontends.set(frontend, `goto ${external ? 'x' : ''}${kind}`)
    for (const [index, { address, port }] of backends.entries()) {
      rules.hairpin.set(`${address} . ${address}`, '')
      if (affinity === undefined) {
        rules.endpoints.set(`${frontend} . ${index}`, `${address} . ${port}`)
        continue
      }
      rules.choices.set(`${frontend} . ${index}`, markOf(address))
      rules.targets.set(`${frontend} . ${markOf(address)}`, `${address} . ${port}`)
    }
  }
  for (const service of input.services) {
    const { spec, metadata } = service
    if (!spec?.clusterIP || spec.clusterIP === 'None' || spec.type === 'ExternalName') continue
    const affinity = spec.sessionAffinity === 'ClientIP' ? (spec.sessionAffinityConfig?.clientIP?.timeoutSeconds ?? 10_800) : undefined
    for (const port of spec.ports ?? []) {
      const protocol = (port.protocol ?? 'TCP').toLowerCase()
      const all = backendsOf(slices.get(`${metadata.namespace}/${metadata.name}`) ?? [], port.name ?? '', port.protocol ?? 'TCP')
      const pick = (policy: string | undefined) =>
        usable(policy === 'Local' ? all.filter(({ nodeName }) => nodeName === input.nodeName) : all)
      const inside = pick(spec.internalTrafficPolicy)
      const outside = pick(spec.externalTrafficPolicy)
      const frontend = (address: string, number: number) => `${address} . ${protocol} . ${number}`
      if (!input.ownAddresses.includes(spec.clusterIP)) add(frontend(spec.clusterIP, port.port), inside, { external: false, affinity })
      const external = spec.externalTrafficPolicy !== 'Local'
      for (const address of spec.externalIPs ?? []) {
        if (!input.ownAddresses.includes(address)) add(frontend(address, port.port), outside, { external, affinity })
      }
      if (port.nodePort) for (const address of input.nodeAddresses) add(frontend(address, port.nodePort), outside, { external, affinity })
    }
  }
  for (const { address, hostPorts } of input.hostPortPods) {
    for (const { protocol, containerPort, hostPort, hostIp } of hostPorts) {
      const on = hostIp && hostIp !== '0.0.0.0' ? [hostIp] : input.nodeAddresses
      for (const host of on) {
        const frontend = `${host} . ${protocol.toLowerCase()} . ${hostPort}`
        add(frontend, [{ address, port: containerPort }], { external: false, affinity: undefined })
      }
    }
  }
  return rules
}

const markOf = (address: string) =>
  `0x${address
    .split('.')
    .map((part) => Number(part).toString(16).padStart(2, '0'))
    .join('')}`

function backendsOf(slices: readonly EndpointSlice[], portName: string, protocol: string): (Endpoint & Backend)[] {
  const found = new Map<string, Endpoint & Backend>()
  for (const { ports, endpoints } of slices) {
    const port = ports?.find((candidate) => (candidate.name ?? '') === portName && (candidate.protocol ?? 'TCP') === protocol)?.port
    if (port === undefined) continue
    for (const endpoint of endpoints ?? []) {
      const address = endpoint.addresses[0]
      if (address) found.set(`${address}:${port}`, { ...endpoint, address, port })
    }
  }
  return [...found.values()].sort((left, right) => (left.address < right.address ? -1 : 1))
}

/** The ready ones; when there are none, those that end but still serve (KEP-1669). */
function usable<E extends Endpoint>(endpoints: readonly E[]): E[] {
  const ready = endpoints.filter(({ conditions }) => conditions?.ready ?? true)
  return ready.length > 0 ? ready : endpoints.filter(({ conditions }) => conditions?.terminating && (conditions.serving ?? true))
}
