import { defineKind } from '../define-kind.ts'
import { ageColumn, column, nameColumn, shortList } from '../table-columns.ts'
import type { StorageVersion } from '../types/apiserverinternal-v1alpha1.ts'

export const storageVersion = defineKind<StorageVersion>({
  group: 'internal.apiserver.k8s.io',
  kind: 'StorageVersion',
  versionRequired: true,
  columns: [
    nameColumn,
    column('CommonEncodingVersion', 'The version in which all servers write.', ({ status }) => status?.commonEncodingVersion ?? '<unset>'),
    column('StorageVersions', 'The version in which each server writes.', ({ status }) =>
      shortList(status?.storageVersions?.map(({ apiServerID, encodingVersion }) => `${apiServerID}=${encodingVersion}`) ?? [], ''),
    ),
    ageColumn,
  ],
})
