import type { Catalog } from '../api/catalog.ts'
import type { ApiReply, ApiRequest, UserInfo } from '../api/exchange.ts'
import { isJsonObject } from '../api/merge-patch.ts'
import type { JsonObject } from '../api/object.ts'
import { pods } from '../api/resources.ts'
import { StatusError } from '../api/status-error.ts'
import { timestamp } from '../api/timestamp.ts'
import type { Binding, Pod } from '../api/types/core-v1.ts'
import type { Clock } from '../base/clock.ts'
import type { ReviewToken } from './authentication.ts'
import { accessReviews } from './authorization/access-reviews.ts'
import type { Authorize } from './authorization/authorizer.ts'
import { kindOf } from './kind-of.ts'
import type { Registry } from './registry.ts'
import { jsonReply, successReply } from './replies.ts'
import { bound } from './subresources/binding.ts'
import { type WriteContext, writeOptions } from './write-options.ts'

/** A POST of something that is answered and never kept. */
export interface VirtualCall extends WriteContext {
  readonly namespace: string | undefined
  readonly draft: JsonObject
  readonly parameters: URLSearchParams
  readonly request: ApiRequest
}

export type VirtualResource = (call: VirtualCall) => Promise<ApiReply>

/** Resources that are questions, by `group/plural`. */
export function virtualResources({
  reviewToken,
  authorize,
  registry,
  catalog,
  clock,
}: {
  reviewToken: ReviewToken
  authorize: Authorize
  registry: Registry
  catalog: Catalog
  clock: Clock
}): ReadonlyMap<string, VirtualResource> {
  const podKind = kindOf(catalog, pods)

  return new Map<string, VirtualResource>([
    ['authentication.k8s.io/selfsubjectreviews', async ({ draft, user }) => answered(draft, { userInfo: shown(user) })],
    ['authentication.k8s.io/tokenreviews', tokenReview],
    ...accessReviews(authorize),
    ['/bindings', binding],
  ])

  async function tokenReview({ draft }: VirtualCall): Promise<ApiReply> {
    const { token, audiences } = specOf(draft)
    if (typeof token !== 'string' || token === '')
      throw new StatusError('BadRequest', 'token is required for TokenReview in authentication')
    const asked = Array.isArray(audiences) ? audiences.filter((audience) => typeof audience === 'string') : []
    const verdict = await reviewToken(token, asked)
    if (verdict?.type === 'verified')
      return answered(draft, { authenticated: true, user: shown(verdict.user), audiences: verdict.audiences })
    return answered(draft, { user: {}, error: verdict ? `[invalid bearer token, ${verdict.why}]` : 'invalid bearer token' })
  }

  /** The older way to bind a pod: `bindings` instead of `pods/binding`. */
  async function binding(call: VirtualCall): Promise<ApiReply> {
    const { draft, namespace, parameters, request } = call
    const asked = draft as unknown as Binding
    const name = asked.metadata?.name
    if (!name || !asked.target?.name) throw new StatusError('BadRequest', 'metadata.name and target.name are required for a Binding')
    const nowText = timestamp(clock.now())
    const ref = { kind: podKind, namespace, name }
    const options = writeOptions(parameters, request, call)
    await registry.admit({ ...ref, kind: call.requested }, '', 'CREATE', draft, options)
    await registry.amend(ref, (current) => bound(current as Pod, asked, nowText), options)
    return successReply(201)
  }
}

const specOf = (draft: JsonObject): JsonObject => (isJsonObject(draft.spec) ? draft.spec : {})

const answered = (draft: JsonObject, status: object): ApiReply => jsonReply(201, { ...draft, metadata: draft.metadata ?? {}, status })

const shown = ({ name, uid, groups, extra }: UserInfo) => ({
  username: name,
  ...(uid !== undefined && { uid }),
  groups,
  ...(extra && { extra }),
})
