import { checkFormat, type Found } from '../checks.ts'
import { qualifiedNameProblems } from '../names.ts'
import { invalid } from '../problem.ts'

const pods = ['pods']
const podCompute = ['cpu', 'memory', 'limits.cpu', 'limits.memory', 'requests.cpu', 'requests.memory']
const claims = ['persistentvolumeclaims', 'requests.storage']
/** Counts of objects. */
const counted = [
  'configmaps',
  'persistentvolumeclaims',
  'pods',
  'replicationcontrollers',
  'resourcequotas',
  'secrets',
  'services',
  'services.loadbalancers',
  'services.nodeports',
]
const standard = new Set([
  ...counted,
  ...podCompute,
  'ephemeral-storage',
  'limits.ephemeral-storage',
  'requests.ephemeral-storage',
  'requests.storage',
])
const whole = new Set(counted)

/** Resources that a scope can narrow down. */
const scopeResources: Readonly<Record<string, ReadonlySet<string>>> = {
  BestEffort: new Set(pods),
  NotBestEffort: new Set([...pods, ...podCompute]),
  Terminating: new Set([...pods, ...podCompute]),
  NotTerminating: new Set([...pods, ...podCompute]),
  PriorityClass: new Set([...pods, ...podCompute]),
  CrossNamespacePodAffinity: new Set([...pods, ...podCompute]),
  VolumeAttributesClass: new Set(claims),
}

export const quotaScopes = new Set(Object.keys(scopeResources))

const isHugePages = (name: string) => name.startsWith('hugepages-') || name.startsWith('requests.hugepages-')
const isStandard = (name: string) => standard.has(name) || isHugePages(name)

/** Whether a quota of the scope can count a resource; those of somebody's own are let through. */
export const isInScope = (scope: string, resource: string): boolean =>
  !isStandard(resource) || !quotaScopes.has(scope) || scopeResources[scope]?.has(resource) === true

/** A resource that a quota limits: one of the server's own, or one with a domain. */
export function checkQuotaResource(found: Found, field: string, name: string, amount: string): void {
  checkFormat(found, field, name, qualifiedNameProblems)
  if (!name.includes('/') && !isStandard(name)) found.push(invalid(field, name, 'must be a standard resource for quotas'))
  if (amount.startsWith('-')) found.push(invalid(field, amount, 'must be greater than or equal to 0'))
  if (whole.has(name) && !/^-?\d+(?:[kMGTPE]|[KMGTPE]i)?$/.test(amount)) found.push(invalid(field, amount, 'must be an integer'))
}
