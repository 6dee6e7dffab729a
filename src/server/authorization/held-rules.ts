import type { UserInfo } from '../../api/exchange.ts'
import type { PolicyRule } from '../../api/types/rbac-v1.ts'
import type { RoleIndex } from './role-index.ts'

export interface HeldRules {
  readonly rules: readonly PolicyRule[]
  /** Roles that bindings name and that are not there. */
  readonly errors: readonly string[]
}

/** All that a user may do by roles in a namespace, or in the whole cluster ('' for none). */
export function heldRules(index: RoleIndex, user: UserInfo, namespace: string): HeldRules {
  const rules = new Set<PolicyRule>()
  const errors = new Set<string>()
  for (const { binding } of index.grants(user, namespace)) {
    const { roleRef, metadata } = binding
    const found = index.rules(roleRef, metadata.namespace ?? '')
    if (!found) errors.add(missingRole(roleRef))
    for (const rule of found ?? []) rules.add(rule)
  }
  return { rules: [...rules], errors: [...errors] }
}

export const missingRole = ({ kind, name }: { readonly kind: string; readonly name: string }): string =>
  `${kind.toLowerCase()}.rbac.authorization.k8s.io "${name}" not found`
