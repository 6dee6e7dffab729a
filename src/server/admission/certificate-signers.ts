import { requestedCertificate } from '../../api/certificates/certificate-request.ts'
import { jsonEqual } from '../../api/json-equal.ts'
import type { CertificateSigningRequest } from '../../api/types/certificates-v1.ts'
import type { ClusterTrustBundle } from '../../api/types/certificates-v1beta1.ts'
import type { Authorize } from '../authorization/authorizer.ts'
import { type AdmissionRequest, forbidden } from './admission.ts'
import type { AdmissionFactory } from './standard-admission.ts'

const group = 'certificates.k8s.io'
const isOf = ({ kind }: AdmissionRequest, plural: string) => kind.group === group && kind.plural === plural
const requests = 'certificatesigningrequests'

/** Who may `approve` for a signer may say which of its requests are granted. */
export const certificateApproval: AdmissionFactory = ({ authorize }) => ({
  name: 'CertificateApproval',
  validate(request) {
    if (request.operation !== 'UPDATE' || request.subresource !== 'approval' || !isOf(request, requests)) return
    const { signerName } = (request.old as CertificateSigningRequest).spec
    return demand(authorize, request, { verb: 'approve', signerName, words: 'approve requests with signerName' })
  },
})

/** Who may `sign` for a signer may write its certificates, and why there are none. */
export const certificateSigning: AdmissionFactory = ({ authorize }) => ({
  name: 'CertificateSigning',
  validate(request) {
    if (request.operation !== 'UPDATE' || request.subresource !== 'status' || !isOf(request, requests)) return
    const { spec, status: before } = request.old as CertificateSigningRequest
    const { status } = request.draft as unknown as CertificateSigningRequest
    if (status?.certificate === before?.certificate && jsonEqual(status?.conditions, before?.conditions)) return
    return demand(authorize, request, { verb: 'sign', signerName: spec.signerName, words: 'sign requests with signerName' })
  },
})

/** Nobody gets a certificate that may do everything. */
export const certificateSubjectRestriction: AdmissionFactory = () => ({
  name: 'CertificateSubjectRestriction',
  validate(request) {
    if (request.operation !== 'CREATE' || request.subresource !== '' || !isOf(request, requests)) return
    const { signerName, request: wanted } = (request.draft as unknown as CertificateSigningRequest).spec
    return signerName === 'kubernetes.io/kube-apiserver-client' ? restrictSubject(request, wanted) : undefined
  },
})

/** Who may `attest` for a signer may say which authorities are its. */
export const clusterTrustBundleAttest: AdmissionFactory = ({ authorize }) => ({
  name: 'ClusterTrustBundleAttest',
  validate(request) {
    if (request.operation === 'DELETE' || request.subresource !== '' || !isOf(request, 'clustertrustbundles')) return
    const { spec } = request.draft as unknown as ClusterTrustBundle
    const before = (request.old as ClusterTrustBundle | undefined)?.spec
    const { signerName } = spec
    if (!signerName || (before && jsonEqual(spec, before))) return
    return demand(authorize, request, { verb: 'attest', signerName, words: 'attest for signerName' })
  },
})

async function restrictSubject(request: AdmissionRequest, wanted: string): Promise<void> {
  if ((await organizationsIn(request, wanted)).includes('system:masters'))
    throw forbidden(request, 'use of kubernetes.io/kube-apiserver-client signer with system:masters group is not allowed')
}

async function organizationsIn(request: AdmissionRequest, wanted: string): Promise<readonly string[]> {
  try {
    return (await requestedCertificate(wanted)).organizations
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw forbidden(request, `failed to parse CSR: ${why}`)
  }
}

/** The writer may do this by the signer's name, or for all of its domain. */
async function demand(
  authorize: Authorize,
  request: AdmissionRequest,
  { verb, signerName, words }: { verb: string; signerName: string; words: string },
): Promise<void> {
  for (const name of [signerName, `${signerName.split('/', 1)[0] ?? ''}/*`]) {
    const attributes = { type: 'resource', verb, group, version: '*', resource: 'signers', subresource: '', namespace: '', name } as const
    if ((await authorize(request.user, attributes)).type === 'allow') return
  }
  throw forbidden(request, `user not permitted to ${words} ${JSON.stringify(signerName)}`)
}
