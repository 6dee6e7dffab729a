import type { UserInfo } from '../../api/exchange.ts'
import type { FieldSelector } from '../../api/field-selector.ts'
import type { Selector } from '../../api/label-selector.ts'
import { isJsonObject } from '../../api/merge-patch.ts'
import type { JsonObject } from '../../api/object.ts'
import { backoffMs } from '../../base/backoff.ts'
import { sleep } from '../../base/clock.ts'
import { RecentMap } from '../../base/recent-map.ts'
import type { RequestAttributes } from '../request-attributes.ts'
import { type AuthorizerFactory, type Decision, noOpinion, noRules, type UserRules } from './authorizer.ts'
import type { MatchConditions } from './match-expression.ts'

export interface WebhookAuthorizerOptions {
  /** Posts a review and answers with what comes back; throws when nothing does. */
  readonly ask: (review: object) => Promise<JsonObject>
  readonly version?: 'v1' | 'v1beta1'
  /** How long answers are kept. */
  readonly allowedMs?: number
  readonly refusedMs?: number
  /** What a webhook that does not answer says. */
  readonly onFailure?: 'no-opinion' | 'deny'
  /** Which questions it is asked, by their v1 form; left out: all. */
  readonly matches?: MatchConditions
}

const keptAnswers = 8192
/** Longer questions are asked anew each time: who asks them must not push others out. */
const maxKeyLength = 10_000
const backoff = { firstMs: 500, maxMs: 5_000, jitter: 0.2 }
const maxTries = 5

interface Answer {
  readonly decision: Decision
  readonly untilMs: number
}

/** The Webhook mode: another server is asked by a SubjectAccessReview, and its answers are kept for a while. */
export const webhookAuthorizer =
  ({
    ask,
    version = 'v1',
    allowedMs = 300_000,
    refusedMs = 30_000,
    onFailure = 'no-opinion',
    matches,
  }: WebhookAuthorizerOptions): AuthorizerFactory =>
  ({ clock, random, log }) => {
    const answers = new RecentMap<string, Answer>(keptAnswers)
    const failure = (reason: string): Decision => (onFailure === 'deny' ? { type: 'deny', reason } : noOpinion)
    return Object.assign(authorize, { rulesOf })

    function authorize(user: UserInfo, attributes: RequestAttributes): Decision | Promise<Decision> {
      const verdict = matches ? matches(reviewSpec(user, attributes, 'v1')) : 'ask'
      if (verdict === 'skip') return noOpinion
      if (verdict === 'failed') return failure('conditions of the authorization webhook could not be evaluated')
      const spec = reviewSpec(user, attributes, version)
      const key = JSON.stringify(spec)
      const known = key.length <= maxKeyLength ? answers.get(key) : undefined
      return known && known.untilMs > clock.now() ? known.decision : asked(spec, key)
    }

    async function asked(spec: object, key: string): Promise<Decision> {
      const review = { apiVersion: `authorization.k8s.io/${version}`, kind: 'SubjectAccessReview', metadata: {}, spec }
      for (let attempt = 0; ; attempt++) {
        try {
          const decision = decisionOf(await ask(review))
          const keptMs = decision.type === 'allow' ? allowedMs : refusedMs
          if (keptMs > 0 && key.length <= maxKeyLength) answers.set(key, { decision, untilMs: clock.now() + keptMs })
          return decision
        } catch (error) {
          if (attempt === maxTries - 1) {
            log.error('A webhook for authorization does not answer', { error })
            return failure('the authorization webhook does not answer')
          }
        }
        await sleep(clock, backoffMs(backoff, attempt, random))
      }
    }
  }

const rulesOf = (): UserRules => ({
  ...noRules,
  incomplete: true,
  errors: ['webhook authorizer does not support user rule resolution'],
})

/** v1beta1 calls groups `group`. */
export function reviewSpec({ name, uid, groups, extra }: UserInfo, attributes: RequestAttributes, version: 'v1' | 'v1beta1'): JsonObject {
  const who = {
    ...(name !== '' && { user: name }),
    ...(groups.length > 0 && (version === 'v1' ? { groups } : { group: groups })),
    ...(uid && { uid }),
    ...(extra && { extra }),
  }
  if (attributes.type === 'path') return { nonResourceAttributes: { path: attributes.path, verb: attributes.verb }, ...who }
  const { type: _, fieldSelector, labelSelector, ...texts } = attributes
  return {
    resourceAttributes: {
      ...Object.fromEntries(Object.entries(texts).filter(([, text]) => text !== '')),
      ...(fieldSelector && { fieldSelector: { requirements: fieldRequirements(fieldSelector) } }),
      ...(labelSelector && { labelSelector: { requirements: labelRequirements(labelSelector) } }),
    },
    ...who,
  }
}

const fieldRequirements = (selector: FieldSelector) =>
  selector.map(({ field, equal, value }) => ({ key: field, operator: equal ? 'In' : 'NotIn', values: [value] }))

/** Reviews know no numbers that are compared: what a selector limits by them is left out, which asks for more. */
const labelRequirements = (selector: Selector) =>
  selector.filter(({ operator }) => operator !== 'Gt' && operator !== 'Lt').map(({ key, operator, values }) => ({ key, operator, values }))

function decisionOf({ status }: JsonObject): Decision {
  if (!isJsonObject(status)) throw new Error('the webhook answers without a status')
  const reason = typeof status.reason === 'string' ? status.reason : ''
  if (status.denied === true && status.allowed === true)
    throw new Error('webhook subject access review returned both allow and deny response')
  if (status.denied === true) return { type: 'deny', reason }
  return status.allowed === true ? { type: 'allow', reason } : { type: 'no-opinion', reason }
}
