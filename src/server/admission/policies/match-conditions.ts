import {
  admissionEnvironment,
  type CompiledExpression,
  compileExpression,
  conditionResult,
} from '../../../api/admissionregistration/policy-expressions.ts'
import type { Bindings } from '../../../api/cel/plan.ts'
import type { MatchCondition } from '../../../api/types/admissionregistration-v1.ts'
import type { Answers } from './authorization-answers.ts'
import { costPerConditions, evaluatorOf, OutOfBudget } from './evaluate-expression.ts'

/** Conditions, each of which has to hold. */
export type CompiledConditions = readonly CompiledExpression[]

export function compileConditions(conditions: readonly MatchCondition[] | undefined, hasParams: boolean): CompiledConditions {
  if (!conditions?.length) return []
  const environment = admissionEnvironment({ hasParams, hasAuthorizer: true }, undefined)
  return conditions.map(({ expression }) => compileExpression(expression, environment, conditionResult))
}

/** What conditions say of a request: a failure is for the failurePolicy to judge. */
export type ConditionsVerdict = { readonly type: 'hold' | 'do-not-hold' } | { readonly type: 'failure'; readonly message: string }

/** One that is false decides, whatever went wrong with others. */
export async function judgeConditions(conditions: CompiledConditions, bindings: Bindings, answers: Answers): Promise<ConditionsVerdict> {
  const evaluator = evaluatorOf({ remaining: costPerConditions }, answers)
  const errors: string[] = []
  try {
    for (const condition of conditions) {
      const pending = evaluator.evaluate(condition, bindings)
      const outcome = pending instanceof Promise ? await pending : pending
      if (outcome.type === 'error') errors.push(outcome.message)
      else if (outcome.value === false) return { type: 'do-not-hold' }
    }
  } catch (error) {
    if (error instanceof OutOfBudget) return { type: 'failure', message: error.message }
    throw error
  }
  if (errors.length === 0) return { type: 'hold' }
  return { type: 'failure', message: errors.length === 1 ? `${errors[0]}` : `[${errors.join(', ')}]` }
}
