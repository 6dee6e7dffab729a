import { checkFormat, checkLabels, checkRange, checkRequiredOneOf, type Found } from '../../checks.ts'
import { dnsLabelProblems, dnsSubdomainProblems, ipProblems, qualifiedNameProblems } from '../../names.ts'
import { duplicate, invalid, required } from '../../problem.ts'
import { addQuantities, formatQuantity, parseQuantity, type Quantity } from '../../quantity.ts'
import type { PodSpec } from '../../types/core-v1.ts'
import { checkContainers, checkEphemeralContainers, checkInitContainers } from './container-rules.ts'
import { checkAmount, checkPodResources, compareAmounts } from './resource-rules.ts'
import { checkAffinity, checkSpreading, checkTolerations } from './scheduling-rules.ts'
import { checkHostUsers, checkPodSecurity } from './security-rules.ts'
import { checkVolumes } from './volume-rules.ts'

const restartPolicies = ['Always', 'OnFailure', 'Never']
const dnsPolicies = ['ClusterFirstWithHostNet', 'ClusterFirst', 'Default', 'None']
const preemptionPolicies = new Set(['Never', 'PreemptLowerPriority'])
const systems = new Set(['linux', 'windows'])
const maxSeconds = 2_147_483_647

/** What is wrong with a pod's spec: of a pod, or (`isPod` false) of a template. */
export function checkPodSpec(found: Found, field: string, spec: PodSpec, isPod: boolean): void {
  if (spec.terminationGracePeriodSeconds === undefined) found.push(required(`${field}.terminationGracePeriodSeconds`))
  const volumes = checkVolumes(found, `${field}.volumes`, spec.volumes)
  const around = { spec, volumes, claims: checkClaims(found, `${field}.resourceClaims`, spec.resourceClaims) }
  checkContainers(found, `${field}.containers`, around)
  checkInitContainers(found, `${field}.initContainers`, around)
  checkEphemeralContainers(found, `${field}.ephemeralContainers`, around)
  checkPodResources(found, `${field}.resources`, spec.resources)
  checkPodAgainstContainers(found, `${field}.resources`, spec)
  checkHostNetwork(found, `${field}.containers`, spec, isPod)
  checkRequiredOneOf(found, `${field}.restartPolicy`, spec.restartPolicy, restartPolicies)
  checkRequiredOneOf(found, `${field}.dnsPolicy`, spec.dnsPolicy, dnsPolicies)
  checkLabels(found, `${field}.nodeSelector`, spec.nodeSelector)
  checkPodSecurity(found, field, spec)
  checkAffinity(found, `${field}.affinity`, spec.affinity)
  checkDns(found, `${field}.dnsConfig`, spec)
  spec.readinessGates?.forEach(({ conditionType }, index) => {
    checkFormat(found, `${field}.readinessGates[${index}].conditionType`, conditionType ?? '', qualifiedNameProblems)
  })
  checkSchedulingGates(found, `${field}.schedulingGates`, spec.schedulingGates)
  checkSpreading(found, `${field}.topologySpreadConstraints`, spec.topologySpreadConstraints)
  checkHostUsers(found, field, spec)
  for (const name of ['serviceAccountName', 'nodeName', 'priorityClassName', 'runtimeClassName'] as const)
    if (spec[name]) checkFormat(found, `${field}.${name}`, spec[name], dnsSubdomainProblems)
  checkRange(found, `${field}.activeDeadlineSeconds`, spec.activeDeadlineSeconds, 1, maxSeconds)
  for (const name of ['hostname', 'subdomain'] as const)
    if (spec[name]) checkFormat(found, `${field}.${name}`, spec[name], dnsLabelProblems)
  checkTolerations(found, `${field}.tolerations`, spec.tolerations)
  spec.hostAliases?.forEach(({ ip, hostnames }, index) => {
    checkFormat(found, `${field}.hostAliases[${index}].ip`, ip ?? '', ipProblems)
    hostnames?.forEach((name, place) => {
      checkFormat(found, `${field}.hostAliases[${index}].hostnames[${place}]`, name, dnsSubdomainProblems)
    })
  })
  if (spec.preemptionPolicy !== undefined) checkRequiredOneOf(found, `${field}.preemptionPolicy`, spec.preemptionPolicy, preemptionPolicies)
  for (const [name, amount] of Object.entries(spec.overhead ?? {})) checkAmount(found, `${field}.overhead[${name}]`, name, amount)
  if (spec.os) checkRequiredOneOf(found, `${field}.os.name`, spec.os.name, systems)
}

