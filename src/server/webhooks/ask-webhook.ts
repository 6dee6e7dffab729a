import { isJsonObject } from '../../api/merge-patch.ts'
import type { JsonObject, KubeObject } from '../../api/object.ts'
import { isStatusReason, StatusError } from '../../api/status-error.ts'
import type { StatusCause } from '../../api/types/meta-v1.ts'
import type { Random } from '../../base/random.ts'
import type { AdmissionRequest } from '../admission/admission.ts'
import { namespaceMatches, objectMatches } from '../admission/match-selectors.ts'
import { kindIn, readVerdict, resourceOf, reviewRequest, type Verdict } from './admission-review.ts'
import { type CallWebhook, WebhookError } from './webhook-client.ts'
import type { ConditionParts } from './webhook-conditions.ts'
import type { Interest } from './webhook-index.ts'

export interface WebhookParts extends ConditionParts {
  readonly call: CallWebhook
  readonly random: Random
}

export type WebhookType = 'mutating' | 'validating'

/** A webhook that was to be asked and could not be; what then happens is for its failurePolicy. */
export class CallFailure extends Error {}

const reviewGroup = 'admission.k8s.io'
const defaultSeconds = 10
const versions = new Set(['v1', 'v1beta1'])

/** Whether the request, which its rules are about, is one that the webhook wants to see. */
export const isWanted = ({ hook }: Interest, request: AdmissionRequest, { namespaces }: WebhookParts): boolean =>
  namespaceMatches(hook.namespaceSelector, request, namespaces) && objectMatches(hook.objectSelector, request)

/** The webhook's verdict on the request as it is now. Throws a CallFailure, or a StatusError where it may not be asked at all. */
export async function askWebhook(type: WebhookType, interest: Interest, request: AdmissionRequest, parts: WebhookParts): Promise<Verdict> {
  const { hook, kind } = interest
  const { name, sideEffects, clientConfig, admissionReviewVersions, timeoutSeconds = defaultSeconds } = hook.webhook
  if (request.dryRun && sideEffects !== 'None' && sideEffects !== 'NoneOnDryRun')
    throw new StatusError('BadRequest', `admission webhook ${JSON.stringify(name)} does not support dry run`)
  const uid = parts.random.uuid()
  const apiVersion = `${reviewGroup}/${admissionReviewVersions.find((version) => versions.has(version)) ?? 'v1'}`
  const form = parts.forms(request, kind)
  const show = (object: JsonObject | KubeObject | undefined) => object && form.show(object as JsonObject)
  const shown = {
    kind: kindIn(kind, request.subresource),
    resource: resourceOf(kind),
    object: show(request.draft),
    oldObject: show(request.old),
  }
  const review = { kind: 'AdmissionReview', apiVersion, request: reviewRequest(uid, request, shown) }
  try {
    const answer = await parts.call(clientConfig, review, { timeoutMs: timeoutSeconds * 1000, userAgent: 'kube-apiserver-admission' })
    return readVerdict(answer, uid, apiVersion, type === 'mutating')
  } catch (cause) {
    if (!(cause instanceof WebhookError)) throw cause
    const isInvalid = cause.message.startsWith('received invalid webhook response')
    const why = isInvalid ? cause.message : `failed to call webhook: ${cause.message}`
    throw new CallFailure(`failed calling webhook ${JSON.stringify(name)}: ${why}`, { cause })
  }
}

/** What is noted of every verdict, whatever it is. */
export function noteVerdict({ hook }: Interest, { warnings, auditAnnotations }: Verdict, { notes }: AdmissionRequest): void {
  for (const [key, value] of auditAnnotations) notes?.annotate(`${hook.webhook.name}/${key}`, value)
  for (const warning of warnings) notes?.warn(warning)
}

/** What becomes of the request when a webhook could not be asked: throws, unless its failurePolicy lets it pass. */
export function onFailure(type: WebhookType, { hook, index }: Interest, round: number, error: unknown, { notes }: AdmissionRequest): void {
  if (!(error instanceof CallFailure)) throw error
  if (hook.webhook.failurePolicy !== 'Ignore')
    throw new StatusError('InternalError', `Internal error occurred: ${error.message}`, undefined, { cause: error })
  const key =
    type === 'mutating'
      ? `failed-open.mutation.webhook.${reviewGroup}/round_${round}_index_${index}`
      : `failed-open.validating.webhook.${reviewGroup}/round_${round}_index_${index}`
  notes?.annotate(key, hook.webhook.name)
}

/** Upstream's form of a refusal: the webhook's own status, under its name. */
export function denied({ hook }: Interest, result: JsonObject = {}): StatusError {
  const by = `admission webhook ${JSON.stringify(hook.webhook.name)} denied the request`
  const message = typeof result.message === 'string' && result.message !== '' ? result.message : undefined
  const reason = typeof result.reason === 'string' && result.reason !== '' ? result.reason : undefined
  const code = typeof result.code === 'number' && result.code >= 400 && result.code < 600 ? result.code : 400
  const why = message ?? reason
  const isOurs = reason !== undefined && isStatusReason(reason)
  return new StatusError(
    isOurs ? reason : 'Unknown',
    why === undefined ? `${by} without explanation` : `${by}: ${why}`,
    detailsOf(result),
    {
      code,
      ...(reason !== undefined && !isOurs && { foreignReason: reason }),
    },
  )
}

function detailsOf({ details }: JsonObject): StatusError['details'] {
  if (!isJsonObject(details)) return undefined
  const text = (name: string) => (typeof details[name] === 'string' ? { [name]: details[name] } : {})
  const { causes, retryAfterSeconds } = details
  return {
    ...text('name'),
    ...text('group'),
    ...text('kind'),
    ...text('uid'),
    ...(Array.isArray(causes) && { causes: causes.filter(isJsonObject) as StatusCause[] }),
    ...(typeof retryAfterSeconds === 'number' && { retryAfterSeconds }),
  }
}
