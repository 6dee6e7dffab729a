import { defineKind } from '../define-kind.ts'
import type { RoleBinding } from '../types/rbac-v1.ts'
import { bindingRules } from './binding.ts'

export const roleBinding = defineKind<RoleBinding>({
  group: 'rbac.authorization.k8s.io',
  kind: 'RoleBinding',
  createsOnUpdate: true,
  ...bindingRules<RoleBinding>(true, ['Role', 'ClusterRole']),
})
