import type { RE2JS } from 're2js'
import { nextTurn } from '../../base/turns.ts'
import { type CelEnvironment, type Checked, check } from './check.ts'
import { literalMistakes } from './literal-mistakes.ts'
import { CelError, CostExceeded, Meter } from './meter.ts'
import { parse } from './parse.ts'
import { type Bindings, plan } from './plan.ts'
import { showMistakes } from './tokens.ts'
import type { CelType } from './types.ts'
import type { CelValue } from './values.ts'

export type Evaluation =
  | { readonly type: 'value'; readonly value: CelValue; readonly cost: number }
  | { readonly type: 'error'; readonly message: string; readonly cost: number }
  /** It would have cost more than it may. */
  | { readonly type: 'exceeded'; readonly cost: number }

export interface CelProgram {
  readonly source: string
  readonly checked: Checked
  /** Of its result. */
  readonly resultType: CelType
  /** Ends when it has cost more than the limit. What bindings throw themselves comes through. */
  evaluate(bindings: Bindings, costLimit: number): Evaluation
  /** The same, at once where it is quick; else it begins anew and leaves the loop to others every few milliseconds. */
  evaluateInTurns(bindings: Bindings, costLimit: number): Evaluation | Promise<Evaluation>
}

export type Compiled =
  | { readonly type: 'program'; readonly program: CelProgram }
  /** Every mistake, with its place, as cel-go shows them. */
  | { readonly type: 'mistakes'; readonly text: string }

/** What one expression may cost, as upstream has it. */
export const costPerExpression = 1_000_000

/** Parses, checks and prepares an expression. */
export function compileCel(source: string, environment: CelEnvironment): Compiled {
  const parsed = parse(source)
  if (!('type' in parsed)) return { type: 'mistakes', text: showMistakes(source, [parsed]) }
  const checked = check(parsed, environment)
  const mistakes = 'root' in checked ? literalMistakes(checked) : checked
  if (mistakes.length > 0 || !('root' in checked)) return { type: 'mistakes', text: showMistakes(source, mistakes) }
  const planned = plan(checked, environment.functions)
  const patterns = new Map<string, RE2JS>()
  const program: CelProgram = {
    source,
    checked,
    resultType: checked.type,
    evaluate(bindings, costLimit) {
      const meter = new Meter(costLimit, patterns)
      return outcome(meter, () => planned.evaluate(bindings, meter))
    },
    evaluateInTurns(bindings, costLimit) {
      const first = Meter.forOneTurn(costLimit, patterns)
      const evaluation = outcome(first, () => planned.evaluate(bindings, first))
      return evaluation.type === 'exceeded' ? evaluateSlowly(bindings, new Meter(costLimit, patterns)) : evaluation
    },
  }
  return { type: 'program', program }

  async function evaluateSlowly(bindings: Bindings, meter: Meter): Promise<Evaluation> {
    const turns = planned.inTurns(bindings, meter)
    for (;;) {
      await nextTurn()
      let next: IteratorResult<undefined, CelValue> | undefined
      const evaluation = outcome(meter, () => {
        next = turns.next()
        return next.value ?? null
      })
      if (evaluation.type !== 'value' || next?.done !== false) return evaluation
    }
  }
}

function outcome(meter: Meter, evaluate: () => CelValue): Evaluation {
  try {
    return { type: 'value', value: evaluate(), cost: meter.cost }
  } catch (error) {
    if (error instanceof CelError) return { type: 'error', message: error.message, cost: meter.cost }
    if (error instanceof CostExceeded) return { type: 'exceeded', cost: meter.cost }
    throw error
  }
}
