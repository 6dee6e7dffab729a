import { DecodeError } from '../decode.ts'
import type { JsonObject } from '../object.ts'
import type { Definitions } from '../schema-of.ts'
import { decodeMessage } from './decode-message.ts'
import { writeMessage } from './encode-message.ts'
import { type Message, messageSource } from './message.ts'
import { WireReader } from './wire-reader.ts'
import { WireWriter } from './wire-writer.ts'

/** Objects of the built-in types in protobuf, each in an envelope that names its type: `k8s\0` and a runtime.Unknown. */
export interface ProtobufCodec {
  /** The object in JSON's shape, or a DecodeError. */
  decode(bytes: Uint8Array): JsonObject
  /** Undefined for a type that the facts do not have (a custom resource). */
  encode(object: JsonObject): Buffer | undefined
  /** Whether the facts have the type's message. */
  knows(type: { readonly apiVersion: string; readonly kind: string }): boolean
  /** A list whose items are encoded one by one; undefined as `encode` is. */
  listEncoding(head: JsonObject): ListEncoding | undefined
  /** A frame of a watch: its length in four bytes, then a WatchEvent. */
  encodeEvent(type: string, object: JsonObject): Buffer | undefined
}

/** A list's bytes: what opens it, its items, what closes it. */
export interface ListEncoding {
  item(object: JsonObject): Buffer
  /** Lengths stand first, so that of all items together is known when the first byte is written. */
  opening(itemBytes: number): Buffer
  readonly closing: Buffer
}

/**
 * A wire codec of our own over the facts: half of Kubernetes' types look different in JSON than in their messages (inlined
 * structs, times, quantities, raw JSON), which with a general library means a second pass over every object, and its
 * reflection data would be five times as large as the facts' texts.
 */
export function protobufCodec(definitions: Definitions, texts: Readonly<Record<string, string>>): ProtobufCodec {
  const messageOf = messageSource(texts)
  let names: ReadonlyMap<string, string> | undefined
  const forType = (apiVersion: unknown, kind: unknown): Message | undefined => {
    names ??= namesByType(definitions)
    const name = names.get(`${String(apiVersion)}/${String(kind)}`)
    return name === undefined ? undefined : messageOf(name)
  }

  return {
    decode(bytes) {
      const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
      if (!buffer.subarray(0, magic.length).equals(magic))
        throw new DecodeError('provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]')
      const { apiVersion, kind, raw, contentType } = unwrap(new WireReader(buffer, magic.length, buffer.length))
      if (contentType !== '') throw new DecodeError(`unable to decode content of type "${contentType}"`)
      const message = forType(apiVersion, kind)
      if (!message) throw new DecodeError(`no kind "${kind}" is registered for version "${apiVersion}"`)
      return { apiVersion, kind, ...decodeMessage(message, new WireReader(raw, 0, raw.length)) }
    },

    encode(object) {
      const message = forType(object.apiVersion, object.kind)
      return message && enveloped(object, message)
    },

    knows: ({ apiVersion, kind }) => forType(apiVersion, kind) !== undefined,

    listEncoding(head) {
      const message = forType(head.apiVersion, head.kind)
      const field = message?.byName.get('items')
      if (!message || !field) return undefined
      const inside = new WireWriter()
      writeMessage(inside, message, head)
      const first = inside.take()
      return {
        item(object) {
          const writer = new WireWriter()
          writeMessage(writer, field.message(), object)
          writer.close(field.number, 0)
          return writer.take()
        },
        opening(itemBytes) {
          const writer = new WireWriter()
          writer.bytes(first)
          writer.integer(first.length + itemBytes)
          writer.tag(2, 2)
          writeType(writer, head)
          return writer.take()
        },
        closing: emptyEnd,
      }
    },

    encodeEvent(type, object) {
      const message = forType(object.apiVersion, object.kind)
      if (!message) return undefined
      const writer = new WireWriter()
      writer.bytes(enveloped(object, message))
      writer.close(1, 0)
      writer.close(2, 0)
      const before = writer.length
      writer.string(type)
      writer.close(1, before)
      const body = writer.take()
      const length = Buffer.alloc(4)
      length.writeUInt32BE(body.length)
      return Buffer.concat([length, body])
    },
  }

  function enveloped(object: JsonObject, message: Message): Buffer {
    const writer = new WireWriter()
    writer.bytes(emptyEnd)
    const before = writer.length
    writeMessage(writer, message, object)
    writer.close(2, before)
    writeType(writer, object)
    return writer.take()
  }
}

/** Go writes contentEncoding and contentType also when they are empty. */
const emptyEnd = Buffer.from([3 * 8 + 2, 0, 4 * 8 + 2, 0])

function writeType(writer: WireWriter, { apiVersion, kind }: JsonObject): void {
  const before = writer.length
  writeText(writer, 2, String(kind))
  writeText(writer, 1, String(apiVersion))
  writer.close(1, before)
  writer.bytes(magic)
}

const magic = Buffer.from('k8s\0')
const metaPackage = 'io.k8s.apimachinery.pkg.apis.meta.v1'

function writeText(writer: WireWriter, number: number, text: string): void {
  const before = writer.length
  writer.string(text)
  writer.close(number, before)
}

interface Envelope {
  apiVersion: string
  kind: string
  raw: Buffer
  contentType: string
}

/** runtime.Unknown: typeMeta (apiVersion = 1, kind = 2) = 1, raw = 2, contentEncoding = 3, contentType = 4. */
function unwrap(reader: WireReader): Envelope {
  const envelope: Envelope = { apiVersion: '', kind: '', raw: Buffer.alloc(0), contentType: '' }
  while (!reader.isDone) {
    const tag = reader.integer()
    if (tag === tagOf(1)) {
      const type = reader.nested()
      while (!type.isDone) {
        const inner = type.integer()
        if (inner === tagOf(1)) envelope.apiVersion = type.string()
        else if (inner === tagOf(2)) envelope.kind = type.string()
        else type.skip(inner % 8)
      }
    } else if (tag === tagOf(2)) envelope.raw = reader.bytes()
    else if (tag === tagOf(4)) envelope.contentType = reader.string()
    else reader.skip(tag % 8)
  }
  return envelope
}

const tagOf = (number: number) => number * 8 + 2

/** Definition names by `apiVersion/kind`; types that every group has (DeleteOptions) have many. */
function namesByType(definitions: Definitions): ReadonlyMap<string, string> {
  const names = new Map<string, string>(
    ['PartialObjectMetadata', 'PartialObjectMetadataList'].map((kind) => [`meta.k8s.io/v1/${kind}`, `${metaPackage}.${kind}`]),
  )
  for (const [name, schema] of Object.entries(definitions)) {
    for (const { group, version, kind } of schema['x-kubernetes-group-version-kind'] ?? [])
      names.set(`${group === '' ? '' : `${group}/`}${version}/${kind}`, name)
  }
  return names
}
