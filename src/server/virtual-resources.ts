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
import type { Authorize } from './authorization/authorizer.ts'
import { kindOf } from './kind-of.ts'
import type { Registry } from './registry.ts'
import { jsonReply, successReply } from './replies.ts'
import type { RequestAttributes } from './request-attributes.ts'
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
    ['authorization.k8s.io/selfsubjectaccessreviews', async ({ draft, user }) => accessReply(draft, user)],
    ['authorization.k8s.io/subjectaccessreviews', async ({ draft }) => accessReply(draft, subjectOf(draft))],
    ['authorization.k8s.io/localsubjectaccessreviews', localAccessReview],
    ['authorization.k8s.io/selfsubjectrulesreviews', rulesReview],
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

  async function localAccessReview({ draft, namespace }: VirtualCall): Promise<ApiReply> {
    const attributes = specOf(draft).resourceAttributes
    if (!isJsonObject(attributes) || (attributes.namespace ?? '') !== namespace)
      throw new StatusError('BadRequest', `spec.resourceAttributes.namespace must match namespace: ${namespace ?? ''}`)
    return accessReply(draft, subjectOf(draft))
  }

  async function accessReply(draft: JsonObject, user: UserInfo): Promise<ApiReply> {
    const { resourceAttributes, nonResourceAttributes } = specOf(draft)
    const attributes = [resourceAttributes, nonResourceAttributes].filter(isJsonObject)
    const [only] = attributes
    if (!only || attributes.length > 1)
      throw new StatusError(
        'BadRequest',
        'spec: Invalid value: exactly one of nonResourceAttributes or resourceAttributes must be specified',
      )
    const { type, reason } = await authorize(user, reviewed(only))
    return answered(draft, { allowed: type === 'allow', ...(type === 'deny' && { denied: true }), ...(reason !== '' && { reason }) })
  }

  async function rulesReview({ draft, user }: VirtualCall): Promise<ApiReply> {
    const everything = reviewed({ verb: '*', group: '*', version: '*', resource: '*' })
    const isAllowed = (await authorize(user, everything)).type === 'allow'
    return answered(draft, {
      resourceRules: isAllowed ? [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'] }] : [],
      nonResourceRules: isAllowed ? [{ verbs: ['*'], nonResourceURLs: ['*'] }] : [],
      incomplete: false,
    })
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

/** What a review's attributes ask. */
function reviewed(attributes: JsonObject): RequestAttributes {
  const text = (name: string) => (typeof attributes[name] === 'string' ? attributes[name] : '')
  if (attributes.path !== undefined) return { type: 'path', verb: text('verb'), path: text('path') }
  const [verb, group, version, resource] = [text('verb'), text('group'), text('version'), text('resource')]
  return {
    type: 'resource',
    verb,
    group,
    version,
    resource,
    subresource: text('subresource'),
    namespace: text('namespace'),
    name: text('name'),
  }
}

const answered = (draft: JsonObject, status: object): ApiReply => jsonReply(201, { ...draft, metadata: draft.metadata ?? {}, status })

const shown = ({ name, uid, groups, extra }: UserInfo) => ({
  username: name,
  ...(uid !== undefined && { uid }),
  groups,
  ...(extra && { extra }),
})

/** Whom a review asks about. */
function subjectOf(draft: JsonObject): UserInfo {
  const { user, groups, uid } = specOf(draft)
  const names = Array.isArray(groups) ? groups.filter((group) => typeof group === 'string') : []
  if ((typeof user !== 'string' || user === '') && names.length === 0)
    throw new StatusError('BadRequest', 'spec.user: Invalid value: "": at least one of user or group must be specified')
  return { name: typeof user === 'string' ? user : '', groups: names, ...(typeof uid === 'string' && { uid }) }
}
