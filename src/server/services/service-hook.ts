import { jsonEqual } from '../../api/json-equal.ts'
import type { Kind } from '../../api/kind.ts'
import type { KubeObject } from '../../api/object.ts'
import type { Problem } from '../../api/problem.ts'
import { StatusError } from '../../api/status-error.ts'
import type { Service, ServicePort, ServiceSpec } from '../../api/types/core-v1.ts'
import type { Random } from '../../base/random.ts'
import { followCache } from '../follow-cache.ts'
import { objectKey } from '../registry.ts'
import type { WatchCache } from '../watch-cache.ts'
import type { Holding, WriteHook } from '../write-hook.ts'
import { ipv4Number, ipv4Text, staticBand } from './ipv4-range.ts'
import { NumberPool } from './number-pool.ts'
import type { ServiceAddresses } from './service-addresses.ts'

type Draft<T> = { -readonly [Key in keyof T]?: T[Key] }

export const defaultServiceRange = '10.96.0.0/16'
export const defaultNodePorts = { first: 30_000, last: 32_767 }

/** Gives services their cluster addresses and node ports, and takes those that users choose if they are free. */
export function serviceHook({
  kind,
  services,
  addresses,
  nodePorts,
  random,
}: {
  kind: Kind
  services: WatchCache
  addresses: ServiceAddresses
  nodePorts: { readonly first: number; readonly last: number }
  random: Random
}): WriteHook {
  const portCount = nodePorts.last - nodePorts.first + 1
  const ports = new NumberPool({ ...nodePorts, dynamicFrom: nodePorts.first + staticBand(portCount, 32, 128) })
  follow()

  return {
    begin(draft, old) {
      const service = draft as unknown as KubeObject & { spec?: Draft<ServiceSpec> }
      const { spec, metadata } = service
      const undo: (() => void)[] = []
      const problems: Problem[] = []
      const end = () => {
        for (const step of undo.splice(0)) step()
      }
      if (!spec) return { problems, end }
      const owner = objectKey({ kind, namespace: metadata.namespace, name: metadata.name })
      try {
        const before = (old as Service | undefined)?.spec
        normalise(spec, before)
        if (before) keepAllocated(spec, before)
        setFamilies(spec, before)
        take(spec, { owner, problems, undo })
      } catch (error) {
        end()
        throw error
      }
      return { problems, end } satisfies Holding
    },
  }

  /** What is taken is what the cache shows: all of it before the first write, since a watch tells it only bit by bit. */
  function follow(): void {
    const own = ({ metadata }: KubeObject, spec: ServiceSpec | undefined) => {
      const key = objectKey({ kind, namespace: metadata.namespace, name: metadata.name })
      addresses.pool.own(
        key,
        (spec?.clusterIPs ?? []).flatMap((text) => ipv4Number(text) ?? []),
      )
      ports.own(key, nodePortsOf(spec))
    }
    followCache(services, { set: (object) => own(object, (object as Service).spec), remove: (object) => own(object, undefined) })
  }

  interface Taking {
    readonly owner: string
    readonly problems: Problem[]
    readonly undo: (() => void)[]
  }

  function take(spec: Draft<ServiceSpec>, taking: Taking): void {
    if (needsClusterIp(spec)) takeAddress(spec, taking)
    if (spec.type === 'NodePort' || spec.type === 'LoadBalancer') takePorts(spec, taking)
    if (needsHealthCheck(spec)) {
      if (spec.healthCheckNodePort) holdPort(spec.healthCheckNodePort, 'spec.healthCheckNodePort', taking)
      else spec.healthCheckNodePort = newPort(taking)
    }
  }

  function takeAddress(spec: Draft<ServiceSpec>, { owner, problems, undo }: Taking): void {
    const asked = spec.clusterIPs?.[0] || spec.clusterIP || ''
    const number = asked === '' ? addresses.pool.pick(random) : ipv4Number(asked)
    if (asked === '' && number === undefined)
      throw new StatusError('InternalError', 'Internal error occurred: failed to allocate a serviceIP: range is full')
    // What is no address at all, validation tells.
    if (number === undefined) return
    const why = !addresses.pool.contains(number)
      ? `the provided IP (${asked}) is not in the valid range. The range of valid IPs is ${addresses.ranges()}`
      : addresses.pool.isFree(number, owner)
        ? undefined
        : 'provided IP is already allocated'
    if (why !== undefined) {
      const message = `Invalid value: ${JSON.stringify(spec.clusterIPs ?? [asked])}: failed to allocate IP ${asked}: ${why}`
      problems.push({ type: 'FieldValueInvalid', field: 'spec.clusterIPs', message })
      return
    }
    addresses.pool.hold(number, owner)
    undo.push(() => addresses.pool.release(number))
    spec.clusterIP = ipv4Text(number)
    spec.clusterIPs = [spec.clusterIP]
  }

  function takePorts(spec: Draft<ServiceSpec>, taking: Taking): void {
    /** One port for TCP and UDP is one node port, too. */
    const known = new Map<number, number>()
    const given = spec.ports ?? []
    /** The first that is asked for, of each port; also of one that comes later. */
    const asked = new Map(given.flatMap(({ port, nodePort }) => (nodePort ? [[port, nodePort] as const] : [])).reverse())
    const isAutomatic = spec.type === 'NodePort' || spec.allocateLoadBalancerNodePorts !== false
    spec.ports = given.map((port, index) => {
      const number = port.port ?? 0
      const shared = known.get(number)
      if (port.nodePort) {
        if (port.nodePort !== shared) holdPort(port.nodePort, `spec.ports[${index}].nodePort`, taking)
        known.set(number, port.nodePort)
        return port
      }
      if (!isAutomatic) return port
      const nodePort = shared ?? asked.get(number) ?? newPort(taking)
      known.set(number, nodePort)
      return { ...port, nodePort }
    })
  }

  function holdPort(port: number, field: string, { owner, problems, undo }: Taking): void {
    const { first, last } = nodePorts
    const why = !ports.contains(port)
      ? `provided port is not in the valid range. The range of valid ports is ${first}-${last}`
      : ports.isFree(port, owner)
        ? undefined
        : 'provided port is already allocated'
    if (why !== undefined) {
      problems.push({ type: 'FieldValueInvalid', field, message: `Invalid value: ${port}: ${why}` })
      return
    }
    ports.hold(port, owner)
    undo.push(() => ports.release(port))
  }

  function newPort({ owner, undo }: Taking): number {
    const port = ports.pick(random)
    if (port === undefined) throw new StatusError('InternalError', 'Internal error occurred: failed to allocate a nodePort: range is full')
    ports.hold(port, owner)
    undo.push(() => ports.release(port))
    return port
  }
}

