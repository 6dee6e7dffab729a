import { defineKind } from '../define-kind.ts'
import type { Problem } from '../problem.ts'
import { createdColumn, nameColumn } from '../table-columns.ts'
import type { Role } from '../types/rbac-v1.ts'
import { checkRules } from './policy-rules.ts'

export const role = defineKind<Role>({
  group: 'rbac.authorization.k8s.io',
  kind: 'Role',
  createsOnUpdate: true,
  validate({ rules }) {
    const found: Problem[] = []
    checkRules(found, rules, true)
    return found
  },
  columns: [nameColumn, createdColumn],
})
