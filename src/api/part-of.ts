import { isJsonObject } from './merge-patch.ts'
import type { JsonObject } from './object.ts'

/** The object that is a field's value; made where there is none, so that defaults can go into it. */
export function partOf(owner: JsonObject, field: string): JsonObject {
  const part = owner[field]
  if (isJsonObject(part)) return part
  const made: JsonObject = {}
  owner[field] = made
  return made
}
