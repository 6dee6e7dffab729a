import type { CertificateSigningRequest } from '../api/types/certificates-v1.ts'

/** Whether a condition of a request for a certificate is there and true. */
export const isSo = ({ status }: CertificateSigningRequest, type: 'Approved' | 'Denied' | 'Failed'): boolean =>
  (status?.conditions ?? []).some((condition) => condition.type === type && condition.status === 'True')
