import { type DecodeOptions, decode, type EncodeOptions, encode, Token, Type } from 'cborg'
import { DecodeError } from './decode.ts'
import { isJsonObject } from './merge-patch.ts'
import { type JsonObject, setField } from './object.ts'

/**
 * CBOR (RFC 8949) as upstream speaks it (KEP-4222): JSON's values, whose texts and keys are byte strings, since Go's texts
 * need not be UTF-8. Both kinds of strings are read. Every item begins with the tag that says it is CBOR.
 */
export function encodeCbor(value: unknown): Buffer {
  return Buffer.concat([selfDescribed, encodeCborItem(value)])
}

/** An event of a watch, one item of a CBOR sequence (RFC 8742). */
export const encodeCborEvent = (type: string, object: unknown): Buffer => encodeCbor({ type, object })

/** What opens a list whose items follow one by one. */
export function openCborList(head: object, field: string, length: number): Buffer {
  const fields = Object.entries(head).filter(([, value]) => value !== undefined)
  const parts: Uint8Array[] = [selfDescribed, lengthOf(5, fields.length + 1)]
  for (const [name, value] of fields) parts.push(encodeCborItem(name), encodeCborItem(value))
  parts.push(encodeCborItem(field), lengthOf(4, length))
  return Buffer.concat(parts)
}

/** A value inside another. */
export const encodeCborItem = (value: unknown): Uint8Array => encode(value, encodeOptions)

/** The head of a list (major type 4) or a map (5). */
function lengthOf(major: 4 | 5, length: number): Buffer {
  const head = Buffer.alloc(5)
  head[0] = (major << 5) | 26
  head.writeUInt32BE(length, 1)
  return head
}

/** The object in JSON's shape; a DecodeError for what JSON could not hold, for a key that stands twice and for what nests too deep. */
export function decodeCbor(bytes: Uint8Array): JsonObject {
  const value = plain(decoded(bytes), 0)
  if (isJsonObject(value)) return value
  throw new DecodeError('cbor: the item is not a map')
}

const selfDescribed = Buffer.from('d9d9f7', 'hex')

const encodeOptions: EncodeOptions = {
  ignoreUndefinedProperties: true,
  typeEncoders: { string: (text: string) => new Token(Type.bytes, Buffer.from(text)) },
}

/** Bytes that stand for a text in another alphabet, which is how JSON has them. */
const asText = (encoding: 'base64url' | 'base64' | 'hex') => (decodeContent: () => unknown) => {
  const content = decodeContent()
  if (content instanceof Uint8Array) return bufferOf(content).toString(encoding)
  throw new DecodeError('cbor: a tag for bytes is on something else')
}

const decodeOptions: DecodeOptions = {
  // Keys are mostly byte strings, which objects cannot have.
  useMaps: true,
  allowBigInt: false,
  allowInfinity: false,
  allowNaN: false,
  coerceUndefinedToNull: true,
  tags: {
    0: (decodeContent) => decodeContent(),
    21: asText('base64url'),
    22: asText('base64'),
    23: asText('hex'),
    55799: (decodeContent) => decodeContent(),
  },
}

function decoded(bytes: Uint8Array): unknown {
  try {
    return decode(bytes, decodeOptions)
  } catch (cause) {
    if (cause instanceof DecodeError) throw cause
    if (cause instanceof RangeError) throw new DecodeError('exceeded max depth', { cause })
    // All of the library's refusals begin so.
    if (cause instanceof Error && cause.message.startsWith('CBOR decode error:')) throw new DecodeError(cause.message, { cause })
    throw cause
  }
}

const maxDepth = 100

function plain(value: unknown, depth: number): unknown {
  if (value instanceof Uint8Array) return textOf(value)
  if (typeof value !== 'object' || value === null) return value
  if (depth > maxDepth) throw new DecodeError('exceeded max depth')
  if (Array.isArray(value)) return value.map((item) => plain(item, depth + 1))
  const object: JsonObject = {}
  for (const [key, item] of value as Map<unknown, unknown>) {
    const name = key instanceof Uint8Array ? textOf(key) : key
    if (typeof name !== 'string') throw new DecodeError('cbor: a key is no text')
    if (Object.hasOwn(object, name)) throw new DecodeError(`cbor: found duplicate map key ${JSON.stringify(name)}`)
    setField(object, name, plain(item, depth + 1))
  }
  return object
}

const bufferOf = (bytes: Uint8Array) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
const textOf = (bytes: Uint8Array) => bufferOf(bytes).toString()
