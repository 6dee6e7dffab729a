import { maxComplaints, maxPathLength } from './json-scan.ts'
import { type JsonObject, setField } from './object.ts'
import { type ParsedTime, parseMicroTime, parseTime } from './parse-time.ts'
import { canonicalQuantity } from './quantity.ts'
import type { ObjectSchema, Schema } from './schema.ts'

/** What decoding found beside the object. */
export interface Decoded {
  readonly object: JsonObject
  /** Fields that the kind does not have, as strict validation names them; the first of many. */
  readonly unknownFields: readonly string[]
  /** Whether it said something that is nothing to Go, such as `paused: false`. */
  readonly hasZeros: boolean
}

/** A value has the wrong type: becomes a BadRequest in upstream's words. */
export class DecodeError extends Error {
  override readonly name = 'DecodeError'
}

/** A wrong type on its way up: each object that it leaves adds the field it was in, the first one its name. */
class Mismatch extends Error {
  readonly value: string
  readonly type: string
  struct: string | undefined
  path = ''

  constructor(value: string, type: string) {
    super('mismatch')
    this.value = value
    this.type = type
  }
}

const maxDepth = 100

interface Pass {
  readonly unknown: string[]
  /** Keeps what Go cannot tell from nothing, where somebody says it. */
  readonly keepsZeros: boolean
  hasZeros: boolean
}

/**
 * A copy of a JSON value as a kind has it: unknown fields and nulls dropped, quantities canonical, types checked.
 * Keys are plain data: `__proto__` is a key like any other. `keepsZeros`: what Go cannot tell from nothing stays, as in
 * configurations that are applied, where who says `paused: false` means it.
 */
export function decodeObject(schema: Schema, value: JsonObject, kind: string, keepsZeros = false): Decoded {
  const pass: Pass = { unknown: [], keepsZeros, hasZeros: false }
  try {
    const object = decodeValue(pass, schema, value, '', 0) as JsonObject
    return { object, unknownFields: pass.unknown, hasZeros: pass.hasZeros }
  } catch (cause) {
    if (!(cause instanceof Mismatch)) throw cause
    const into = cause.path === '' ? 'value' : `struct field ${cause.struct ?? kind}.${cause.path}`
    throw new DecodeError(`json: cannot unmarshal ${cause.value} into Go ${into} of type ${cause.type}`, { cause })
  }
}

function decodeValue(pass: Pass, schema: Schema, value: unknown, path: string, depth: number): unknown {
  if (depth > maxDepth) throw new DecodeError('exceeded max depth')
  switch (schema.type) {
    case 'object':
      return decodeFields(pass, schema, record(value, goType(schema)), path, depth)
    case 'map':
      return decodeMap(pass, schema.value(), record(value, goType(schema)), path, depth)
    case 'list': {
      if (!Array.isArray(value)) return mismatch(value, goType(schema))
      const item = schema.item()
      return value.map((element, index) => decodeValue(pass, item, element, `${path}[${index}]`, depth + 1))
    }
    case 'bytes':
      return bytes(value)
    case 'string':
      return typeof value === 'string' ? value : mismatch(value, 'string')
    case 'time':
      return time(parseTime, value)
    case 'micro-time':
      return time(parseMicroTime, value)
    case 'integer':
      return integer(value, schema.format)
    case 'number':
      return typeof value === 'number' ? value : mismatch(value, 'float64')
    case 'boolean':
      return typeof value === 'boolean' ? value : mismatch(value, 'bool')
    case 'int-or-string':
      return typeof value === 'string' ? value : typeof value === 'number' ? integer(value, 'int32') : mismatch(value, 'intstr.IntOrString')
    case 'quantity':
      return quantity(value)
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
      if (schema.open) setField(object, name, copy(element, depth))
      else if (pass.unknown.length < maxComplaints) pass.unknown.push((path === '' ? name : `${path}.${name}`).slice(0, maxPathLength))
    } else if (element !== null && element !== undefined) {
      const value = decodeField(pass, schema, name, field.schema(), element, path, depth)
      const isNothing = field.omitsZero === true && isZero(value)
      if (isNothing) pass.hasZeros = true
      if (!isNothing || pass.keepsZeros) object[name] = value
    }
  }
  return object
}

function decodeField(pass: Pass, owner: ObjectSchema, name: string, schema: Schema, value: unknown, path: string, depth: number): unknown {
  try {
    return decodeValue(pass, schema, value, path === '' ? name : `${path}.${name}`, depth + 1)
  } catch (error) {
    if (error instanceof Mismatch) {
      error.struct ??= owner.name?.split('.').at(-1)
      error.path = error.path === '' ? name : `${name}.${error.path}`
    }
    throw error
  }
}

