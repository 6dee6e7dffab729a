import { customPriority, priorityOf } from './priorities.ts'
import type { RemoteService } from './remote-services.ts'

/** A group and its versions, the preferred one first. */
export interface OrderedGroup {
  readonly name: string
  readonly versions: readonly string[]
}

type Remote = Pick<RemoteService, 'group' | 'version' | 'groupPriority' | 'versionPriority'>

/** The aggregation layer's own group comes before everything. */
const first = { group: 20_001, version: 15 }

/** Our groups and those of other servers, by their priorities; what is equal stays in the order of ours, or by name. */
export function orderGroups(own: readonly OrderedGroup[], remotes: readonly Remote[]): readonly OrderedGroup[] {
  const byGroup = Map.groupBy(remotes, ({ group }) => group)
  const ours = new Map(own.map(({ name, versions }) => [name, versions]))
  const foreign = [...byGroup.keys()].filter((name) => !ours.has(name)).sort()
  return [...ours.keys(), ...foreign]
    .map((name) => ranked(name, ours.get(name) ?? [], byGroup.get(name) ?? []))
    .sort((a, b) => b.priority - a.priority)
    .map(({ name, versions }) => ({ name, versions }))
}

function ranked(name: string, own: readonly string[], remotes: readonly Remote[]): OrderedGroup & { readonly priority: number } {
  const foreign = new Map(remotes.map(({ version, versionPriority }) => [version, versionPriority]))
  const ownPriority = (version: string) => (name === 'apiregistration.k8s.io' ? first : (priorityOf(name, version) ?? customPriority))
  const rank = (version: string) => foreign.get(version) ?? ownPriority(version).version
  const versions = [...own.filter((version) => !foreign.has(version)), ...foreign.keys()].sort((a, b) => rank(b) - rank(a))
  const priority = Math.max(...own.map((version) => ownPriority(version).group), ...remotes.map(({ groupPriority }) => groupPriority))
  return { name, versions, priority }
}
