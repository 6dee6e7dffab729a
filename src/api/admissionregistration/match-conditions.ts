import { checkName, type Found } from '../checks.ts'
import { qualifiedNameProblems } from '../names.ts'
import { duplicate, required, tooMany } from '../problem.ts'
import type { MatchCondition } from '../types/admissionregistration-v1.ts'

const maxConditions = 64

/** Expressions that all have to hold; whether they can be read is for whoever evaluates them. */
export function checkMatchConditions(found: Found, field: string, conditions: readonly MatchCondition[] | undefined): void {
  if (!conditions) return
  if (conditions.length > maxConditions) found.push(tooMany(field, conditions.length, maxConditions))
  const seen = new Set<string>()
  conditions.forEach(({ name, expression = '' }, index) => {
    const at = `${field}[${index}]`
    if (expression.trim() === '') found.push(required(`${at}.expression`))
    checkName(found, `${at}.name`, name, qualifiedNameProblems)
    if (!name) return
    if (seen.has(name)) found.push(duplicate(`${at}.name`, name))
    seen.add(name)
  })
}