const nodePortsOf = (spec: Draft<ServiceSpec> | undefined): number[] => [
  ...new Set([
    ...(spec?.ports ?? []).flatMap(({ nodePort }) => nodePort || []),
    ...(spec?.healthCheckNodePort ? [spec.healthCheckNodePort] : []),
  ]),
]

const isHeadless = ({ clusterIP, clusterIPs }: Draft<ServiceSpec>) => clusterIP === 'None' || clusterIPs?.[0] === 'None'
const needsClusterIp = (spec: Draft<ServiceSpec>) => spec.type !== 'ExternalName' && !isHeadless(spec)
const needsNodePorts = ({ type }: Draft<ServiceSpec>) => type === 'NodePort' || type === 'LoadBalancer'
const needsHealthCheck = ({ type, externalTrafficPolicy }: Draft<ServiceSpec>) =>
  type === 'LoadBalancer' && externalTrafficPolicy === 'Local'

/** `clusterIP` and `clusterIPs[0]` are the same thing; who writes one of them means both. */
function normalise(spec: Draft<ServiceSpec>, old: ServiceSpec | undefined): void {
  const { clusterIP = '', clusterIPs = [] } = spec
  const sameList = jsonEqual(clusterIPs, old?.clusterIPs ?? [])
  if (clusterIP !== '' && (clusterIPs.length === 0 || (clusterIP !== clusterIPs[0] && sameList))) spec.clusterIPs = [clusterIP]
  if (old && clusterIP === '' && old.clusterIP && sameList) delete spec.clusterIPs
  if (clusterIP === '') delete spec.clusterIP
}

