import { isJsonObject } from './merge-patch.ts'

/** Whether two JSON values are the same, whatever the order of their fields. */
export function jsonEqual(left: unknown, right: unknown): boolean {
  if (left === right) return true
  if (Array.isArray(left))
    return Array.isArray(right) && left.length === right.length && left.every((item, index) => jsonEqual(item, right[index]))
  if (!isJsonObject(left) || !isJsonObject(right)) return false
  const fields = Object.keys(left)
  return (
    fields.length === Object.keys(right).length &&
    fields.every((field) => Object.hasOwn(right, field) && jsonEqual(left[field], right[field]))
  )
}
