/** More values than these are looked up in a set, made once for a list that is asked many times. */
const manyValues = 16
const sets = new WeakMap<readonly string[], ReadonlySet<string>>()

/** Whether a list has a value, in constant time however long it is; lists that are asked must not change any more. */
export function includesValue(values: readonly string[], value: string): boolean {
  if (values.length <= manyValues) return values.includes(value)
  const set = sets.get(values) ?? new Set(values)
  sets.set(values, set)
  return set.has(value)
}