/** What Go cannot tell from nothing where it has no pointer. */
const isZero = (value: unknown): boolean =>
  value === '' || value === 0 || value === false || (typeof value === 'object' && value !== null && Object.keys(value).length === 0)

function decodeMap(pass: Pass, schema: Schema, value: JsonObject, path: string, depth: number): JsonObject {
  const map: JsonObject = {}
  for (const key of Object.keys(value)) {
    const element = value[key]
    // A null in a map of strings is the empty string, as Go reads it.
    setField(map, key, element === null && schema.type === 'string' ? '' : decodeValue(pass, schema, element, `${path}.${key}`, depth + 1))
  }
  return map
}

function record(value: unknown, type: string): JsonObject {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as JsonObject
  return mismatch(value, type)
}

/** Base64, as JSON has bytes. */
function bytes(value: unknown): string {
  if (typeof value !== 'string') return mismatch(value, '[]uint8')
  const at = value.search(/[^A-Za-z0-9+/=\r\n]/)
  const text = /[\r\n]/.test(value) ? value.replace(/[\r\n]/g, '') : value
  const padding = text.indexOf('=')
  const isPadded = padding < 0 || (text.length - padding <= 2 && /^={1,2}$/.test(text.slice(padding)))
  if (at < 0 && isPadded && text.length % 4 === 0) return text
  throw new DecodeError(`illegal base64 data at input byte ${at < 0 ? Math.max(padding, text.length - (text.length % 4)) : at}`)
}

function integer(value: unknown, format: string | undefined): number {
  const type = format === 'int64' ? 'int64' : 'int32'
  if (typeof value !== 'number') return mismatch(value, type)
  // An int64 that a double cannot hold was changed already when it was parsed: refused rather than kept wrong.
  const fits = type === 'int64' ? Number.isSafeInteger(value) : Number.isInteger(value) && value >= -2_147_483_648 && value <= 2_147_483_647
  return fits ? value : mismatch(value, type, `number ${String(value)}`)
}

function time(parse: (text: string) => ParsedTime, value: unknown): string {
  const parsed = parse(typeof value === 'string' ? value : mismatch(value, 'string'))
  if ('problem' in parsed) throw new DecodeError(parsed.problem)
  return parsed.text
}

function quantity(value: unknown): string {
  const canonical = typeof value === 'string' || typeof value === 'number' ? canonicalQuantity(value) : undefined
  if (canonical !== undefined) return canonical
  throw new DecodeError("quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'")
}

/** A deep copy of JSON. */
export function copy<T>(value: T, depth = 0): T {
  if (typeof value !== 'object' || value === null) return value
  if (depth > maxDepth) throw new DecodeError('exceeded max depth')
  if (Array.isArray(value)) return value.map((element) => copy(element, depth + 1)) as T
  const object: JsonObject = {}
  for (const key of Object.keys(value)) setField(object, key, copy((value as JsonObject)[key], depth + 1))
  return object as T
}

/** Freezes a JSON value and all in it; what is shared between readers is never changed. */
export function freeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value
  for (const key of Object.keys(value)) freeze((value as JsonObject)[key])
  return Object.freeze(value)
}

function mismatch(value: unknown, type: string, shown = shownAs(value)): never {
  throw new Mismatch(shown, type)
}

const shownAs = (value: unknown) =>
  value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value === 'boolean' ? 'bool' : typeof value

/** The type as Go names it: `v1.PodSpec`, `[]v1.Container`, `map[string]string`. */
function goType(schema: Schema): string {
  switch (schema.type) {
    case 'object': {
      const [name, version] = (schema.name ?? 'object').split('.').reverse()
      return version === undefined ? `${name}` : `${version}.${name}`
    }
    case 'map':
      return `map[string]${goType(schema.value())}`
    case 'list':
      return `[]${goType(schema.item())}`
    case 'bytes':
      return '[]uint8'
    case 'time':
      return 'v1.Time'
    case 'micro-time':
      return 'v1.MicroTime'
    case 'integer':
      return schema.format === 'int64' ? 'int64' : 'int32'
    case 'number':
      return 'float64'
    case 'boolean':
      return 'bool'
    case 'int-or-string':
      return 'intstr.IntOrString'
    case 'quantity':
      return 'resource.Quantity'
    case 'string':
      return 'string'
    case 'any':
      return 'interface {}'
  }
}
