import type { Catalog } from '../../api/catalog.ts'
import type { UserInfo } from '../../api/exchange.ts'
import type { Kind } from '../../api/kind.ts'
import type { ResourceRef } from '../../api/resource-ref.ts'
import { clusterRoleBindings, clusterRoles, roleBindings, roles } from '../../api/resources.ts'
import type { ClusterRoleBinding, PolicyRule, RoleBinding, RoleRef, Subject } from '../../api/types/rbac-v1.ts'
import { followCache } from '../follow-cache.ts'
import { kindOf } from '../kind-of.ts'
import { objectKey } from '../registry.ts'
import type { ResourceCaches } from '../resource-caches.ts'
import type { WatchCache } from '../watch-cache.ts'

/** A binding that concerns a user, with the subject by which it does. */
export interface Grant {
  readonly binding: Binding
  readonly subject: Subject
}

/**
 * Who has which roles, kept by watching: what a user has is found by the user's name and groups, however many bindings
 * there are.
 *
 *   user ─name, groups─▶ grants of the cluster, then of the namespace ─roleRef─▶ rules
 */
export interface RoleIndex {
  /** Bindings of the whole cluster, then those of the namespace when there is one. */
  grants(user: UserInfo, namespace: string): Iterable<Grant>
  /** The rules of a role that a binding in `namespace` ('' for the cluster's) names; undefined when there is no such role. */
  rules(roleRef: RoleRef, namespace: string): readonly PolicyRule[] | undefined
}

type Binding = RoleBinding | ClusterRoleBinding

/** Grants by the name of their subject, in the order in which they came. */
type Holders = Map<string, Map<string, Grant>>

export async function loadRoleIndex({ catalog, caches }: { catalog: Catalog; caches: ResourceCaches }): Promise<RoleIndex> {
  const loaded = async (ref: ResourceRef) => {
    const kind = kindOf(catalog, ref)
    return { kind, cache: await caches.load(kind) }
  }
  const [ofCluster, ofNamespaces, clusterBindings, bindings] = await Promise.all(
    [clusterRoles, roles, clusterRoleBindings, roleBindings].map(loaded),
  )
  if (!ofCluster || !ofNamespaces || !clusterBindings || !bindings) throw new Error('There are four kinds of roles and bindings')
  const wide: Holders = new Map()
  const narrow = new Map<string, Holders>()
  followBindings(clusterBindings.cache, {
    add: (key, binding) => addGrants(wide, key, binding),
    remove: (key, binding) => removeGrants(wide, key, binding),
  })
  followBindings(bindings.cache, {
    add(key, binding) {
      const { namespace = '' } = binding.metadata
      const holders = narrow.get(namespace) ?? new Map()
      narrow.set(namespace, holders)
      addGrants(holders, key, binding)
    },
    remove(key, binding) {
      const { namespace = '' } = binding.metadata
      const holders = narrow.get(namespace)
      if (!holders) return
      removeGrants(holders, key, binding)
      if (holders.size === 0) narrow.delete(namespace)
    },
  })
  return {
    *grants(user, namespace) {
      yield* heldBy(wide, user)
      const holders = namespace === '' ? undefined : narrow.get(namespace)
      if (holders) yield* heldBy(holders, user)
    },
    rules({ kind, name }, namespace) {
      const found = kind === 'ClusterRole' ? entryOf(ofCluster, undefined, name) : entryOf(ofNamespaces, namespace, name)
      return found && ((found as { rules?: PolicyRule[] | null }).rules ?? [])
    },
  }
}

const entryOf = ({ kind, cache }: { kind: Kind; cache: WatchCache }, namespace: string | undefined, name: string) =>
  cache.get(objectKey({ kind, namespace, name }))?.object

/** A binding that changed is removed as it was and added as it is. */
function followBindings(
  cache: WatchCache,
  listener: { add(key: string, binding: Binding): void; remove(key: string, binding: Binding): void },
): void {
  const known = new Map<string, Binding>()
  const forget = (key: string) => {
    const before = known.get(key)
    if (before) listener.remove(key, before)
    known.delete(key)
  }
  const keyOf = ({ metadata }: Binding) => `${metadata.namespace ?? ''}/${metadata.name}`
  followCache<Binding>(cache, {
    set(binding) {
      const key = keyOf(binding)
      forget(key)
      known.set(key, binding)
      listener.add(key, binding)
    },
    remove: (binding) => forget(keyOf(binding)),
  })
}

function addGrants(holders: Holders, key: string, binding: Binding): void {
  for (const subject of binding.subjects ?? []) {
    const holder = holderOf(subject, binding.metadata.namespace)
    const grants = holders.get(holder) ?? new Map<string, Grant>()
    holders.set(holder, grants)
    if (!grants.has(key)) grants.set(key, { binding, subject })
  }
}

function removeGrants(holders: Holders, key: string, binding: Binding): void {
  for (const subject of binding.subjects ?? []) {
    const holder = holderOf(subject, binding.metadata.namespace)
    const grants = holders.get(holder)
    grants?.delete(key)
    if (grants?.size === 0) holders.delete(holder)
  }
}

/** Users and groups share a map; a service account is the user that its token names. */
function holderOf({ kind, name, namespace }: Subject, ofBinding: string | undefined): string {
  switch (kind) {
    case 'ServiceAccount':
      return userHolder(`system:serviceaccount:${namespace || (ofBinding ?? '')}:${name}`)
    case 'Group':
      return groupHolder(name)
    default:
      return userHolder(name)
  }
}

const userHolder = (name: string) => `user ${name}`
const groupHolder = (name: string) => `group ${name}`

function* heldBy(holders: Holders, { name, groups }: UserInfo): Generator<Grant> {
  yield* holders.get(userHolder(name))?.values() ?? []
  for (const group of groups) yield* holders.get(groupHolder(group))?.values() ?? []
}
