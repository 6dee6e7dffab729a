import { checkFormat, checkLabels, checkName, checkOneOf, checkPort, checkRequiredOneOf, type Found } from '../checks.ts'
import { jsonEqual } from '../json-equal.ts'
import { cidrProblems, dnsLabelProblems, dnsSubdomainProblems, ipProblems, qualifiedNameProblems } from '../names.ts'
import { duplicate, forbidden, invalid, type Problem, required } from '../problem.ts'
import type { Service, ServicePort, ServiceSpec } from '../types/core-v1.ts'
import { checkPortOrName } from './pod-rules/handler-rules.ts'

const protocols = new Set(['SCTP', 'TCP', 'UDP'])
const types = new Set(['ClusterIP', 'ExternalName', 'LoadBalancer', 'NodePort'])
const affinities = new Set(['ClientIP', 'None'])
const trafficPolicies = new Set(['Cluster', 'Local'])
const distributions = new Set(['PreferClose', 'PreferSameNode', 'PreferSameZone'])
const familyPolicies = new Set(['PreferDualStack', 'RequireDualStack', 'SingleStack'])
const families = new Set(['IPv4', 'IPv6'])
const maxAffinitySeconds = 86_400
const kubeletPort = 10_250

const isHeadless = ({ clusterIP, clusterIPs }: ServiceSpec) => clusterIP === 'None' || clusterIPs?.[0] === 'None'

export function checkService({ spec }: Service): Problem[] {
  const found: Problem[] = []
  checkType(found, spec)
  checkPorts(found, spec)
  checkLabels(found, 'spec.selector', spec.selector)
  checkAffinity(found, spec)
  checkAddresses(found, spec)
  spec.externalIPs?.forEach((address, index) => {
    checkFormat(found, `spec.externalIPs[${index}]`, address, ipProblems)
  })
  checkRequiredOneOf(found, 'spec.type', spec.type, types)
  checkPortUse(found, spec)
  checkSourceRanges(found, spec)
  checkTraffic(found, spec)
  return found
}

function checkType(found: Found, spec: ServiceSpec): void {
  if (spec.type === 'LoadBalancer') {
    spec.ports?.forEach(({ port }, index) => {
      if (port === kubeletPort)
        found.push(invalid(`spec.ports[${index}]`, port, 'may not expose port 10250 externally since it is used by kubelet'))
    })
    if (isHeadless(spec)) found.push(invalid('spec.clusterIPs[0]', 'None', "may not be set to 'None' for LoadBalancer services"))
  }
  if (spec.type === 'NodePort' && isHeadless(spec))
    found.push(invalid('spec.clusterIPs[0]', 'None', "may not be set to 'None' for NodePort services"))
  if (spec.type !== 'ExternalName') return
  for (const name of ['clusterIPs', 'ipFamilies'] as const)
    if (spec[name]?.length) found.push(forbidden(`spec.${name}`, 'may not be set for ExternalName services'))
  if (spec.ipFamilyPolicy !== undefined) found.push(forbidden('spec.ipFamilyPolicy', 'may not be set for ExternalName services'))
  const name = spec.externalName?.replace(/\.$/, '')
  checkName(found, 'spec.externalName', name, dnsSubdomainProblems)
}

function checkPorts(found: Found, spec: ServiceSpec): void {
  const ports = spec.ports ?? []
  if (ports.length === 0 && !isHeadless(spec) && spec.type !== 'ExternalName') found.push(required('spec.ports'))
  const names = new Set<string>()
  ports.forEach((port, index) => {
    const at = `spec.ports[${index}]`
    if (!port.name) {
      if (ports.length > 1) found.push(required(`${at}.name`))
    } else {
      checkFormat(found, `${at}.name`, port.name, dnsLabelProblems)
      if (names.has(port.name)) found.push(duplicate(`${at}.name`, port.name))
      names.add(port.name)
    }
    checkPort(found, `${at}.port`, port.port)
    checkRequiredOneOf(found, `${at}.protocol`, port.protocol, protocols)
    checkPortOrName(found, `${at}.targetPort`, port.targetPort)
    if (port.appProtocol) checkFormat(found, `${at}.appProtocol`, port.appProtocol, qualifiedNameProblems)
  })
}

/** No two ports alike, none of the node's without a type that opens them. */
function checkPortUse(found: Found, spec: ServiceSpec): void {
  const seen = new Set<string>()
  const onNodes = new Set<string>()
  spec.ports?.forEach((port, index) => {
    const at = `spec.ports[${index}]`
    if (port.nodePort && (spec.type === 'ClusterIP' || spec.type === 'ExternalName'))
      found.push(forbidden(`${at}.nodePort`, `may not be used when \`type\` is '${spec.type}'`))
    const key = keyOf(port, port.port)
    if (seen.has(key)) found.push(duplicate(at, { protocol: port.protocol, port: port.port }))
    seen.add(key)
    if (!port.nodePort) return
    const node = keyOf(port, port.nodePort)
    if (onNodes.has(node)) found.push(duplicate(`${at}.nodePort`, { protocol: port.protocol, nodePort: port.nodePort }))
    onNodes.add(node)
  })
}

