import type { CelEnvironment } from '../cel/check.ts'
import { checkName, type Found } from '../checks.ts'
import { qualifiedNameProblems } from '../names.ts'
import { duplicate, invalid, required, tooMany } from '../problem.ts'
import type { MatchCondition } from '../types/admissionregistration-v1.ts'
import { admissionEnvironment, compileExpression, conditionResult } from './policy-expressions.ts'

const maxConditions = 64

/** What conditions of webhooks see. */
export const webhookEnvironment: CelEnvironment = admissionEnvironment({ hasParams: false, hasAuthorizer: true }, undefined)

/** Expressions that all have to hold. */
export function checkMatchConditions(
  found: Found,
  field: string,
  conditions: readonly MatchCondition[] | undefined,
  environment = webhookEnvironment,
): void {
  if (!conditions) return
  if (conditions.length > maxConditions) found.push(tooMany(field, conditions.length, maxConditions))
  const seen = new Set<string>()
  conditions.forEach(({ name, expression = '' }, index) => {
    const at = `${field}[${index}]`
    if (expression.trim() === '') found.push(required(`${at}.expression`))
    else checkExpression(found, `${at}.expression`, expression, environment, conditionResult)
    checkName(found, `${at}.name`, name, qualifiedNameProblems)
    if (!name) return
    if (seen.has(name)) found.push(duplicate(`${at}.name`, name))
    seen.add(name)
  })
}

/** What is wrong with an expression, if anything is. */
export function checkExpression(
  found: Found,
  field: string,
  source: string,
  environment: CelEnvironment,
  results: Parameters<typeof compileExpression>[2],
): void {
  const compiled = compileExpression(source.trim(), environment, results)
  if (compiled.type === 'problem') found.push(invalid(field, source, compiled.problem))
}
