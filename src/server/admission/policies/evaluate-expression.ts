import type { CompiledExpression } from '../../../api/admissionregistration/policy-expressions.ts'
import { costPerExpression, type Evaluation } from '../../../api/cel/compile-cel.ts'
import { costExceeded } from '../../../api/cel/meter.ts'
import type { Bindings } from '../../../api/cel/plan.ts'
import type { CelValue } from '../../../api/cel/values.ts'
import { nextTurn } from '../../../base/turns.ts'
import type { Answers } from './authorization-answers.ts'
import type { LazyVariables } from './expression-inputs.ts'

export type Outcome =
  | { readonly type: 'value'; readonly value: CelValue }
  /** In upstream's words. */
  | { readonly type: 'error'; readonly message: string }

/** All that belongs together cost more than it may: none of it counts. */
export class OutOfBudget extends Error {
  override readonly name = 'OutOfBudget'
  constructor() {
    super('validation failed due to running out of cost budget, no further validation rules will be run')
  }
}

/** What the expressions of one policy may cost on one object, and what conditions may. */
export const costPerObject = 10_000_000
export const costPerConditions = 2_500_000

/** After so much of expressions that are quick by themselves, others have their turn. */
const costPerTurn = 20_000

/** Evaluates expressions that share a budget. */
export interface Evaluator {
  evaluate(compiled: CompiledExpression, bindings: Bindings): Outcome | Promise<Outcome>
}

/** What is left of what belongs together. */
export interface Budget {
  remaining: number
}

export function evaluatorOf(budget: Budget, answers: Answers, variables?: LazyVariables): Evaluator {
  let sinceTurn = 0
  return {
    evaluate(compiled, bindings) {
      if (compiled.type === 'problem') return { type: 'error', message: `compilation error: ${compiled.problem}` }
      const { program, source } = compiled
      const evaluation = answers.settle(() => program.evaluateInTurns(bindings, costPerExpression))
      return evaluation instanceof Promise ? evaluation.then(finish) : finish(evaluation)

      function finish(result: Evaluation): Outcome | Promise<Outcome> {
        const cost = result.cost + (variables?.takeCost() ?? 0)
        budget.remaining -= cost
        if (budget.remaining < 0) throw new OutOfBudget()
        const outcome = outcomeOf(result, source)
        sinceTurn += cost
        if (sinceTurn < costPerTurn) return outcome
        sinceTurn = 0
        return nextTurn().then(() => outcome)
      }
    },
  }
}

function outcomeOf(result: Evaluation, source: string): Outcome {
  if (result.type === 'value') return { type: 'value', value: result.value }
  const why = result.type === 'error' ? result.message : costExceeded
  return { type: 'error', message: `expression '${source}' resulted in error: ${why}` }
}
