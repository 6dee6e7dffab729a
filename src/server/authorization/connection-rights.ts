import type { ApiRequest } from '../../api/exchange.ts'
import type { RequestAttributes } from '../request-attributes.ts'

const connections = new Set(['exec', 'attach', 'portforward'])

/**
 * What a request asks beside what its method says: a WebSocket begins with a GET, but what it opens in a pod takes the right
 * to `create` it, as the POST of other protocols does (upstream since 1.35). Undefined: nothing.
 */
export function connectionRight({ headers }: Pick<ApiRequest, 'headers'>, attributes: RequestAttributes): RequestAttributes | undefined {
  if (attributes.type !== 'resource' || attributes.verb !== 'get' || !connections.has(attributes.subresource)) return undefined
  if (attributes.group !== '' || attributes.resource !== 'pods') return undefined
  return headers.upgrade?.toLowerCase() === 'websocket' ? { ...attributes, verb: 'create' } : undefined
}
