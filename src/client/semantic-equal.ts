/**
 * Whether two values say the same in JSON, whatever the order of their fields. As upstream's `equality.Semantic`, a field
 * that is absent equals one that is undefined, null or empty: writers differ in what they leave out.
 */
export function semanticEqual(left: unknown, right: unknown): boolean {
  if (left === right) return true
  if (isEmpty(left) || isEmpty(right)) return isEmpty(left) && isEmpty(right)
  if (typeof left !== 'object' || typeof right !== 'object' || left === null || right === null) return false
  if (Array.isArray(left) || Array.isArray(right)) {
    if (!Array.isArray(left) || !Array.isArray(right) || left.length !== right.length) return false
    return left.every((item, index) => semanticEqual(item, right[index]))
  }
  return containsAll(left, right) && containsAll(right, left)
}

function containsAll(left: object, right: object): boolean {
  const other = right as Readonly<Record<string, unknown>>
  return Object.entries(left).every(([field, value]) => semanticEqual(value, Object.hasOwn(other, field) ? other[field] : undefined))
}

const isEmpty = (value: unknown): boolean => {
  if (value === undefined || value === null) return true
  return typeof value === 'object' && Object.keys(value).length === 0
}
