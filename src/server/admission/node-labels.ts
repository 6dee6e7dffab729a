/** Labels outside of these groups' own lists that a kubelet says of its node. */
const kubeletLabels: ReadonlySet<string> = new Set([
  'kubernetes.io/hostname',
  'kubernetes.io/os',
  'kubernetes.io/arch',
  'beta.kubernetes.io/os',
  'beta.kubernetes.io/arch',
  'beta.kubernetes.io/instance-type',
  'node.kubernetes.io/instance-type',
  'failure-domain.beta.kubernetes.io/zone',
  'failure-domain.beta.kubernetes.io/region',
  'topology.kubernetes.io/zone',
  'topology.kubernetes.io/region',
])

type Labels = Readonly<Record<string, string>> | undefined

/** Of the labels that differ, those that a node must not say of itself: others rely on them to keep workloads apart. In order. */
export function forbiddenNodeLabels(labels: Labels, before: Labels): string[] {
  const names = new Set([...Object.keys(labels ?? {}), ...Object.keys(before ?? {})])
  return [...names].filter((name) => labels?.[name] !== before?.[name] && isForbidden(name)).sort()
}

function isForbidden(label: string): boolean {
  const slash = label.indexOf('/')
  const domain = slash < 0 ? '' : label.slice(0, slash)
  const isWithin = (parent: string) => domain === parent || domain.endsWith(`.${parent}`)
  if (isWithin('node-restriction.kubernetes.io')) return true
  const isReserved = isWithin('kubernetes.io') || isWithin('k8s.io')
  return isReserved && !kubeletLabels.has(label) && !isWithin('kubelet.kubernetes.io') && !isWithin('node.kubernetes.io')
}
