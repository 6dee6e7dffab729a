import type { JsonObject } from '../../api/object.ts'
import type { AdmissionRequest } from './admission.ts'

/** A create or update of a pod itself. */
export function isPodWrite(request: AdmissionRequest): request is AdmissionRequest & { readonly draft: JsonObject } {
  const { kind, subresource, draft } = request
  return kind.plural === 'pods' && kind.group === '' && subresource === '' && draft !== undefined
}
