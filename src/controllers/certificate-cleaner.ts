import { X509Certificate } from 'node:crypto'
import { certificateSigningRequests } from '../api/resources.ts'
import { timeOf } from '../api/timestamp.ts'
import type { CertificateSigningRequest } from '../api/types/certificates-v1.ts'
import type { Clock } from '../base/clock.ts'
import type { Caches } from '../client/client.ts'
import { unlessGone } from './api-errors.ts'
import type { Controller } from './controller.ts'

const hourMs = 3_600_000
const pendingMs = 24 * hourMs

/** When nobody needs a request any more: an hour after it was issued, denied or failed, a day after it was made and nobody cared, when its certificate ends. */
export function dueMs(request: CertificateSigningRequest): number {
  const { metadata, status } = request
  const created = timeOf(metadata.creationTimestamp) ?? 0
  const verdictsMs = (status?.conditions ?? [])
    .filter(({ type }) => type === 'Failed' || type === 'Denied' || (type === 'Approved' && status?.certificate))
    .map(({ lastUpdateTime, lastTransitionTime }) => (timeOf(lastUpdateTime) ?? timeOf(lastTransitionTime) ?? created) + hourMs)
  const isOpen = (status?.conditions ?? []).length === 0
  return Math.min(...verdictsMs, ...(isOpen ? [created + pendingMs] : []), endMs(status?.certificate))
}

function endMs(certificate: string | undefined): number {
  if (!certificate) return Number.POSITIVE_INFINITY
  try {
    return new X509Certificate(Buffer.from(certificate, 'base64')).validToDate.getTime()
  } catch {
    // What a signer of the user's own wrote may be anything: then its verdict's age counts.
    return Number.POSITIVE_INFINITY
  }
}

/** Deletes requests for certificates that are done with. */
export function certificateCleaner({ caches, clock }: { caches: Caches; clock: Clock }): Controller<CertificateSigningRequest> {
  const resource = caches.client.resource(certificateSigningRequests)
  return {
    name: 'csrcleaner',
    primary: caches.cache(certificateSigningRequests),
    matters: (_, after) => after !== undefined,
    async reconcile(request, { cause }) {
      const afterMs = dueMs(request) - clock.now()
      if (afterMs > 0) return Number.isFinite(afterMs) ? { afterMs } : undefined
      const { name, uid } = request.metadata
      await unlessGone(resource.delete(undefined, name, { ...(uid !== undefined && { preconditions: { uid } }), cause }))
      return undefined
    },
  }
}
