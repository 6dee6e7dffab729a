import type { ApiReply, ApiRequest } from '../../api/exchange.ts'
import type { Subresource } from '../../api/kind.ts'
import type { ObjectRef } from '../registry.ts'
import type { WriteContext } from '../write-options.ts'

/** A request for a subresource that has work of its own (`status` and `finalize` are the object itself). */
export interface SubresourceCall extends WriteContext {
  readonly ref: ObjectRef
  readonly subresource: Subresource
  /** What follows the subresource in the path, as on the wire: '' or `/…`. Only handlers that proxy know what to do with it. */
  readonly remainder: string
  readonly parameters: URLSearchParams
  readonly request: ApiRequest
}

export interface SubresourceHandler {
  readonly answer: (call: SubresourceCall) => Promise<ApiReply>
  /** Whether more path may follow. */
  readonly takesRemainder?: boolean
}

/** By `group/plural/subresource`; `scale` alone is that of kinds that say where their numbers are. */
export type SubresourceTable = ReadonlyMap<string, SubresourceHandler>
