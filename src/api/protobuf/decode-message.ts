import { DecodeError } from '../decode.ts'
import type { JsonObject } from '../object.ts'
import type { Message, MessageField } from './message.ts'
import type { WireReader } from './wire-reader.ts'

const maxDepth = 100

/** A message as JSON has it. */
export function decodeMessage(message: Message, reader: WireReader, depth = 0): JsonObject {
  const object: JsonObject = {}
  decodeInto(object, message, reader, depth)
  return object
}

function decodeInto(object: JsonObject, message: Message, reader: WireReader, depth: number): void {
  if (depth > maxDepth) throw new DecodeError('exceeded max depth')
  while (!reader.isDone) {
    const tag = reader.integer()
    const field = message.byNumber[Math.floor(tag / 8)]
    if (!field || !fits(field, tag % 8)) reader.skip(tag % 8)
    else if (field.json === '') decodeInto(object, field.message(), reader.nested(), depth + 1)
    else decodeField(object, field, reader, depth)
  }
}

/** A field of another wire type is treated as one that is not known. */
function fits({ scalar, many }: MessageField, wireType: number): boolean {
  if (many === 'map') return wireType === 2
  return wireType === (scalar === 'integer' || scalar === 'boolean' ? 0 : scalar === 'double' ? 1 : 2)
}

function decodeField(object: JsonObject, field: MessageField, reader: WireReader, depth: number): void {
  const { json } = field
  if (field.many === 'map') {
    object[json] ??= {}
    decodeEntry(object[json] as JsonObject, field, reader.nested(), depth)
  } else if (field.many === 'list') {
    object[json] ??= []
    const list = object[json] as unknown[]
    list.push(decodeValue(field, reader, depth) ?? null)
  } else {
    const value = decodeValue(field, reader, depth)
    // Go's JSON leaves out no struct, whatever it holds: `targetPort: 0`.
    const isKept = field.zero === 'kept' || field.scalar === undefined || !isZero(value)
    if (value !== undefined && isKept) object[json] = value
  }
}

const isZero = (value: unknown) => value === 0 || value === '' || value === false

function decodeEntry(map: JsonObject, field: MessageField, reader: WireReader, depth: number): void {
  let key = ''
  let value: unknown
  while (!reader.isDone) {
    const tag = reader.integer()
    if (tag === keyTag) key = reader.string()
    else if (tag >> 3 === 2) value = decodeValue(field, reader, depth)
    else reader.skip(tag % 8)
  }
  // A key may be __proto__, which an assignment would take for the prototype.
  Object.defineProperty(map, key, { value: value ?? zeroOf(field), enumerable: true, configurable: true, writable: true })
}

const keyTag = 10

const zeroOf = ({ scalar }: MessageField) =>
  scalar === 'string' || scalar === 'bytes' ? '' : scalar === 'boolean' ? false : scalar === undefined ? {} : 0

function decodeValue(field: MessageField, reader: WireReader, depth: number): unknown {
  switch (field.scalar) {
    case 'string':
      return reader.string()
    case 'bytes':
      return reader.bytes().toString('base64')
    case 'integer':
      return reader.integer()
    case 'boolean':
      return reader.integer() !== 0
    case 'double':
      return reader.double()
    case undefined: {
      const message = field.message()
      const special = specials.get(message.name)
      return special ? special(reader.nested(), message, depth) : decodeMessage(message, reader.nested(), depth + 1)
    }
  }
}

type Special = (reader: WireReader, message: Message, depth: number) => unknown

const timestamp =
  (fraction: (nanos: number) => string): Special =>
  (reader, message, depth) => {
    const { seconds = 0, nanos = 0 } = decodeMessage(message, reader, depth) as { seconds?: number; nanos?: number }
    if (seconds === 0 && nanos === 0) return undefined
    const time = new Date(seconds * 1000)
    if (Number.isNaN(time.getTime())) throw new DecodeError(`${seconds} seconds are no time`)
    return time.toISOString().replace('.000Z', `${fraction(nanos)}Z`)
  }

const rawJson: Special = (reader, message, depth) => {
  const { raw, Raw } = decodeMessage(message, reader, depth)
  const text = Buffer.from(String(raw ?? Raw ?? ''), 'base64').toString()
  if (text === '') return undefined
  try {
    return JSON.parse(text) as unknown
  } catch (cause) {
    throw new DecodeError(`json parse error: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
  }
}

const items: Special = (reader, message, depth) => decodeMessage(message, reader, depth).items ?? []

const eitherOf =
  (alternative: string): Special =>
  (reader, message, depth) => {
    const object = decodeMessage(message, reader, depth + 1)
    return object.schema ?? object[alternative] ?? (alternative === 'allows' ? false : [])
  }

const machinery = 'io.k8s.apimachinery.pkg'
const extensions = 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1'

/** Types that look different in JSON; undefined stands for Go's zero, which JSON leaves out. */
const specials: ReadonlyMap<string, Special> = new Map<string, Special>([
  [`${machinery}.apis.meta.v1.Time`, timestamp(() => '')],
  [`${machinery}.apis.meta.v1.MicroTime`, timestamp((nanos) => `.${String(Math.floor(nanos / 1000)).padStart(6, '0')}`)],
  [`${machinery}.api.resource.Quantity`, (reader, message, depth) => decodeMessage(message, reader, depth).string ?? '0'],
  [
    `${machinery}.util.intstr.IntOrString`,
    (reader, message, depth) => {
      const { type, intVal = 0, strVal = '' } = decodeMessage(message, reader, depth)
      return type === 1 ? strVal : intVal
    },
  ],
  [`${machinery}.runtime.RawExtension`, rawJson],
  [`${machinery}.apis.meta.v1.FieldsV1`, rawJson],
  [`${machinery}.apis.meta.v1.Verbs`, items],
  ['io.k8s.api.authentication.v1.ExtraValue', items],
  ['io.k8s.api.authorization.v1.ExtraValue', items],
  ['io.k8s.api.certificates.v1.ExtraValue', items],
  [`${extensions}.JSON`, rawJson],
  [`${extensions}.JSONSchemaPropsOrArray`, eitherOf('jSONSchemas')],
  [`${extensions}.JSONSchemaPropsOrBool`, eitherOf('allows')],
  [`${extensions}.JSONSchemaPropsOrStringArray`, eitherOf('property')],
])