function checkClaims(found: Found, field: string, claims: PodSpec['resourceClaims']): ReadonlySet<string> {
  const names = new Set<string>()
  claims?.forEach((claim, index) => {
    const at = `${field}[${index}]`
    if (!claim.name) found.push(required(`${at}.name`))
    else if (names.has(claim.name)) found.push(duplicate(`${at}.name`, claim.name))
    else checkFormat(found, `${at}.name`, claim.name, dnsLabelProblems)
    names.add(claim.name)
    const sources = [claim.resourceClaimName, claim.resourceClaimTemplateName].filter((name) => name !== undefined)
    if (sources.length > 1)
      found.push(invalid(at, claim, 'at most one of `resourceClaimName` or `resourceClaimTemplateName` may be specified'))
    if (sources.length === 0) found.push(invalid(at, claim, 'must specify one of: `resourceClaimName`, `resourceClaimTemplateName`'))
  })
  return names
}

/** What the pod asks for as a whole covers what its containers ask for together. */
function checkPodAgainstContainers(found: Found, field: string, { resources, containers = [] }: PodSpec): void {
  if (!resources) return
  const sums = new Map<string, Quantity>()
  for (const container of containers)
    for (const [name, amount] of Object.entries(container.resources?.requests ?? {})) {
      const quantity = parseQuantity(amount)
      const before = sums.get(name)
      if (quantity) sums.set(name, before ? addQuantities(before, quantity) : quantity)
    }
  for (const [name, sum] of sums) {
    const asked = resources.requests?.[name]
    const total = formatQuantity(sum)
    // What the pod itself does not speak of is left to its containers.
    if (asked !== undefined && compareAmounts(total, asked) > 0)
      found.push(invalid(`${field}.requests[${name}]`, asked, `must be greater than or equal to aggregate container requests of ${total}`))
  }
  containers.forEach((container, index) => {
    for (const [name, limit] of Object.entries(container.resources?.limits ?? {})) {
      const most = resources.limits?.[name]
      if (most !== undefined && compareAmounts(limit, most) > 0)
        found.push(invalid(`${field}.containers[${index}][${name}].limits`, limit, `must be less than or equal to pod limits of ${most}`))
    }
  })
}

function checkHostNetwork(found: Found, field: string, { hostNetwork, containers = [] }: PodSpec, isPod: boolean): void {
  if (!hostNetwork) return
  containers.forEach(({ ports }, index) => {
    ports?.forEach(({ hostPort = 0, containerPort }, place) => {
      if ((isPod || hostPort !== 0) && hostPort !== containerPort)
        found.push(
          invalid(`${field}[${index}].ports[${place}].hostPort`, hostPort, 'must match `containerPort` when `hostNetwork` is true'),
        )
    })
  })
}

const maxNameservers = 3
const maxSearches = 32
const maxSearchCharacters = 2048

function checkDns(found: Found, field: string, { dnsPolicy, dnsConfig }: PodSpec): void {
  const { nameservers = [], searches = [], options = [] } = dnsConfig ?? {}
  if (dnsPolicy === 'None' && !dnsConfig) {
    found.push(required(field, 'must provide `dnsConfig` when `dnsPolicy` is None'))
    return
  }
  if (dnsPolicy === 'None' && nameservers.length === 0) {
    found.push(required(`${field}.nameservers`, 'must provide at least one DNS nameserver when `dnsPolicy` is None'))
    return
  }
  if (nameservers.length > maxNameservers)
    found.push(invalid(`${field}.nameservers`, nameservers, `must not have more than ${maxNameservers} nameservers`))
  nameservers.forEach((address, index) => {
    checkFormat(found, `${field}.nameservers[${index}]`, address, ipProblems)
  })
  if (searches.length > maxSearches)
    found.push(invalid(`${field}.searches`, searches, `must not have more than ${maxSearches} search paths`))
  if (searches.join(' ').length > maxSearchCharacters)
    found.push(
      invalid(
        `${field}.searches`,
        searches,
        `must not have more than ${maxSearchCharacters} characters (including spaces) in the search list`,
      ),
    )
  searches.forEach((search, index) => {
    if (search === '.') return
    // Underscores are let through, as resolvers do.
    const name = search.replace(/\.$/, '').replaceAll('_', 'x')
    for (const sentence of dnsSubdomainProblems(name)) found.push(invalid(`${field}.searches[${index}]`, search, sentence))
  })
  options.forEach(({ name }, index) => {
    if (!name) found.push(required(`${field}.options[${index}]`, 'must not be empty'))
  })
}

function checkSchedulingGates(found: Found, field: string, gates: PodSpec['schedulingGates']): void {
  const seen = new Set<string>()
  gates?.forEach(({ name }, index) => {
    checkFormat(found, `${field}[${index}]`, name ?? '', qualifiedNameProblems)
    if (seen.has(name)) found.push(duplicate(`${field}[${index}]`, name))
    seen.add(name)
  })
}