const keyOf = ({ protocol }: ServicePort, port: number) => `${protocol}/${port}`

function checkAffinity(found: Found, { sessionAffinity, sessionAffinityConfig }: ServiceSpec): void {
  checkRequiredOneOf(found, 'spec.sessionAffinity', sessionAffinity, affinities)
  if (sessionAffinity === 'None' && sessionAffinityConfig)
    found.push(forbidden('spec.sessionAffinityConfig', 'must not be set when session affinity is None'))
  const seconds = sessionAffinityConfig?.clientIP?.timeoutSeconds
  if (sessionAffinity === 'ClientIP' && seconds !== undefined && (seconds <= 0 || seconds > maxAffinitySeconds))
    found.push(
      invalid('spec.sessionAffinityConfig.clientIP.timeoutSeconds', seconds, `must be greater than 0 and less than ${maxAffinitySeconds}`),
    )
}

function checkAddresses(found: Found, spec: ServiceSpec): void {
  const addresses = spec.clusterIPs ?? []
  if (spec.clusterIP && spec.clusterIP !== addresses[0])
    found.push(invalid('spec.clusterIPs', addresses, 'first value must match `clusterIP`'))
  if (addresses.length > 2) found.push(invalid('spec.clusterIPs', addresses, 'may only hold up to 2 values'))
  addresses.forEach((address, index) => {
    if (address === 'None' && index > 0)
      found.push(invalid(`spec.clusterIPs[${index}]`, address, "'None' must be the first and only value"))
    else if (address !== 'None') checkFormat(found, `spec.clusterIPs[${index}]`, address, ipProblems)
  })
  checkOneOf(found, 'spec.ipFamilyPolicy', spec.ipFamilyPolicy, familyPolicies)
  spec.ipFamilies?.forEach((family, index) => {
    checkOneOf(found, `spec.ipFamilies[${index}]`, family, families)
    if (spec.ipFamilies?.indexOf(family) !== index) found.push(duplicate(`spec.ipFamilies[${index}]`, family))
  })
}

function checkSourceRanges(found: Found, spec: ServiceSpec): void {
  spec.loadBalancerSourceRanges?.forEach((range, index) => {
    checkFormat(found, `spec.loadBalancerSourceRanges[${index}]`, range.trim(), cidrProblems)
  })
  for (const name of ['loadBalancerSourceRanges', 'loadBalancerClass', 'allocateLoadBalancerNodePorts'] as const)
    if (spec[name] !== undefined && spec.type !== 'LoadBalancer')
      found.push(forbidden(`spec.${name}`, "may only be used when `type` is 'LoadBalancer'"))
}

function checkTraffic(found: Found, spec: ServiceSpec): void {
  const isExternal = spec.type === 'LoadBalancer' || spec.type === 'NodePort' || (spec.type === 'ClusterIP' && spec.externalIPs?.length)
  const policy = spec.externalTrafficPolicy
  if (!isExternal) {
    if (policy !== undefined)
      found.push(invalid('spec.externalTrafficPolicy', policy, 'may only be set for externally-accessible services'))
  } else checkRequiredOneOf(found, 'spec.externalTrafficPolicy', policy, trafficPolicies)
  if (spec.healthCheckNodePort && !(spec.type === 'LoadBalancer' && policy === 'Local'))
    found.push(
      invalid(
        'spec.healthCheckNodePort',
        spec.healthCheckNodePort,
        "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'",
      ),
    )
  if (spec.type !== 'ExternalName') checkRequiredOneOf(found, 'spec.internalTrafficPolicy', spec.internalTrafficPolicy, trafficPolicies)
  checkOneOf(found, 'spec.trafficDistribution', spec.trafficDistribution, distributions)
}

/** An address stays for as long as the type has one. */
export function checkServiceUpdate({ spec }: Service, { spec: old }: Service): Problem[] {
  const found: Problem[] = []
  if (
    spec.type !== 'ExternalName' &&
    old.type !== 'ExternalName' &&
    old.clusterIPs?.[0] &&
    !jsonEqual(spec.clusterIPs?.[0], old.clusterIPs[0])
  )
    found.push(invalid('spec.clusterIPs[0]', spec.clusterIPs ?? [], 'may not change once set'))
  if (spec.type === 'LoadBalancer' && old.type === 'LoadBalancer' && spec.loadBalancerClass !== old.loadBalancerClass)
    found.push(invalid('spec.loadBalancerClass', spec.loadBalancerClass ?? null, 'may not change once set'))
  return found
}
