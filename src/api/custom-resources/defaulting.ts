import { lazily } from '../../base/lazily.ts'
import { copy } from '../decode.ts'
import { isJsonObject } from '../merge-patch.ts'
import { type JsonObject, setField } from '../object.ts'
import type { Structural } from './structural.ts'

/**
 * Fills in the defaults of fields that are missing, or null where null is no value; other such nulls go. Idempotent.
 * Changes the value.
 */
export function fillDefaults(schema: Structural, value: unknown): void {
  if (Array.isArray(value)) {
    const item = schema.items()
    if (!item) return
    value.forEach((element, index) => {
      if (element === null && !item.isNullable && item.default !== undefined) value[index] = copy(item.default)
      fillDefaults(item, value[index])
    })
    return
  }
  if (!isJsonObject(value)) return
  for (const [name, property] of withDefaults(schema))
    if (!Object.hasOwn(value, name) || (value[name] === null && !property.isNullable)) setField(value, name, copy(property.default))
  const properties = schema.properties()
  const additional = schema.additional()
  for (const name of Object.keys(value)) {
    const field = properties.get(name) ?? (typeof additional === 'object' ? additional : undefined)
    if (!field) continue
    if (value[name] === null && !field.isNullable) fillNull(field, value, name)
    fillDefaults(field, value[name])
  }
}

function fillNull(field: Structural, object: JsonObject, name: string): void {
  if (field.default === undefined) delete object[name]
  else setField(object, name, copy(field.default))
}

const known = new WeakMap<Structural, () => readonly (readonly [string, Structural])[]>()

/** The properties that have a default. */
function withDefaults(schema: Structural): readonly (readonly [string, Structural])[] {
  let defaults = known.get(schema)
  if (!defaults) {
    defaults = lazily(() => [...schema.properties()].filter(([, property]) => property.default !== undefined))
    known.set(schema, defaults)
  }
  return defaults()
}
