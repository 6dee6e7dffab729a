import { compileExpression } from '../../api/admissionregistration/policy-expressions.ts'
import { costPerExpression } from '../../api/cel/compile-cel.ts'
import { adaptJson } from '../../api/cel/json-values.ts'
import { standardFunctions } from '../../api/cel/library/standard.ts'
import { bool, type CelType, dyn, listOf, mapOf, nullType, objectOf, string } from '../../api/cel/types.ts'
import { CelList, type CelValue } from '../../api/cel/values.ts'
import type { JsonObject } from '../../api/object.ts'

/** What an expression is about, by the name that it has there. */
export type Subject = { readonly claims: JsonObject } | { readonly user: JsonObject }

/** An expression of an AuthenticationConfiguration over claims or a user. */
export interface ClaimExpression {
  readonly source: string
  /** A text, or several; null and '' are none. Throws ExpressionFailed. */
  texts(subject: Subject): readonly string[]
  holds(subject: Subject): boolean
}

/** An expression could not be evaluated, or gave what has no meaning here. */
export class ExpressionFailed extends Error {
  override readonly name = 'ExpressionFailed'
}

const userType = objectOf(
  'kubernetes.UserInfo',
  new Map<string, CelType>([
    ['username', string],
    ['uid', string],
    ['groups', listOf(string)],
    ['extra', mapOf(string, listOf(string))],
  ]),
)

const variables = { claims: mapOf(string, dyn), user: userType }
const results = {
  rule: [bool],
  text: [string, dyn],
  texts: [string, listOf(string), listOf(dyn), nullType, dyn],
}

/** Compiles an expression; a text says what is wrong with it. */
export function claimExpression(source: string, over: 'claims' | 'user', gives: keyof typeof results): ClaimExpression | string {
  const environment = { functions: standardFunctions, variables: new Map<string, CelType>([[over, variables[over]]]) }
  const compiled = compileExpression(source, environment, results[gives])
  if (compiled.type === 'problem') return compiled.problem
  const { program } = compiled

  function evaluate(subject: Subject): CelValue {
    const value = 'claims' in subject ? subject.claims : subject.user
    const bindings = { get: (name: string) => (name === over ? adaptJson(value) : undefined) }
    const outcome = program.evaluate(bindings, costPerExpression)
    if (outcome.type === 'value') return outcome.value
    throw new ExpressionFailed(outcome.type === 'error' ? outcome.message : 'operation cancelled: actual cost limit exceeded')
  }

  return {
    source,
    holds: (subject) => evaluate(subject) === true,
    texts(subject) {
      const value = evaluate(subject)
      const all = value instanceof CelList ? [...value] : value === null ? [] : [value]
      if (!all.every((item) => typeof item === 'string')) throw new ExpressionFailed(`expression must return a string or a list of strings`)
      return all.filter((item) => item !== '')
    },
  }
}
