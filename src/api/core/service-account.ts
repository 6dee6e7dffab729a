import { defineKind } from '../define-kind.ts'
import { ageColumn, column, nameColumn } from '../table-columns.ts'
import type { ServiceAccount } from '../types/core-v1.ts'

export const serviceAccount = defineKind<ServiceAccount>({
  group: '',
  kind: 'ServiceAccount',
  shortNames: ['sa'],
  columns: [nameColumn, column('Secrets', 'How many secrets its pods may use.', ({ secrets }) => secrets?.length ?? 0), ageColumn],
})
