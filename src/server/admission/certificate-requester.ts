import type { JsonObject } from '../../api/object.ts'
import type { AdmissionPlugin } from './admission.ts'

/** A request for a certificate says who makes it; what its maker says of that does not count. */
export const certificateRequester: AdmissionPlugin = {
  name: 'CertificateRequester',
  mutate({ operation, kind, draft, user }) {
    if (operation !== 'CREATE' || kind.group !== 'certificates.k8s.io' || kind.kind !== 'CertificateSigningRequest' || !draft) return
    const { uid: _, username: __, groups: ___, extra: ____, ...spec } = (draft.spec ?? {}) as JsonObject
    draft.spec = {
      ...spec,
      username: user.name,
      ...(user.uid && { uid: user.uid }),
      ...(user.groups.length > 0 && { groups: [...user.groups] }),
      ...(user.extra && Object.keys(user.extra).length > 0 && { extra: structuredClone(user.extra) }),
    }
  },
}
