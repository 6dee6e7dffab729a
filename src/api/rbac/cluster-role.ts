import { checkLabelSelector } from '../checks.ts'
import { defineKind } from '../define-kind.ts'
import { type Problem, required } from '../problem.ts'
import { createdColumn, nameColumn } from '../table-columns.ts'
import type { ClusterRole } from '../types/rbac-v1.ts'
import { checkRules } from './policy-rules.ts'

export const clusterRole = defineKind<ClusterRole>({
  group: 'rbac.authorization.k8s.io',
  kind: 'ClusterRole',
  createsOnUpdate: true,
  validate({ rules, aggregationRule }) {
    const found: Problem[] = []
    checkRules(found, rules, false)
    if (!aggregationRule) return found
    const selectors = aggregationRule.clusterRoleSelectors ?? []
    if (selectors.length === 0)
      found.push(
        required('aggregationRule.clusterRoleSelectors', 'at least one clusterRoleSelector required if aggregationRule is non-nil'),
      )
    selectors.forEach((selector, index) => {
      checkLabelSelector(found, `aggregationRule.clusterRoleSelectors[${index}]`, selector)
    })
    return found
  },
  columns: [nameColumn, createdColumn],
})
