import { jsonEqual } from '../../api/json-equal.ts'
import { isJsonObject } from '../../api/merge-patch.ts'
import type { JsonObject } from '../../api/object.ts'
import { timestamp } from '../../api/timestamp.ts'
import type { CertificateSigningRequest, CertificateSigningRequestCondition } from '../../api/types/certificates-v1.ts'
import type { AdmissionRequest } from './admission.ts'
import type { AdmissionFactory } from './standard-admission.ts'

/** A request for a certificate says who makes it, whatever its maker says of that, and since when its conditions are so. */
export const certificateRequester: AdmissionFactory = ({ clock }) => ({
  name: 'CertificateRequester',
  mutate(request) {
    if (request.kind.group !== 'certificates.k8s.io' || request.kind.kind !== 'CertificateSigningRequest' || !request.draft) return
    if (request.operation === 'CREATE') nameRequester(request.draft, request)
    else if (request.subresource !== '' && isJsonObject(request.draft.status))
      dateConditions(request.draft.status, request.old as CertificateSigningRequest, timestamp(clock.now()))
  },
})

function nameRequester(draft: JsonObject, { user }: AdmissionRequest): void {
  const { uid: _, username: __, groups: ___, extra: ____, ...spec } = (draft.spec ?? {}) as JsonObject
  draft.spec = {
    ...spec,
    username: user.name,
    ...(user.uid && { uid: user.uid }),
    ...(user.groups.length > 0 && { groups: [...user.groups] }),
    ...(user.extra && Object.keys(user.extra).length > 0 && { extra: structuredClone(user.extra) }),
  }
}

/** Of conditions that are new or changed: their times, where their writer says none. */
function dateConditions(status: JsonObject, old: CertificateSigningRequest, now: string): void {
  if (!Array.isArray(status.conditions)) return
  const before = old.status?.conditions ?? []
  status.conditions = (status.conditions as readonly CertificateSigningRequestCondition[]).map((condition) => {
    if (before.some((known) => jsonEqual(known, condition))) return condition
    const { lastUpdateTime = now, lastTransitionTime } = condition
    const same = before.find(({ type, status: value }) => type === condition.type && value === condition.status)
    return { ...condition, lastUpdateTime, lastTransitionTime: lastTransitionTime ?? same?.lastTransitionTime ?? now }
  })
}
