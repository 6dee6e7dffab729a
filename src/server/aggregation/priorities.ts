/** Upstream's `groupPriorityMinimum` and `versionPriority` of a group version, by which discovery is ordered. */
export interface Priority {
  readonly group: number
  readonly version: number
}

const groups: ReadonlyMap<string, number> = new Map([
  ['', 18_000],
  ['apps', 17_800],
  ['events.k8s.io', 17_750],
  ['authentication.k8s.io', 17_700],
  ['authorization.k8s.io', 17_600],
  ['autoscaling', 17_500],
  ['batch', 17_400],
  ['certificates.k8s.io', 17_300],
  ['networking.k8s.io', 17_200],
  ['policy', 17_100],
  ['rbac.authorization.k8s.io', 17_000],
  ['storage.k8s.io', 16_800],
  ['apiextensions.k8s.io', 16_700],
  ['admissionregistration.k8s.io', 16_700],
  ['scheduling.k8s.io', 16_600],
  ['coordination.k8s.io', 16_500],
  ['node.k8s.io', 16_300],
  ['discovery.k8s.io', 16_200],
  ['flowcontrol.apiserver.k8s.io', 16_100],
  ['internal.apiserver.k8s.io', 16_000],
  ['resource.k8s.io', 15_900],
  ['storagemigration.k8s.io', 15_800],
  // Upstream's is another server's, and so registered by that.
  ['metrics.k8s.io', 100],
])

/** Versions whose place is another than that of their like. */
const versions: ReadonlyMap<string, number> = new Map([
  ['/v1', 1],
  ['autoscaling/v2', 30],
  ['events.k8s.io/v1beta1', 5],
  ['admissionregistration.k8s.io/v1beta1', 12],
  ['admissionregistration.k8s.io/v1alpha1', 9],
  ['coordination.k8s.io/v1beta1', 13],
  ['coordination.k8s.io/v1alpha2', 12],
  ['discovery.k8s.io/v1beta1', 12],
  ['flowcontrol.apiserver.k8s.io/v1', 21],
  ['internal.apiserver.k8s.io/v1alpha1', 9],
  ['metrics.k8s.io/v1beta1', 100],
  ['resource.k8s.io/v1alpha3', 9],
])

/** What custom resources have: behind everything that is built in. */
export const customPriority: Priority = { group: 1000, version: 100 }

/** Of a built-in group version; undefined for others, which are custom resources'. */
export function priorityOf(group: string, version: string): Priority | undefined {
  const own = groups.get(group)
  if (own === undefined) return undefined
  return { group: own, version: versions.get(`${group}/${version}`) ?? (version.includes('alpha') ? 1 : version.includes('beta') ? 9 : 15) }
}
