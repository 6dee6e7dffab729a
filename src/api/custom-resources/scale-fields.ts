import { isJsonObject } from '../merge-patch.ts'
import { type JsonObject, setField } from '../object.ts'

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

/** Sets what stands at the end of a path of names, making the objects on the way. */
export function putAt(object: JsonObject, [name, ...rest]: readonly string[], value: unknown): void {
  if (name === undefined) return
  if (rest.length === 0) {
    setField(object, name, value)
    return
  }
  const inner = Object.hasOwn(object, name) ? object[name] : undefined
  const next = isJsonObject(inner) ? inner : {}
  setField(object, name, next)
  putAt(next, rest, value)
}
