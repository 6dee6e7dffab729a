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
  /** A frame of a watch: its length in four bytes, then a WatchEvent. */
  encodeEvent(type: string, object: JsonObject): Buffer | undefined
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
    // Go writes contentEncoding and contentType also when they are empty.
    writer.close(4, 0)
    writer.close(3, writer.length)
    const before = writer.length
    writeMessage(writer, message, object)
    writer.close(2, before)
    const beforeType = writer.length
    writeText(writer, 2, String(object.kind))
    writeText(writer, 1, String(object.apiVersion))
    writer.close(1, beforeType)
    writer.bytes(magic)
    return writer.take()
  }
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
