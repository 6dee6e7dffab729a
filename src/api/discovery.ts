import type { Catalog } from './catalog.ts'
import type { Kind, Subresource } from './kind.ts'
import { apiVersionOf } from './resource-ref.ts'

/** The order in which upstream's server lists its groups; others follow by name. */
const groupOrder = [
  '',
  'apiregistration.k8s.io',
  'apps',
  'events.k8s.io',
  'authentication.k8s.io',
  'authorization.k8s.io',
  'autoscaling',
  'batch',
  'certificates.k8s.io',
  'networking.k8s.io',
  'policy',
  'rbac.authorization.k8s.io',
  'storage.k8s.io',
  'admissionregistration.k8s.io',
  'apiextensions.k8s.io',
  'scheduling.k8s.io',
  'coordination.k8s.io',
  'node.k8s.io',
  'discovery.k8s.io',
  'resource.k8s.io',
  'flowcontrol.apiserver.k8s.io',
]

/** What discovery says for a subresource that is a connection: the methods it may be opened with. */
const connectVerbs: Readonly<Record<string, readonly string[]>> = {
  attach: ['create', 'get'],
  exec: ['create', 'get'],
  portforward: ['create', 'get'],
  proxy: ['create', 'delete', 'get', 'patch', 'update'],
}

/** `/api`: the versions of the group without a name. `address` is `host:port`, where clients reach the server. */
export const apiVersions = (address: string) => ({
  kind: 'APIVersions',
  versions: ['v1'],
  serverAddressByClientCIDRs: [{ clientCIDR: '0.0.0.0/0', serverAddress: address }],
})

/** `/apis`: every named group with its versions, the preferred one first. */
export const apiGroupList = (catalog: Catalog) => ({
  kind: 'APIGroupList',
  apiVersion: 'v1',
  groups: groupsOf(catalog)
    .filter(({ group }) => group !== '')
    .map(groupEntry),
})

/** `/apis/GROUP`; undefined where there is no such group. */
export function apiGroup(catalog: Catalog, name: string) {
  const found = groupsOf(catalog).find(({ group }) => group === name)
  return found && name !== '' ? { kind: 'APIGroup', apiVersion: 'v1', ...groupEntry(found) } : undefined
}

/** `/api/v1`, `/apis/GROUP/VERSION`; undefined where nothing is served. */
export function apiResourceList(catalog: Catalog, group: string, version: string) {
  const kinds = catalog.kinds.filter((kind) => kind.group === group && kind.version === version)
  if (kinds.length === 0) return undefined
  return {
    kind: 'APIResourceList',
    ...(group !== '' && { apiVersion: 'v1' }),
    groupVersion: apiVersionOf({ group, version }),
    resources: kinds.flatMap((kind) => [
      resourceEntry(kind),
      ...[...kind.subresources.values()].map((below) => subresourceEntry(kind, below)),
    ]),
  }
}

/** Aggregated discovery (`apidiscovery.k8s.io/v2`), of `/api` (`core`) or of `/apis`. */
export const aggregatedDiscovery = (catalog: Catalog, root: 'core' | 'named') => ({
  kind: 'APIGroupDiscoveryList',
  apiVersion: 'apidiscovery.k8s.io/v2',
  metadata: {},
  items: groupsOf(catalog)
    .filter(({ group }) => (root === 'core') === (group === ''))
    .map(({ group, versions }) => ({
      metadata: { name: group, creationTimestamp: null },
      versions: [...versions].map(([version, kinds]) => ({
        version,
        resources: kinds.map(aggregatedResource),
        freshness: 'Current',
      })),
    })),
})

interface Group {
  readonly group: string
  /** The preferred version first. */
  readonly versions: ReadonlyMap<string, readonly Kind[]>
}

function groupsOf(catalog: Catalog): readonly Group[] {
  const rank = (group: string) => {
    const at = groupOrder.indexOf(group)
    return at < 0 ? groupOrder.length : at
  }
  return [...Map.groupBy(catalog.kinds, ({ group }) => group)]
    .sort(([a], [b]) => rank(a) - rank(b) || (a < b ? -1 : 1))
    .map(([group, kinds]) => {
      const versions = [...Map.groupBy(kinds, ({ version }) => version)].sort(([a], [b]) => compareVersions(a, b))
      return { group, versions: new Map(versions) }
    })
}

/** Kubernetes' version priority: stable before beta before alpha, higher numbers first, anything else last by name. */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [versionRank(a), versionRank(b)]
  if (!left || !right) return left ? -1 : right ? 1 : a < b ? -1 : Number(a > b)
  return right.stage - left.stage || right.major - left.major || right.minor - left.minor
}

function versionRank(version: string) {
  const match = /^v(\d+)(?:(alpha|beta)(\d+))?$/.exec(version)
  if (!match) return undefined
  return { stage: match[2] === undefined ? 2 : match[2] === 'beta' ? 1 : 0, major: Number(match[1]), minor: Number(match[3] ?? 0) }
}

function groupEntry({ group, versions }: Group) {
  const entries = [...versions.keys()].map((version) => ({ groupVersion: apiVersionOf({ group, version }), version }))
  return { name: group, versions: entries, preferredVersion: entries[0] }
}

function resourceEntry(kind: Kind) {
  return {
    name: kind.plural,
    singularName: kind.singular,
    namespaced: kind.namespaced,
    kind: kind.kind,
    verbs: kind.verbs,
    ...(kind.shortNames.length > 0 && { shortNames: kind.shortNames }),
    ...(kind.categories.length > 0 && { categories: kind.categories }),
  }
}

function subresourceEntry(kind: Kind, below: Subresource) {
  const foreign = below.kind.group !== kind.group || below.kind.version !== kind.version
  return {
    name: `${kind.plural}/${below.name}`,
    singularName: '',
    namespaced: kind.namespaced,
    ...(foreign && { group: below.kind.group, version: below.kind.version }),
    kind: below.kind.kind,
    verbs: verbsOf(below),
  }
}

function aggregatedResource(kind: Kind) {
  const { group, version } = kind
  const subresources = [...kind.subresources.values()].map((below) => ({
    subresource: below.name,
    responseKind: below.kind,
    verbs: verbsOf(below),
  }))
  return {
    resource: kind.plural,
    responseKind: { group, version, kind: kind.kind },
    scope: kind.namespaced ? 'Namespaced' : 'Cluster',
    singularResource: kind.singular,
    verbs: kind.verbs,
    ...(kind.shortNames.length > 0 && { shortNames: kind.shortNames }),
    ...(kind.categories.length > 0 && { categories: kind.categories }),
    ...(subresources.length > 0 && { subresources }),
  }
}

const verbsOf = ({ name, verbs }: Subresource) => (verbs.includes('connect') ? (connectVerbs[name] ?? ['get']) : verbs)
