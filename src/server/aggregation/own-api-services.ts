import { jsonEqual } from '../../api/json-equal.ts'
import type { Kind } from '../../api/kind.ts'
import type { APIService, APIServiceSpec } from '../../api/types/apiregistration-v1.ts'
import { customPriority, priorityOf } from './priorities.ts'

/** By which upstream knows the registrations that it keeps itself: those of built-in groups, and those of custom resources. */
export const managedLabel = 'kube-aggregator.kubernetes.io/automanaged'
const managedOnStart = 'onstart'
const managedAlways = 'true'

/** The aggregation layer's own group is in no registration: it is always there. */
const ownGroup = 'apiregistration.k8s.io'

export interface OwnServicesPlan {
  readonly create: readonly APIService[]
  readonly update: readonly APIService[]
  readonly remove: readonly APIService[]
}

/** What must change so that every group version that this server answers is registered, and none that it answered before. */
export function planOwnServices(kinds: readonly Kind[], existing: readonly APIService[]): OwnServicesPlan {
  const known = new Map(existing.map((service) => [service.metadata.name, service]))
  const wanted = new Map(kinds.filter(({ group }) => group !== ownGroup).map((kind) => [`${kind.version}.${kind.group}`, kind]))
  const create: APIService[] = []
  const update: APIService[] = []
  for (const [name, { group, version }] of wanted) {
    const builtin = priorityOf(group, version)
    const priority = builtin ?? customPriority
    const spec: APIServiceSpec = {
      ...(group !== '' && { group }),
      version,
      groupPriorityMinimum: priority.group,
      versionPriority: priority.version,
    }
    const labels = { [managedLabel]: builtin ? managedOnStart : managedAlways }
    const before = known.get(name)
    const metadata = { name, labels }
    if (!before) create.push({ apiVersion: 'apiregistration.k8s.io/v1', kind: 'APIService', metadata, spec })
    // What somebody registered by hand (another server for a group of ours) is theirs.
    else if (isManaged(before) && !jsonEqual(before.spec, spec)) update.push({ ...before, spec })
  }
  const remove = existing.filter((service) => isManaged(service) && !wanted.has(service.metadata.name))
  return { create, update, remove }
}

const isManaged = ({ metadata }: APIService) => [managedOnStart, managedAlways].includes(metadata.labels?.[managedLabel] ?? '')
