import type { Found } from '../checks.ts'
import { duplicate, tooMany } from '../problem.ts'

type CheckItem<T> = (field: string, item: T) => void

/** A list of a limited length; a longer one is not looked into. */
export function checkList<T>(found: Found, field: string, items: readonly T[] | undefined, max: number, check: CheckItem<T>): void {
  if (!items) return
  if (items.length > max) {
    found.push(tooMany(field, items.length, max))
    return
  }
  items.forEach((item, index) => {
    check(`${field}[${index}]`, item)
  })
}

/** The same for items of which no two may have the same key. */
export function checkUnique<T>(
  found: Found,
  field: string,
  items: readonly T[] | undefined,
  max: number,
  keyOf: (item: T) => string,
  check: CheckItem<T>,
): void {
  checkList(found, field, items, max, check)
  if (!items || items.length > max) return
  const seen = new Set<string>()
  items.forEach((item, index) => {
    const key = keyOf(item)
    if (seen.has(key)) found.push(duplicate(`${field}[${index}]`, key))
    seen.add(key)
  })
}
