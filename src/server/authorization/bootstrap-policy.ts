import type { KubeObject } from '../../api/object.ts'
import type { ResourceRef } from '../../api/resource-ref.ts'
import { clusterRoleBindings, clusterRoles, roleBindings, roles } from '../../api/resources.ts'
import type { ClusterRole, ClusterRoleBinding, PolicyRule, Role, RoleBinding, Subject } from '../../api/types/rbac-v1.ts'
import data from './bootstrap-policy.json' with { type: 'json' }

/** A default role or binding, and whose collection it is in. */
export type BootstrapObject =
  | { readonly type: 'role'; readonly ref: ResourceRef; readonly object: ClusterRole | Role }
  | { readonly type: 'binding'; readonly ref: ResourceRef; readonly object: ClusterRoleBinding | RoleBinding }

interface RoleRow {
  readonly aggregatedTo?: string
  readonly aggregates?: string
  readonly rules?: readonly (readonly string[])[]
}
interface BindingRow {
  /** Kind and name. */
  readonly role: string
  /** Kind and name each, of service accounts with their namespace. */
  readonly subjects: readonly string[]
}

const group = 'rbac.authorization.k8s.io'

/** Kubernetes' default roles and bindings, as scripts/import-bootstrap-policy.ts gathers them. */
export function bootstrapPolicy(): BootstrapObject[] {
  const rolesOf = (ref: ResourceRef, rows: Readonly<Record<string, RoleRow>>) =>
    Object.entries(rows).map(([key, row]): BootstrapObject => ({ type: 'role', ref, object: roleOf(ref, key, row) }))
  const bindingsOf = (ref: ResourceRef, rows: Readonly<Record<string, BindingRow>>) =>
    Object.entries(rows).map(([key, row]): BootstrapObject => ({ type: 'binding', ref, object: bindingOf(ref, key, row) }))
  return [
    ...rolesOf(clusterRoles, data.clusterRoles),
    ...rolesOf(roles, data.roles),
    ...bindingsOf(clusterRoleBindings, data.clusterRoleBindings),
    ...bindingsOf(roleBindings, data.roleBindings),
  ]
}

/** What a default role of the cluster allows. */
export const bootstrapRules = (name: keyof typeof data.clusterRoles): readonly PolicyRule[] =>
  (data.clusterRoles[name] as RoleRow).rules?.map(ruleOf) ?? []

function roleOf(ref: ResourceRef, key: string, { aggregatedTo, aggregates, rules }: RoleRow): ClusterRole {
  const labels: Record<string, string> = aggregatedTo === undefined ? {} : { [`${group}/${aggregatedTo}`]: 'true' }
  return {
    ...headOf(ref, key, labels),
    ...(aggregates !== undefined && {
      aggregationRule: { clusterRoleSelectors: [{ matchLabels: { [`${group}/${aggregates}`]: 'true' } }] },
    }),
    ...(rules && { rules: rules.map(ruleOf) }),
  }
}

function ruleOf([verbs = '', groupsOrPaths = '', resources, names]: readonly string[]): PolicyRule {
  if (resources === undefined) return { nonResourceURLs: words(groupsOrPaths), verbs: words(verbs) }
  return {
    apiGroups: words(groupsOrPaths).map((name) => (name === 'core' ? '' : name)),
    ...(names !== undefined && { resourceNames: words(names) }),
    resources: words(resources),
    verbs: words(verbs),
  }
}

function bindingOf(ref: ResourceRef, key: string, { role, subjects }: BindingRow): ClusterRoleBinding {
  const [kind = '', name = ''] = words(role)
  return {
    ...headOf(ref, key, {}),
    roleRef: { apiGroup: group, kind, name },
    ...(subjects.length > 0 && { subjects: subjects.map(subjectOf) }),
  }
}

function subjectOf(text: string): Subject {
  const [kind = '', name = ''] = words(text)
  if (kind !== 'ServiceAccount') return { apiGroup: group, kind, name }
  const [namespace = '', account = ''] = name.split('/')
  return { kind, name: account, namespace }
}

/** Names of roles have no slash: what stands before one is the namespace. */
function headOf(ref: ResourceRef, key: string, labels: Record<string, string>): KubeObject {
  const [name = '', namespace] = key.split('/').reverse()
  return {
    apiVersion: `${group}/v1`,
    kind: ref.kind,
    metadata: {
      name,
      ...(namespace !== undefined && { namespace }),
      annotations: { [autoUpdate]: 'true' },
      labels: { 'kubernetes.io/bootstrapping': 'rbac-defaults', ...labels },
    },
  }
}

/** Said to be `false`, an object stays as somebody has made it. */
export const autoUpdate = 'rbac.authorization.kubernetes.io/autoupdate'

const words = (text: string) => text.split(' ')
