import { defineKind } from '../define-kind.ts'
import { column, nameColumn } from '../table-columns.ts'
import type { ClusterTrustBundle } from '../types/certificates-v1beta1.ts'

export const clusterTrustBundle = defineKind<ClusterTrustBundle>({
  group: 'certificates.k8s.io',
  kind: 'ClusterTrustBundle',
  columns: [nameColumn, column('SignerName', 'Whose certificates are trusted.', ({ spec }) => spec.signerName || '<none>')],
})
