import type { JsonObject } from './object.ts'
import { canonicalQuantity } from './quantity.ts'
import type { ObjectSchema, Schema } from './schema.ts'

/** What decoding found beside the object. */
export interface Decoded {
  readonly object: JsonObject
  /** Fields that the kind does not have, as strict validation names them. */
  readonly unknownFields: readonly string[]
}

/** A value has the wrong type: becomes a BadRequest in upstream's words. */
export class DecodeError extends Error {
  override readonly name = 'DecodeError'
}

const maxDepth = 100

interface Pass {
  readonly kind: string
  readonly unknown: string[]
}

/**
 * A copy of a JSON value as a kind has it: unknown fields and nulls dropped, quantities canonical, types checked.
 * Keys are plain data: `__proto__` is a key like any other.
 */
export function decodeObject(schema: Schema, value: JsonObject, kind: string): Decoded {
  const pass: Pass = { kind, unknown: [] }
  const object = decodeValue(pass, schema, value, '', 0) as JsonObject
  return { object, unknownFields: pass.unknown }
}

function decodeValue(pass: Pass, schema: Schema, value: unknown, path: string, depth: number): unknown {
  if (depth > maxDepth) throw new DecodeError(`${pass.kind}.${path}: exceeded max depth`)
  switch (schema.type) {
    case 'object':
      return decodeFields(pass, schema, record(pass, value, path, schema.name ?? 'object'), path, depth)
    case 'map':
      return decodeMap(pass, schema.value(), record(pass, value, path, 'map'), path, depth)
    case 'list': {
      if (!Array.isArray(value)) return mismatch(pass, value, path, 'slice')
      const item = schema.item()
      return value.map((element, index) => decodeValue(pass, item, element, `${path}[${index}]`, depth + 1))
    }
    case 'bytes':
      return bytes(pass, value, path)
    case 'string':
    case 'time':
    case 'micro-time':
      return typeof value === 'string' ? value : mismatch(pass, value, path, 'string')
    case 'integer':
      return integer(pass, value, path, schema.format)
    case 'number':
      return typeof value === 'number' ? value : mismatch(pass, value, path, 'float64')
    case 'boolean':
      return typeof value === 'boolean' ? value : mismatch(pass, value, path, 'bool')
    case 'int-or-string':
      return typeof value === 'number' || typeof value === 'string' ? value : mismatch(pass, value, path, 'IntOrString')
    case 'quantity':
      return quantity(pass, value, path)
    case 'any':
      return copy(value, depth)
  }
}

function decodeFields(pass: Pass, schema: ObjectSchema, value: JsonObject, path: string, depth: number): JsonObject {
  const object: JsonObject = {}
  for (const name of Object.keys(value)) {
    const element = value[name]
    const field = schema.fields.get(name)
    if (!field) {
      if (schema.open) set(object, name, copy(element, depth))
      else pass.unknown.push(path === '' ? name : `${path}.${name}`)
    } else if (element !== null && element !== undefined) {
      const value = decodeValue(pass, field.schema(), element, path === '' ? name : `${path}.${name}`, depth + 1)
      if (!field.omitsZero || !isZero(value)) object[name] = value
    }
  }
  return object
}

/** What Go cannot tell from nothing where it has no pointer. */
const isZero = (value: unknown): boolean =>
  value === '' || value === 0 || value === false || (typeof value === 'object' && value !== null && Object.keys(value).length === 0)

function decodeMap(pass: Pass, schema: Schema, value: JsonObject, path: string, depth: number): JsonObject {
  const map: JsonObject = {}
  for (const key of Object.keys(value)) {
    const element = value[key]
    // A null in a map of strings is the empty string, as Go reads it.
    set(map, key, element === null && schema.type === 'string' ? '' : decodeValue(pass, schema, element, `${path}.${key}`, depth + 1))
  }
  return map
}

/** Assigning `__proto__` would change the prototype instead of adding a key. */
function set(object: JsonObject, key: string, value: unknown): void {
  if (key === '__proto__') Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true })
  else object[key] = value
}

function record(pass: Pass, value: unknown, path: string, type: string): JsonObject {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as JsonObject
  return mismatch(pass, value, path, type.split('.').pop() ?? type)
}

/** Base64, as JSON has bytes. */
function bytes(pass: Pass, value: unknown, path: string): string {
  if (typeof value !== 'string') return mismatch(pass, value, path, 'string')
  const at = value.search(/[^A-Za-z0-9+/=\r\n]/)
  const text = /[\r\n]/.test(value) ? value.replace(/[\r\n]/g, '') : value
  const padding = text.indexOf('=')
  const isPadded = padding < 0 || (text.length - padding <= 2 && /^={1,2}$/.test(text.slice(padding)))
  if (at < 0 && isPadded && text.length % 4 === 0) return text
  throw new DecodeError(
    `${pass.kind}.${path}: illegal base64 data at input byte ${at < 0 ? Math.max(padding, text.length - (text.length % 4)) : at}`,
  )
}

function integer(pass: Pass, value: unknown, path: string, format: string | undefined): number {
  const type = format === 'int64' ? 'int64' : 'int32'
  if (typeof value !== 'number') return mismatch(pass, value, path, type)
  // An int64 that a double cannot hold was changed already when it was parsed: refused rather than kept wrong.
  const fits = type === 'int64' ? Number.isSafeInteger(value) : Number.isInteger(value) && value >= -2_147_483_648 && value <= 2_147_483_647
  return fits ? value : mismatch(pass, value, path, type)
}

function quantity(pass: Pass, value: unknown, path: string): string {
  const canonical = typeof value === 'string' || typeof value === 'number' ? canonicalQuantity(value) : undefined
  if (canonical !== undefined) return canonical
  throw new DecodeError(
    `${pass.kind} in version cannot be handled: ${path}: quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'`,
  )
}

/** A deep copy of JSON. */
export function copy<T>(value: T, depth = 0): T {
  if (typeof value !== 'object' || value === null) return value
  if (depth > maxDepth) throw new DecodeError('exceeded max depth')
  if (Array.isArray(value)) return value.map((element) => copy(element, depth + 1)) as T
  const object: JsonObject = {}
  for (const key of Object.keys(value)) set(object, key, copy((value as JsonObject)[key], depth + 1))
  return object as T
}

/** Freezes a JSON value and all in it; what is shared between readers is never changed. */
export function freeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value
  for (const key of Object.keys(value)) freeze((value as JsonObject)[key])
  return Object.freeze(value)
}

function mismatch(pass: Pass, value: unknown, path: string, type: string): never {
  const shown = value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value === 'boolean' ? 'bool' : typeof value
  const text = shown === 'number' ? `number ${String(value)}` : shown
  throw new DecodeError(`json: cannot unmarshal ${text} into Go struct field ${pass.kind}.${path} of type ${type}`)
}
