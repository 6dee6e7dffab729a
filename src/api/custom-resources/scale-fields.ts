import { isJsonObject } from '../merge-patch.ts'

/** `.spec.replicas` as the names that lead there. */
export const fieldNames = (path: string): readonly string[] => path.split('.').slice(1)

/** What stands at the end of a path of names. */
export function valueAt(object: unknown, names: readonly string[]): unknown {
  let value = object
  for (const name of names) {
    if (!isJsonObject(value) || !Object.hasOwn(value, name)) return undefined
    value = value[name]
  }
  return value
}
