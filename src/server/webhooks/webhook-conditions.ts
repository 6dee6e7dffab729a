import { type AdmissionRequest, forbidden } from '../admission/admission.ts'
import type { Namespaces } from '../admission/match-selectors.ts'
import { authorizationAnswers } from '../admission/policies/authorization-answers.ts'
import { bindingsOf, requestValues } from '../admission/policies/expression-inputs.ts'
import { judgeConditions } from '../admission/policies/match-conditions.ts'
import type { ShownFormOf } from '../admission/shown-form.ts'
import type { Authorize } from '../authorization/authorizer.ts'
import type { Interest } from './webhook-index.ts'

export interface ConditionParts {
  readonly namespaces: Namespaces
  readonly forms: ShownFormOf
  readonly authorize: Authorize
}

/** Whether the webhook's conditions hold; throws Forbidden where that cannot be told and the webhook may not be left out. */
export async function conditionsHold({ hook, kind }: Interest, request: AdmissionRequest, parts: ConditionParts): Promise<boolean> {
  const conditions = hook.conditions()
  if (conditions.length === 0) return true
  const answers = authorizationAnswers(parts.authorize, request.user)
  const values = requestValues({ request, shown: kind, forms: parts.forms, namespace: undefined, answers })
  const verdict = await judgeConditions(conditions, bindingsOf(values, null), answers)
  if (verdict.type !== 'failure') return verdict.type === 'hold'
  if (hook.webhook.failurePolicy === 'Ignore') return false
  throw forbidden(request, verdict.message)
}
