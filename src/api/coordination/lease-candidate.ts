import { defineKind } from '../define-kind.ts'
import { ageColumn, column, nameColumn } from '../table-columns.ts'
import type { LeaseCandidate } from '../types/coordination-v1beta1.ts'

export const leaseCandidate = defineKind<LeaseCandidate>({
  group: 'coordination.k8s.io',
  kind: 'LeaseCandidate',
  versionRequired: true,
  columns: [
    nameColumn,
    column('LeaseName', 'The lease that it stands for.', ({ spec }) => spec.leaseName),
    column('BinaryVersion', 'The version that it is.', ({ spec }) => spec.binaryVersion ?? ''),
    column('EmulationVersion', 'The version that it behaves as.', ({ spec }) => spec.emulationVersion ?? ''),
    ageColumn,
  ],
})
