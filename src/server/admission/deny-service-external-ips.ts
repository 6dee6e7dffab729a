import type { Service } from '../../api/types/core-v1.ts'
import { type AdmissionPlugin, forbidden, isWriteOf } from './admission.ts'

/** Services may keep and give up external addresses, but get no new ones: whoever may set them can catch others' traffic. */
export const denyServiceExternalIps: AdmissionPlugin = {
  name: 'DenyServiceExternalIPs',
  validate(request) {
    const { operation, draft, old } = request
    if (!draft || operation === 'DELETE' || !isWriteOf(request, '', 'services')) return
    const had = new Set((old as Service | undefined)?.spec.externalIPs)
    if ((draft as unknown as Service).spec.externalIPs?.some((address) => !had.has(address)))
      throw forbidden(request, 'Use of external IPs is denied by admission control.')
  },
}
