import type { UserInfo } from '../../api/exchange.ts'
import type { JsonObject } from '../../api/object.ts'
import { StatusError } from '../../api/status-error.ts'
import type { SelfSubjectRulesReview, SubjectAccessReview } from '../../api/types/authorization-v1.ts'
import { invalidObject } from '../invalid-object.ts'
import { jsonReply } from '../replies.ts'
import type { VirtualCall, VirtualResource } from '../virtual-resources.ts'
import type { Authorize } from './authorizer.ts'
import { type AccessReview, reviewedRequest, reviewProblems } from './review-rules.ts'

const group = 'authorization.k8s.io'

/** Questions about who may do what, by `group/plural`. */
export function accessReviews(authorize: Authorize): ReadonlyMap<string, VirtualResource> {
  return new Map<string, VirtualResource>([
    [`${group}/selfsubjectaccessreviews`, (call) => accessReply('SelfSubjectAccessReview', call, call.user)],
    [`${group}/subjectaccessreviews`, (call) => accessReply('SubjectAccessReview', call, undefined)],
    [`${group}/localsubjectaccessreviews`, (call) => accessReply('LocalSubjectAccessReview', call, undefined)],
    [`${group}/selfsubjectrulesreviews`, rulesReply],
  ])

  async function accessReply(kind: string, { draft, namespace }: VirtualCall, self: UserInfo | undefined) {
    const { metadata, spec } = draft as unknown as AccessReview
    const home = (metadata as { namespace?: string } | undefined)?.namespace
    if (namespace !== undefined && home !== undefined && home !== namespace)
      throw new StatusError('BadRequest', 'the namespace of the provided object does not match the namespace sent on the request')
    const review = {
      ...(draft as unknown as AccessReview),
      kind,
      metadata: { ...metadata, ...(namespace !== undefined && { namespace }) },
      spec: spec ?? {},
    } as AccessReview
    const problems = reviewProblems(review)
    if (problems.length > 0) throw invalidObject({ group, kind }, '', problems)
    const { type, reason } = await authorize(self ?? subjectOf(review as SubjectAccessReview), reviewedRequest(review.spec))
    const status = { allowed: type === 'allow', ...(type === 'deny' && { denied: true }), ...(reason !== '' && { reason }) }
    return answered(draft, namespace, status)
  }

  async function rulesReply({ draft, user }: VirtualCall) {
    const { namespace = '' } = (draft as unknown as SelfSubjectRulesReview).spec ?? {}
    if (namespace === '') throw new StatusError('BadRequest', 'namespace cannot be empty')
    const { resourceRules, nonResourceRules, incomplete, errors } = (await authorize.rulesOf?.(user, namespace)) ?? unknownRules
    const evaluationError = errors.length === 1 ? errors[0] : `[${errors.join(', ')}]`
    return answered(draft, undefined, { resourceRules, nonResourceRules, incomplete, ...(errors.length > 0 && { evaluationError }) })
  }
}

const unknownRules = { resourceRules: [], nonResourceRules: [], incomplete: true, errors: [] }

const answered = (draft: JsonObject, namespace: string | undefined, status: object) =>
  jsonReply(201, {
    ...draft,
    metadata: { ...(draft.metadata as object | undefined), ...(namespace !== undefined && { namespace }) },
    status,
  })

/** Whom a review asks about; as upstream, keys of extra are lower-case. */
function subjectOf({ spec }: SubjectAccessReview): UserInfo {
  const { user = '', groups = [], uid, extra } = spec
  return {
    name: user,
    groups,
    ...(uid && { uid }),
    ...(extra && { extra: Object.fromEntries(Object.entries(extra).map(([key, values]) => [key.toLowerCase(), values])) }),
  }
}
