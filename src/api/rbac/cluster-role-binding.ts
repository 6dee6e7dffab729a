import { defineKind } from '../define-kind.ts'
import type { ClusterRoleBinding } from '../types/rbac-v1.ts'
import { bindingRules } from './binding.ts'

export const clusterRoleBinding = defineKind<ClusterRoleBinding>({
  group: 'rbac.authorization.k8s.io',
  kind: 'ClusterRoleBinding',
  createsOnUpdate: true,
  ...bindingRules<ClusterRoleBinding>(false, ['ClusterRole']),
})
