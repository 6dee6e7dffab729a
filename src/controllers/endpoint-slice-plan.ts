import type { Service } from '../api/types/core-v1.ts'
import type { Endpoint, EndpointPort, EndpointSlice } from '../api/types/discovery-v1.ts'
import { semanticEqual } from '../client/semantic-equal.ts'
import { portsKey, type ServiceEndpoint } from './service-endpoints.ts'

/** Upstream's `--max-endpoints-per-slice`. */
const maxEndpoints = 100

/** What one slice should hold; `existing` is undefined for one that is to be made. */
export interface SliceContent {
  readonly existing: EndpointSlice | undefined
  readonly addressType: string
  readonly ports: readonly EndpointPort[]
  readonly endpoints: readonly Endpoint[]
}

export interface SlicePlan {
  /** Also those that stay as they are. */
  readonly keep: readonly SliceContent[]
  readonly remove: readonly EndpointSlice[]
}

/**
 * Which endpoint goes into which slice; pure. Endpoints stay in the slice where they are, so that a change of one pod
 * writes one slice; new ones fill slices that change anyway, then others that have room, then new slices.
 */
export function planSlices({
  service,
  endpoints,
  slices,
  zoneOf,
}: {
  service: Service
  endpoints: readonly ServiceEndpoint[]
  slices: readonly EndpointSlice[]
  zoneOf: (nodeName: string | undefined) => string | undefined
}): SlicePlan {
  const families = service.spec?.ipFamilies?.length ? service.spec.ipFamilies : ['IPv4']
  const plans = families.map((family) => {
    const ofFamily = slices.filter(({ addressType }) => addressType === family)
    return planFamily({ family, endpoints, slices: ofFamily, zoneOf })
  })
  const foreign = slices.filter(({ addressType }) => !families.includes(addressType))
  return { keep: plans.flatMap(({ keep }) => keep), remove: [...plans.flatMap(({ remove }) => remove), ...foreign] }
}

function planFamily({
  family,
  endpoints,
  slices,
  zoneOf,
}: {
  family: string
  endpoints: readonly ServiceEndpoint[]
  slices: readonly EndpointSlice[]
  zoneOf: (nodeName: string | undefined) => string | undefined
}): SlicePlan {
  const groups = new Map<string, { ports: readonly EndpointPort[]; wanted: Map<string, Endpoint> }>()
  for (const one of endpoints) {
    const addresses = one.addresses.filter((address) => address.family === family).map(({ address }) => address)
    if (addresses.length === 0) continue
    const key = portsKey(one.ports)
    const group = groups.get(key) ?? { ports: one.ports, wanted: new Map<string, Endpoint>() }
    group.wanted.set(one.pod.metadata.uid ?? '', endpointOf(one, addresses, zoneOf(one.pod.spec.nodeName)))
    groups.set(key, group)
  }
  const keep: SliceContent[] = []
  const remove: EndpointSlice[] = []
  const byPorts = new Map<string, EndpointSlice[]>()
  for (const slice of slices) {
    const key = portsKey(slice.ports ?? [])
    const same = byPorts.get(key) ?? []
    same.push(slice)
    byPorts.set(key, same)
    if (!groups.has(key)) remove.push(slice)
  }
  for (const [key, { ports, wanted }] of groups) {
    const filled = fill(wanted, byPorts.get(key) ?? [])
    for (const { existing, endpoints: held } of filled) {
      if (held.length > 0) keep.push({ existing, addressType: family, ports, endpoints: held })
      else if (existing) remove.push(existing)
    }
  }
  // A slice that would go serves for one that would be made: one write instead of two, and no moment without.
  const reused = keep.map((content) => (content.existing ? content : { ...content, existing: remove.shift() }))
  if (reused.length > 0) return { keep: reused, remove }
  // Readers tell a service without pods from one that nobody has looked at by this one.
  return { keep: [{ existing: remove.shift(), addressType: family, ports: [], endpoints: [] }], remove }
}

function fill(
  wanted: ReadonlyMap<string, Endpoint>,
  slices: readonly EndpointSlice[],
): { existing: EndpointSlice | undefined; endpoints: Endpoint[] }[] {
  const left = new Map(wanted)
  const filled = slices.map((existing) => {
    let isChanged = false
    const endpoints = (existing.endpoints ?? []).flatMap((endpoint) => {
      const uid = endpoint.targetRef?.uid ?? ''
      const now = left.get(uid)
      left.delete(uid)
      if (!now || !semanticEqual(now, endpoint)) isChanged = true
      return now ?? []
    })
    return { existing: existing as EndpointSlice | undefined, endpoints, isChanged }
  })
  const rest = [...left.values()]
  const room = [...filled].sort((a, b) => Number(b.isChanged) - Number(a.isChanged) || b.endpoints.length - a.endpoints.length)
  for (const slice of room) slice.endpoints.push(...rest.splice(0, Math.max(0, maxEndpoints - slice.endpoints.length)))
  while (rest.length > 0) filled.push({ existing: undefined, endpoints: rest.splice(0, maxEndpoints), isChanged: true })
  return filled
}

function endpointOf(
  { pod, ready, serving, terminating, hostname }: ServiceEndpoint,
  addresses: string[],
  zone: string | undefined,
): Endpoint {
  const { name, namespace, uid } = pod.metadata
  const { nodeName } = pod.spec
  return {
    addresses,
    conditions: { ready, serving, terminating },
    targetRef: { kind: 'Pod', name, ...(namespace !== undefined && { namespace }), ...(uid !== undefined && { uid }) },
    ...(hostname !== undefined && { hostname }),
    ...(nodeName !== undefined && { nodeName }),
    ...(zone !== undefined && { zone }),
  }
}
