import { jsonEqual } from '../json-equal.ts'
import { dnsLabelProblems } from '../names.ts'
import { parseQuantity } from '../quantity.ts'
import type { Container, NodeSelectorTerm, Pod, PodSpec, PodTemplateSpec, Volume } from '../types/core-v1.ts'
import type { ObjectMeta } from '../types/meta-v1.ts'

const renamedLabels: ReadonlyMap<string, string> = new Map([
  ['beta.kubernetes.io/arch', 'deprecated since v1.14; use "kubernetes.io/arch" instead'],
  ['beta.kubernetes.io/os', 'deprecated since v1.14; use "kubernetes.io/os" instead'],
  ['failure-domain.beta.kubernetes.io/region', 'deprecated since v1.17; use "topology.kubernetes.io/region" instead'],
  ['failure-domain.beta.kubernetes.io/zone', 'deprecated since v1.17; use "topology.kubernetes.io/zone" instead'],
  ['beta.kubernetes.io/instance-type', 'deprecated since v1.17; use "node.kubernetes.io/instance-type" instead'],
])

/** Sources of volumes whose drivers are gone. */
export const goneSources = {
  gitRepo: 'deprecated in v1.11, and disabled by default in v1.33+',
  scaleIO: 'deprecated in v1.16, non-functional in v1.22+',
  flocker: 'deprecated in v1.22, non-functional in v1.25+',
  storageos: 'deprecated in v1.22, non-functional in v1.25+',
  quobyte: 'deprecated in v1.22, non-functional in v1.25+',
  glusterfs: 'deprecated in v1.25, non-functional in v1.26+',
  cephfs: 'deprecated in v1.28, non-functional in v1.31+',
  rbd: 'deprecated in v1.28, non-functional in v1.31+',
} as const satisfies Partial<Record<keyof Volume, string>>

/** What upstream warns of when a pod is made; updates come from programs, which nobody warns. */
export function podWarnings({ metadata, spec }: Pod, old: Pod | undefined): string[] {
  if (old) return []
  const problems = dnsLabelProblems(metadata.name)
  return [
    ...(problems.length > 0
      ? [
          `metadata.name: this is used in the Pod's hostname, which can result in surprising behavior; a DNS label is recommended: [${problems.join(' ')}]`,
        ]
      : []),
    ...specWarnings('', metadata, spec),
  ]
}

/** The same for a template, when it is new or was changed. */
export function templateWarnings(field: string, template: PodTemplateSpec | undefined, old: PodTemplateSpec | undefined): string[] {
  if (!template?.spec || (old && jsonEqual(template, old))) return []
  return specWarnings(`${field}.`, template.metadata ?? {}, template.spec)
}

function specWarnings(at: string, { annotations = {} }: Partial<ObjectMeta>, spec: PodSpec): string[] {
  const { nodeSelector = {}, affinity, topologySpreadConstraints = [], volumes = [], terminationGracePeriodSeconds = 0 } = spec
  const nodes = affinity?.nodeAffinity
  const found: string[] = []
  for (const key of Object.keys(nodeSelector))
    if (renamedLabels.has(key)) found.push(`${at}spec.nodeSelector[${key}]: ${renamedLabels.get(key)}`)
  const affinityAt = `${at}spec.affinity.nodeAffinity`
  nodes?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms.forEach((term, index) => {
    found.push(...termWarnings(`${affinityAt}.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[${index}]`, term))
  })
  nodes?.preferredDuringSchedulingIgnoredDuringExecution?.forEach(({ preference }, index) => {
    found.push(...termWarnings(`${affinityAt}.preferredDuringSchedulingIgnoredDuringExecution[${index}].preference`, preference))
  })
  topologySpreadConstraints.forEach(({ topologyKey }, index) => {
    if (renamedLabels.has(topologyKey))
      found.push(`${at}spec.topologySpreadConstraints[${index}].topologyKey: ${topologyKey} is ${renamedLabels.get(topologyKey)}`)
  })
  found.push(...annotationWarnings(at, annotations, spec))
  volumes.forEach((volume, index) => {
    for (const [source, why] of Object.entries(goneSources))
      if (volume[source as keyof Volume] !== undefined) found.push(`${at}spec.volumes[${index}].${source}: ${why}`)
  })
  if (terminationGracePeriodSeconds < 0)
    found.push(`${at}spec.terminationGracePeriodSeconds: must be >= 0; negative values are invalid and will be treated as 1`)
  spec.initContainers?.forEach((container, index) => {
    found.push(...containerWarnings(`${at}spec.initContainers[${index}]`, container))
  })
  spec.containers?.forEach((container, index) => {
    found.push(...containerWarnings(`${at}spec.containers[${index}]`, container))
  })
  return found
}

const termWarnings = (field: string, { matchExpressions = [] }: NodeSelectorTerm): string[] =>
  matchExpressions.flatMap(({ key }, index) =>
    renamedLabels.has(key) ? [`${field}.matchExpressions[${index}].key: ${key} is ${renamedLabels.get(key)}`] : [],
  )

const podSeccomp = 'seccomp.security.alpha.kubernetes.io/pod'
const containerSeccomp = 'container.seccomp.security.alpha.kubernetes.io/'
const appArmor = 'container.apparmor.security.beta.kubernetes.io/'

function annotationWarnings(at: string, annotations: Readonly<Record<string, string>>, spec: PodSpec): string[] {
  const hasOwnProfile = (name: string) =>
    spec.securityContext?.appArmorProfile !== undefined ||
    [...(spec.containers ?? []), ...(spec.initContainers ?? [])].find((container) => container.name === name)?.securityContext
      ?.appArmorProfile !== undefined
  return Object.keys(annotations).flatMap((name) => {
    if (name === podSeccomp || name.startsWith(containerSeccomp))
      return [`${at}metadata.annotations[${name}]: non-functional in v1.27+; use the "seccompProfile" field instead`]
    return name.startsWith(appArmor) && !hasOwnProfile(name.slice(appArmor.length))
      ? [`${at}metadata.annotations[${name}]: deprecated since v1.30; use the "appArmorProfile" field instead`]
      : []
  })
}

function containerWarnings(field: string, { env = [], ports = [], resources }: Container): string[] {
  const found: string[] = []
  for (const list of ['limits', 'requests'] as const)
    for (const name of ['memory', 'ephemeral-storage']) {
      const amount = resources?.[list]?.[name]
      if (amount !== undefined && isFractional(amount))
        found.push(`${field}.resources.${list}[${name}]: fractional byte value ${JSON.stringify(amount)} is invalid, must be an integer`)
    }
  const names = new Set<string>()
  env.forEach(({ name }, index) => {
    if (names.has(name))
      found.push(`${field}.env[${index}]: hides previous definition of ${JSON.stringify(name)}, which may be dropped when using apply`)
    names.add(name)
  })
  const places = new Map<string, number>()
  ports.forEach(({ containerPort, hostPort = 0, hostIP = '', protocol = '' }, index) => {
    const key = [containerPort, hostPort, hostIP, protocol].join('/')
    const first = places.get(key)
    if (first === undefined) places.set(key, index)
    else found.push(`${field}.ports[${index}]: duplicate port definition with ${field}.ports[${first}]`)
  })
  return found
}

/** Bytes come whole. */
export function isFractional(amount: string): boolean {
  if (/^\d+(Ki|Mi|Gi|Ti|k|M|G|T)?$/.test(amount)) return false
  const quantity = parseQuantity(amount)
  return quantity !== undefined && quantity.nanos % 1_000_000_000n !== 0n
}
