import {
  admissionEnvironment,
  annotationResult,
  type CompiledExpression,
  type CompiledVariables,
  compileExpression,
  compileVariables,
  conditionResult,
  messageResult,
} from '../../../api/admissionregistration/policy-expressions.ts'
import { type CelValue, typeName } from '../../../api/cel/values.ts'
import { isStatusReason, type StatusReason } from '../../../api/status-error.ts'
import type { ValidatingAdmissionPolicy } from '../../../api/types/admissionregistration-v1.ts'
import type { Answers } from './authorization-answers.ts'
import { costPerObject, evaluatorOf, type Outcome, OutOfBudget } from './evaluate-expression.ts'
import { bindingsOf, LazyVariables, type RequestValues } from './expression-inputs.ts'
import { type CompiledConditions, compileConditions, judgeConditions } from './match-conditions.ts'

interface CompiledRule {
  readonly expression: CompiledExpression
  readonly messageExpression: CompiledExpression | undefined
  readonly message: string
  readonly reason: StatusReason
}

/** One version of a policy, ready to judge. */
export interface CompiledValidatingPolicy {
  readonly failurePolicy: string
  readonly paramKind: ValidatingAdmissionPolicy['spec']['paramKind']
  readonly conditions: CompiledConditions
  readonly variables: CompiledVariables
  readonly rules: readonly CompiledRule[]
  readonly annotations: readonly { readonly key: string; readonly expression: CompiledExpression }[]
}

export function compileValidatingPolicy({ spec }: ValidatingAdmissionPolicy): CompiledValidatingPolicy {
  const scope = { hasParams: spec.paramKind !== undefined, hasAuthorizer: true }
  const variables = compileVariables(spec.variables ?? [], scope)
  const environment = admissionEnvironment(scope, variables.type)
  const messages = admissionEnvironment({ ...scope, hasAuthorizer: false }, variables.type)
  return {
    failurePolicy: spec.failurePolicy ?? 'Fail',
    paramKind: spec.paramKind,
    conditions: compileConditions(spec.matchConditions, scope.hasParams),
    variables,
    rules: (spec.validations ?? []).map(({ expression, messageExpression = '', message = '', reason = 'Invalid' }) => ({
      expression: compileExpression(expression.trim(), environment, conditionResult),
      messageExpression: messageExpression === '' ? undefined : compileExpression(messageExpression, messages, messageResult),
      message: message.trim(),
      reason: isStatusReason(reason) ? reason : 'Invalid',
    })),
    annotations: (spec.auditAnnotations ?? []).map(({ key, valueExpression }) => ({
      key,
      expression: compileExpression(valueExpression.trim(), environment, annotationResult),
    })),
  }
}

/** Why a request is not as a policy wants it. */
export interface Failure {
  readonly message: string
  readonly reason: StatusReason
  /** Which of the policy's rules. */
  readonly index: number
}

export interface Judgement {
  /** What the binding's actions are for. */
  readonly failures: readonly Failure[]
  /** What is refused whatever the binding's actions are. */
  readonly refusals: readonly string[]
  readonly annotations: readonly { readonly key: string; readonly value: string }[]
}

const accepted: Judgement = { failures: [], refusals: [], annotations: [] }
/** Longer messages are not shown. */
const maxMessageBytes = 5 << 10

/** What a policy says of a request, with one object of parameters or none. */
export async function judge(
  policy: CompiledValidatingPolicy,
  values: RequestValues,
  params: CelValue,
  answers: Answers,
): Promise<Judgement> {
  const { conditions, failurePolicy } = policy
  const failed = (message: string): Judgement =>
    failurePolicy === 'Ignore' ? accepted : { ...accepted, failures: [{ message, reason: 'Invalid', index: 0 }] }
  if (conditions.length > 0) {
    const verdict = await judgeConditions(conditions, bindingsOf(values, params), answers)
    if (verdict.type === 'failure') return failed(verdict.message)
    if (verdict.type === 'do-not-hold') return accepted
  }
  const variables = new LazyVariables(policy.variables, answers, (all) => bindingsOf(values, params, all))
  const bindings = bindingsOf(values, params, variables)
  try {
    const evaluator = evaluatorOf({ remaining: costPerObject }, answers, variables)
    const failures: Failure[] = []
    for (const [index, rule] of policy.rules.entries()) {
      const outcome = await evaluator.evaluate(rule.expression, bindings)
      if (outcome.type === 'error') {
        if (failurePolicy !== 'Ignore') failures.push({ message: outcome.message, reason: 'Invalid', index })
      } else if (outcome.value !== true) {
        const own = rule.messageExpression && (await evaluator.evaluate(rule.messageExpression, bindings))
        const message = messageIn(own) || rule.message || `failed expression: ${rule.expression.source}`
        failures.push({ message, reason: rule.reason, index })
      }
    }
    return { failures, ...(await annotate(policy, async (expression) => evaluator.evaluate(expression, bindings))) }
  } catch (error) {
    if (error instanceof OutOfBudget) return failed(error.message)
    throw error
  }
}

/** What a messageExpression gave; '' when it cannot be shown. */
function messageIn(outcome: Outcome | undefined): string {
  if (outcome?.type !== 'value' || typeof outcome.value !== 'string') return ''
  const message = outcome.value.trim()
  return message.includes('\n') || Buffer.byteLength(message) > maxMessageBytes ? '' : message
}

async function annotate(
  { annotations, failurePolicy }: CompiledValidatingPolicy,
  evaluate: (expression: CompiledExpression) => Promise<Outcome>,
): Promise<Pick<Judgement, 'refusals' | 'annotations'>> {
  const refusals: string[] = []
  const found: { key: string; value: string }[] = []
  for (const { key, expression } of annotations) {
    const outcome = await evaluate(expression)
    if (outcome.type === 'error') {
      if (failurePolicy !== 'Ignore') refusals.push(outcome.message)
    } else if (typeof outcome.value === 'string') {
      const value = outcome.value.trim()
      if (value !== '') found.push({ key, value })
    } else if (outcome.value !== null)
      refusals.push(
        `valueExpression '${expression.source}' resulted in unsupported return type: ${typeName(outcome.value)}. Return type must be either string or null.`,
      )
  }
  return { refusals, annotations: found }
}
