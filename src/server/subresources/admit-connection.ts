import type { JsonObject } from '../../api/object.ts'
import { apiVersionOf } from '../../api/resource-ref.ts'
import type { Registry } from '../registry.ts'
import type { SubresourceCall } from './subresource.ts'

/** Shows admission a connection that is to be made, as the options that ask for it; what it changes in them is not looked at. */
export function admitConnection(registry: Registry, call: SubresourceCall, options: JsonObject): Promise<void> {
  const { ref, subresource, parameters, request, user, notes, requested } = call
  const { kind, ...groupVersion } = subresource.kind
  const draft = { kind, apiVersion: apiVersionOf(groupVersion), ...options }
  const asked = { method: request.method, parameters, requested }
  return registry.admit(ref, subresource.name, 'CONNECT', draft, { user, notes, asked, dryRun: false })
}
