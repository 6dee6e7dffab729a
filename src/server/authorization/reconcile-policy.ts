import { jsonEqual } from '../../api/json-equal.ts'
import type { KubeObject } from '../../api/object.ts'
import type { ClusterRole, ClusterRoleBinding, Subject } from '../../api/types/rbac-v1.ts'
import { autoUpdate, type BootstrapObject } from './bootstrap-policy.ts'
import { missingRules } from './rules-cover.ts'

/** What is to be done with a default role or binding of which `existing` is what there is. */
export type Reconciliation =
  | { readonly type: 'keep' }
  | { readonly type: 'create'; readonly object: KubeObject }
  | { readonly type: 'update'; readonly object: KubeObject }
  /** The role that a binding names cannot be changed. */
  | { readonly type: 'recreate'; readonly object: KubeObject }

/** Adds what an object lacks and takes nothing away, as upstream at each start; what must not be updated stays as it is. */
export function reconciliationOf(wanted: BootstrapObject, existing: KubeObject | undefined): Reconciliation {
  if (!existing) return { type: 'create', object: wanted.object }
  if (existing.metadata.annotations?.[autoUpdate] === 'false') return { type: 'keep' }
  const object = withLabels(wanted.object, existing)
  switch (wanted.type) {
    case 'role':
      return changed(withRules(wanted.object, object as ClusterRole), existing)
    case 'binding': {
      const { roleRef, subjects } = existing as ClusterRoleBinding
      if (!jsonEqual(roleRef, wanted.object.roleRef)) return { type: 'recreate', object: wanted.object }
      const lacking = (wanted.object.subjects ?? []).filter((subject) => !(subjects ?? []).some((each) => isSame(each, subject)))
      return changed(lacking.length === 0 ? object : { ...object, subjects: [...(subjects ?? []), ...lacking] }, existing)
    }
  }
}

const changed = (object: KubeObject & Partial<ClusterRoleBinding>, existing: KubeObject): Reconciliation =>
  jsonEqual(object, existing) ? { type: 'keep' } : { type: 'update', object }

function withLabels(wanted: KubeObject, existing: KubeObject): KubeObject {
  const { labels, annotations } = existing.metadata
  return {
    ...existing,
    metadata: {
      ...existing.metadata,
      labels: { ...wanted.metadata.labels, ...labels },
      annotations: { ...wanted.metadata.annotations, ...annotations },
    },
  }
}

function withRules(wanted: ClusterRole, existing: ClusterRole): ClusterRole {
  const rules = existing.rules ?? []
  const lacking = missingRules(rules, wanted.rules ?? [])
  const selectors = existing.aggregationRule?.clusterRoleSelectors ?? []
  const unselected = (wanted.aggregationRule?.clusterRoleSelectors ?? []).filter(
    (selector) => !selectors.some((each) => jsonEqual(each, selector)),
  )
  return {
    ...existing,
    ...(lacking.length > 0 && { rules: [...rules, ...lacking] }),
    ...(unselected.length > 0 && { aggregationRule: { clusterRoleSelectors: [...selectors, ...unselected] } }),
  }
}

const isSame = (left: Subject, right: Subject) =>
  left.kind === right.kind && left.name === right.name && (left.namespace ?? '') === (right.namespace ?? '')
