import { requestedCertificate } from '../api/certificates/certificate-request.ts'
import { isBuiltinSigner, signerProblem } from '../api/certificates/signer-rules.ts'
import { certificateSigningRequests } from '../api/resources.ts'
import type { CertificateSigningRequest, CertificateSigningRequestStatus } from '../api/types/certificates-v1.ts'
import type { Caches } from '../client/client.ts'
import { messageOf, unlessGone } from './api-errors.ts'
import { isSo } from './certificate-verdict.ts'
import type { Controller } from './controller.ts'

/** Issues a certificate (PEM) for a request (PEM in base64); throws for one that cannot be signed. */
export type SignCertificate = (wanted: { request: string; usages: readonly string[]; durationMs: number }) => Promise<string>

const yearMs = 365 * 86_400_000
const minMs = 600_000

/** For how long: what is asked for, between ten minutes and a year. */
export const grantedMs = (expirationSeconds: number | undefined): number =>
  expirationSeconds === undefined ? yearMs : Math.max(minMs, Math.min(expirationSeconds * 1000, yearMs))

/** Whether a request is one of those to sign now. */
export const isDue = (request: CertificateSigningRequest): boolean =>
  isSo(request, 'Approved') &&
  !isSo(request, 'Denied') &&
  !isSo(request, 'Failed') &&
  !request.status?.certificate &&
  isBuiltinSigner(request.spec.signerName)

/** Signs approved requests to the signers that are part of Kubernetes. */
export function certificateSigner({ caches, sign }: { caches: Caches; sign: SignCertificate }): Controller<CertificateSigningRequest> {
  const resource = caches.client.resource(certificateSigningRequests)
  return {
    name: 'csrsigning',
    primary: caches.cache(certificateSigningRequests),
    matters: (_, after) => after !== undefined,
    async reconcile(request, { cause }) {
      if (!isDue(request)) return undefined
      const problem = await problemOf(request)
      const status = problem === undefined ? await signed(request) : failed(request, 'SignerValidationFailure', problem)
      await unlessGone(resource.updateStatus({ ...request, status }, { cause }))
      return undefined
    },
  }

  async function signed(request: CertificateSigningRequest): Promise<CertificateSigningRequestStatus> {
    const { request: pem, usages = [], expirationSeconds } = request.spec
    try {
      const certificate = await sign({ request: pem, usages, durationMs: grantedMs(expirationSeconds) })
      return { ...request.status, certificate: Buffer.from(certificate).toString('base64') }
    } catch (error) {
      return failed(request, 'SigningError', messageOf(error))
    }
  }
}

async function problemOf({ spec }: CertificateSigningRequest): Promise<string | undefined> {
  const { signerName, request, usages = [] } = spec
  if (!isBuiltinSigner(signerName)) return undefined
  try {
    return signerProblem(signerName, await requestedCertificate(request), usages)
  } catch (error) {
    return `unable to parse csr: ${messageOf(error)}`
  }
}

const failed = ({ status }: CertificateSigningRequest, reason: string, message: string): CertificateSigningRequestStatus => ({
  ...status,
  conditions: [...(status?.conditions ?? []), { type: 'Failed', status: 'True', reason, message }],
})
