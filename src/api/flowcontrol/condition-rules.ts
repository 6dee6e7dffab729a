import type { Found } from '../checks.ts'
import { duplicate, required } from '../problem.ts'

/** Conditions of a status: each type once. */
export function checkConditionTypes(found: Found, conditions: readonly { readonly type?: string }[] | undefined): void {
  const seen = new Set<string>()
  conditions?.forEach(({ type = '' }, index) => {
    const at = `status.conditions[${index}].type`
    if (seen.has(type)) found.push(duplicate(at, type))
    seen.add(type)
    if (type === '') found.push(required(at, 'must not be empty'))
  })
}