/** An update that leaves out what was allocated keeps it; one to a type without it gives it back. */
function keepAllocated(spec: Draft<ServiceSpec>, old: ServiceSpec): void {
  if (needsClusterIp(old) && needsClusterIp(spec)) {
    if (!spec.clusterIP && old.clusterIP) spec.clusterIP = old.clusterIP
    if ((spec.clusterIPs ?? []).length === 0 && old.clusterIPs) spec.clusterIPs = old.clusterIPs
  }
  if (spec.type === 'ExternalName' && old.type !== 'ExternalName') {
    for (const field of ['clusterIP', 'clusterIPs', 'ipFamilies', 'ipFamilyPolicy'] as const)
      if (jsonEqual(spec[field], old[field])) delete spec[field]
  }
  if (needsNodePorts(spec) && needsNodePorts(old)) spec.ports = keepNodePorts(spec.ports ?? [], old.ports ?? [])
  if (!needsNodePorts(spec) && needsNodePorts(old)) spec.ports = dropNodePorts(spec.ports ?? [], old.ports ?? [])
  if (needsHealthCheck(spec) && needsHealthCheck(old) && old.healthCheckNodePort) spec.healthCheckNodePort ||= old.healthCheckNodePort
  if (!needsHealthCheck(spec) && needsHealthCheck(old) && spec.healthCheckNodePort === old.healthCheckNodePort)
    delete spec.healthCheckNodePort
}

/** A port that names no node port keeps the one that the port of its name had, unless another port names it. */
function keepNodePorts(ports: readonly ServicePort[], old: readonly ServicePort[]): ServicePort[] {
  const used = new Set(ports.map(({ nodePort }) => nodePort))
  const byName = new Map(old.map(({ name, nodePort }) => [name ?? '', nodePort]))
  return ports.map((port) => {
    const before = byName.get(port.name ?? '')
    if (port.nodePort || !before || used.has(before)) return port
    used.add(before)
    return { ...port, nodePort: before }
  })
}

/** Node ports that the user did not change himself go away with the type. */
function dropNodePorts(ports: readonly ServicePort[], old: readonly ServicePort[]): ServicePort[] {
  const had = new Set(old.map(({ nodePort }) => nodePort))
  const isUnchanged = ports.every(({ nodePort }) => !nodePort || had.has(nodePort))
  return isUnchanged ? ports.map(({ nodePort: _, ...port }) => port) : [...ports]
}

/** The cluster speaks IPv4 alone. A headless service without selector says both, since its endpoints are the user's own. */
function setFamilies(spec: Draft<ServiceSpec>, old: ServiceSpec | undefined): void {
  if (spec.type === 'ExternalName') return
  const isSelectorless = isHeadless(spec) && Object.keys(spec.selector ?? {}).length === 0
  spec.ipFamilyPolicy ??= old?.ipFamilyPolicy ?? (isSelectorless ? 'RequireDualStack' : 'SingleStack')
  if ((spec.ipFamilies ?? []).length === 0) spec.ipFamilies = old?.ipFamilies ?? ['IPv4']
  if (isSelectorless && spec.ipFamilyPolicy !== 'SingleStack' && spec.ipFamilies?.length === 1)
    spec.ipFamilies = [...spec.ipFamilies, spec.ipFamilies[0] === 'IPv4' ? 'IPv6' : 'IPv4']
}
