import { defineKind } from '../define-kind.ts'
import { column, nameColumn } from '../table-columns.ts'
import type { StorageVersionMigration } from '../types/storagemigration-v1beta1.ts'

export const storageVersionMigration = defineKind<StorageVersionMigration>({
  group: 'storagemigration.k8s.io',
  kind: 'StorageVersionMigration',
  versionRequired: true,
  columns: [
    nameColumn,
    column('Resource', 'What is written anew.', ({ spec }) => `${spec.resource.resource ?? ''}.${spec.resource.group ?? ''}`),
  ],
})
