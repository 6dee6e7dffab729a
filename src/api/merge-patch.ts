import type { JsonObject } from './object.ts'

/** RFC 7386: null removes, objects merge, everything else replaces. Neither argument is changed. */
export function mergePatch(original: unknown, patch: unknown): unknown {
  if (!isJsonObject(patch)) return patch
  const result: Map<string, unknown> = new Map(isJsonObject(original) ? Object.entries(original) : [])
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) result.delete(key)
    else result.set(key, mergePatch(result.get(key), value))
  }
  // fromEntries defines `__proto__` as a key like any other.
  return Object.fromEntries(result)
}

export const isJsonObject = (value: unknown): value is JsonObject => typeof value === 'object' && value !== null && !Array.isArray(value)
