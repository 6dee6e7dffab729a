import type { JsonObject } from './object.ts'
import type { Schema } from './schema.ts'

/**
 * What Go writes for a struct that nobody filled in: structs that it never leaves out, and required scalars as zeros.
 * Required lists and maps are left out, as null means nothing to decoders.
 */
export function zeroValue(schema: Schema): JsonObject {
  const value: JsonObject = {}
  if (schema.type !== 'object') return value
  for (const [name, field] of schema.fields) {
    const inner = field.schema()
    switch (inner.type) {
      case 'object':
        if (field.always) value[name] = zeroValue(inner)
        break
      case 'integer':
      case 'number':
        if (schema.required.has(name)) value[name] = 0
        break
      case 'boolean':
        if (schema.required.has(name)) value[name] = false
        break
      case 'string':
        if (schema.required.has(name)) value[name] = ''
        break
      default:
    }
  }
  return value
}
