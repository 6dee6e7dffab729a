import type { JsonObject } from '../object.ts'
import type { Message, MessageField } from './message.ts'
import type { WireWriter } from './wire-writer.ts'

/** Writes what JSON has of a message; fields that the message does not have are left out. */
export function writeMessage(writer: WireWriter, message: Message, object: JsonObject): void {
  // The writer goes backwards: the last field first, and of a list the last item.
  for (let index = message.fields.length - 1; index >= 0; index--) {
    const field = message.fields[index] as MessageField
    if (field.json === '') writeInlined(writer, field, object)
    else if (Object.hasOwn(object, field.json)) writeField(writer, field, object[field.json])
  }
}

function writeInlined(writer: WireWriter, field: MessageField, object: JsonObject): void {
  const before = writer.length
  writeMessage(writer, field.message(), object)
  if (writer.length > before) writer.close(field.number, before)
}

function writeField(writer: WireWriter, field: MessageField, value: unknown): void {
  if (value === undefined || value === null) return
  if (field.many === 'one') writeValue(writer, field, field.number, value)
  else if (field.many === 'map') {
    // Sorted, so that equal objects have equal bytes.
    for (const [key, element] of Object.entries(value).sort(byKey)) writeEntry(writer, field, key, element)
  } else if (Array.isArray(value))
    for (let index = value.length - 1; index >= 0; index--) writeValue(writer, field, field.number, value[index])
}

const byKey = ([left]: [string, unknown], [right]: [string, unknown]) => (left < right ? 1 : left > right ? -1 : 0)

function writeEntry(writer: WireWriter, field: MessageField, key: string, value: unknown): void {
  const before = writer.length
  if (value !== null && value !== undefined) writeValue(writer, field, 2, value)
  const beforeKey = writer.length
  writer.string(key)
  writer.close(1, beforeKey)
  writer.close(field.number, before)
}

function writeValue(writer: WireWriter, field: MessageField, number: number, value: unknown): void {
  const before = writer.length
  switch (field.scalar) {
    case 'integer':
      writer.integer(Number(value))
      writer.tag(number, 0)
      return
    case 'boolean':
      writer.integer(value === true ? 1 : 0)
      writer.tag(number, 0)
      return
    case 'double':
      writer.double(Number(value))
      writer.tag(number, 1)
      return
    case 'string':
      writer.string(String(value))
      break
    case 'bytes':
      writer.bytes(Buffer.from(String(value), 'base64'))
      break
    case undefined: {
      const message = field.message()
      const shape = specials.get(message.name)
      writeMessage(writer, message, shape ? shape(value) : (value as JsonObject))
    }
  }
  writer.close(number, before)
}

const machinery = 'io.k8s.apimachinery.pkg'
const extensions = 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1'

function timestamp(value: unknown): JsonObject {
  const text = String(value)
  const milliseconds = Date.parse(text)
  if (Number.isNaN(milliseconds)) return {}
  const fraction = /\.(\d{1,9})/.exec(text)?.[1] ?? ''
  return { seconds: Math.floor(milliseconds / 1000), nanos: Number(fraction.padEnd(9, '0')) }
}

const rawJson = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64')
const items = (value: unknown): JsonObject => ({ items: value })

/** What a type that looks different in JSON holds in its message. */
const specials: ReadonlyMap<string, (value: unknown) => JsonObject> = new Map<string, (value: unknown) => JsonObject>([
  [`${machinery}.apis.meta.v1.Time`, timestamp],
  [`${machinery}.apis.meta.v1.MicroTime`, timestamp],
  [`${machinery}.api.resource.Quantity`, (value) => ({ string: String(value) })],
  [
    `${machinery}.util.intstr.IntOrString`,
    (value) => (typeof value === 'number' ? { type: 0, intVal: value } : { type: 1, intVal: 0, strVal: String(value) }),
  ],
  [`${machinery}.runtime.RawExtension`, (value) => ({ raw: rawJson(value) })],
  [`${machinery}.apis.meta.v1.FieldsV1`, (value) => ({ Raw: rawJson(value) })],
  [`${machinery}.apis.meta.v1.Verbs`, items],
  ['io.k8s.api.authentication.v1.ExtraValue', items],
  ['io.k8s.api.authorization.v1.ExtraValue', items],
  ['io.k8s.api.certificates.v1.ExtraValue', items],
  [`${extensions}.JSON`, (value) => ({ raw: rawJson(value) })],
  [`${extensions}.JSONSchemaPropsOrArray`, (value) => (Array.isArray(value) ? { jSONSchemas: value } : { schema: value })],
  [`${extensions}.JSONSchemaPropsOrBool`, (value) => (typeof value === 'boolean' ? { allows: value } : { allows: true, schema: value })],
  [`${extensions}.JSONSchemaPropsOrStringArray`, (value) => (Array.isArray(value) ? { property: value } : { schema: value })],
])
