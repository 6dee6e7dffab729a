import type { RE2JS } from 're2js'
import { type CelEnvironment, type Checked, check } from './check.ts'
import { literalMistakes } from './literal-mistakes.ts'
import { CelError, CostExceeded, Meter } from './meter.ts'
import { parse } from './parse.ts'
import { type Bindings, plan } from './plan.ts'
import { showMistake } from './tokens.ts'
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
  if (!('type' in parsed)) return { type: 'mistakes', text: showMistake(source, parsed) }
  const checked = check(parsed, environment)
  const mistakes = 'root' in checked ? literalMistakes(checked) : checked
  if (mistakes.length > 0 || !('root' in checked))
    return { type: 'mistakes', text: mistakes.map((mistake) => showMistake(source, mistake)).join('\n') }
  const run = plan(checked, environment.functions)
  const patterns = new Map<string, RE2JS>()
  const program: CelProgram = {
    source,
    checked,
    resultType: checked.type,
    evaluate(bindings, costLimit) {
      const meter = new Meter(costLimit, patterns)
      try {
        return { type: 'value', value: run(bindings, meter), cost: meter.cost }
      } catch (error) {
        if (error instanceof CelError) return { type: 'error', message: error.message, cost: meter.cost }
        if (error instanceof CostExceeded) return { type: 'exceeded', cost: meter.cost }
        throw error
      }
    },
  }
  return { type: 'program', program }
}
