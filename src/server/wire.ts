import { stringify } from 'yaml'
import { decodeCbor, encodeCbor, encodeCborEvent, encodeCborItem, openCborList } from '../api/cbor.ts'
import { DecodeError } from '../api/decode.ts'
import type { ApiReply, ApiRequest, ApiWatchEvent, ListParts, ReplyBody, WatchSink } from '../api/exchange.ts'
import type { Kind } from '../api/kind.ts'
import type { JsonObject } from '../api/object.ts'
import type { ListEncoding, ProtobufCodec } from '../api/protobuf/envelope.ts'
import { apiVersionOf } from '../api/resource-ref.ts'
import { StatusError } from '../api/status-error.ts'
import { assert } from '../base/assert.ts'
import { inTurns } from '../base/turns.ts'
import { rememberDoubled, textOf } from './body.ts'
import { asksForJson, negotiate, type Reading, type Representation, wholeJson } from './negotiation.ts'
import { notAcceptable } from './routing-errors.ts'
import { maxYamlInPlace, type ReadYaml } from './yaml-reader.ts'

/**
 * Formats beside JSON, at the server's edge: a body in protobuf or CBOR becomes an object like those of in-process callers,
 * and a reply is written in the format that its caller asks for first. Everything between knows objects only.
 */
export interface Wire {
  /** The request with its body decoded, where that is protobuf or CBOR. Upstream takes bodies as they come, whatever Content-Encoding says. */
  decoded(request: ApiRequest): ApiRequest
  /** The same, with JSON in place of much YAML. */
  read(request: ApiRequest): ApiRequest | Promise<ApiRequest>
  /**
   * How the caller wants the kind's objects shown. Throws where it takes nothing that they are written in; not so for what
   * stands behind a subresource (logs, proxied pages), which has formats of its own.
   */
  accepted(request: ApiRequest, kind: Kind, reading: Reading, isOwnFormat: boolean): Representation
  write(request: ApiRequest, reply: ApiReply): ApiReply | Promise<ApiReply>
}

interface ObjectType {
  readonly apiVersion: string
  readonly kind: string
}

const protobufType = 'application/vnd.kubernetes.protobuf'
const cborType = 'application/cbor'
const wholeTypes = ['application/json', 'application/yaml', protobufType]
const watchedTypes = ['application/json;stream=watch', `${protobufType};stream=watch`]
/** How many items of a list are encoded before others get a turn. */
const slice = 100

export function createWire(protobuf: ProtobufCodec, readYaml: ReadYaml): Wire {
  /** Events are shared by all watchers, so what one of them was written as serves all. */
  const written = { protobuf: new WeakMap<object, Map<string, Uint8Array>>(), cbor: new WeakMap<object, Map<string, Uint8Array>>() }

  /** Of bodies that were much YAML. */
  const jsonOf = new WeakMap<Uint8Array, Buffer>()

  return {
    decoded,

    read(request) {
      const { body, headers } = request
      const type = mediaType(headers['content-type'])
      if (type !== 'application/yaml' && type !== 'application/apply-patch+yaml') return decoded(request)
      return body instanceof Uint8Array && isMuchYaml(body) ? inJson(request, body) : request
    },

    accepted({ headers }, kind, reading, isOwnFormat) {
      if (asksForJson(headers.accept)) return wholeJson
      const hasMessage = protobuf.knows({ apiVersion: apiVersionOf(kind), kind: kind.kind })
      const found = negotiate(headers.accept, { hasMessage, isWatch: reading === 'watch' })
      if (typeof found !== 'string') return found
      if (isOwnFormat) return wholeJson
      // Lists may also be watched.
      if (found === 'unknown') throw notAcceptable(reading === 'one' ? wholeTypes : [...wholeTypes, ...watchedTypes])
      throw onlyAccepted(reading === 'watch' ? watchedTypes : wholeTypes)
    },

    write(request, reply) {
      if (asksForJson(request.headers.accept)) return reply
      const { body, headers } = reply
      if (headers['content-type'] !== 'application/json' || (body.type !== 'object' && body.type !== 'watch')) return reply
      const hasMessage = body.type === 'object' ? protobuf.knows(body.object as ObjectType) : !body.objects || protobuf.knows(body.objects)
      const found = negotiate(request.headers.accept, { hasMessage, isWatch: body.type === 'watch' })
      const format = typeof found === 'string' ? 'json' : found.format
      if (format === 'json') return reply
      return body.type === 'watch' ? watchIn(format, reply, body.open) : objectIn(format, reply, body)
    },
  }

  function decoded(request: ApiRequest): ApiRequest {
    const { body, headers } = request
    if (!(body instanceof Uint8Array) || body.length === 0) return request
    const json = jsonOf.get(body)
    if (json) return { ...request, body: json }
    const type = mediaType(headers['content-type'])
    const isApply = type === 'application/apply-patch+cbor'
    if (type !== protobufType && type !== cborType && !isApply) return request
    try {
      const object = type === protobufType ? protobuf.decode(body) : decodeCbor(body)
      const contentType = isApply ? 'application/apply-patch+yaml' : 'application/json'
      return { ...request, body: object, headers: { ...headers, 'content-type': contentType } }
    } catch (cause) {
      if (cause instanceof DecodeError) throw new StatusError('BadRequest', cause.message, undefined, { cause })
      throw cause
    }
  }

  async function inJson(request: ApiRequest, body: Uint8Array): Promise<ApiRequest> {
    const answer = await readYaml(textOf(body))
    switch (answer.type) {
      case 'unreadable':
        throw new StatusError('BadRequest', `error converting YAML to JSON: ${answer.problem}`)
      case 'read': {
        const json = Buffer.from(answer.json)
        rememberDoubled(json, answer.doubled)
        jsonOf.set(body, json)
        return { ...request, body: json }
      }
    }
  }

  function objectIn(format: 'yaml' | 'protobuf' | 'cbor', reply: ApiReply, { object, list }: ObjectBody): ApiReply | Promise<ApiReply> {
    switch (format) {
      case 'yaml':
        return { ...typed(reply, 'application/yaml'), body: { type: 'stream', stream: yamlOf(object, list) } }
      case 'protobuf': {
        const encoding = list && protobuf.listEncoding(list.head as JsonObject)
        if (list && encoding) return protobufList(reply, list, encoding)
        const bytes = protobuf.encode(object as JsonObject)
        assert(bytes, 'what is negotiated as protobuf has a message')
        return { ...typed(reply, protobufType), body: { type: 'bytes', chunks: [bytes] } }
      }
      case 'cbor':
        if (list) return cborListReply(reply, list)
        return { ...typed(reply, cborType), body: { type: 'bytes', chunks: [encodeCbor(object)] } }
    }
  }

  function watchIn(format: 'yaml' | 'protobuf' | 'cbor', reply: ApiReply, open: (sink: WatchSink) => void): ApiReply {
    switch (format) {
      case 'protobuf':
        return { ...typed(reply, `${protobufType};stream=watch`), body: { type: 'watch', open: (sink) => open(framed('protobuf', sink)) } }
      case 'cbor':
        return { ...typed(reply, 'application/cbor-seq'), body: { type: 'watch', open: (sink) => open(framed('cbor', sink)) } }
      case 'yaml':
        return reply
    }
  }

  function framed(format: 'protobuf' | 'cbor', sink: WatchSink): WatchSink {
    return {
      event: (event) => sink.event({ type: event.type, object: event.object, bytes: () => frameOf(format, event) }),
      ...(sink.ready && { ready: () => sink.ready?.() ?? Promise.resolve() }),
      end: () => sink.end(),
    }
  }

  function frameOf(format: 'protobuf' | 'cbor', { type, object }: ApiWatchEvent<unknown>): Uint8Array {
    const key = object as object
    const frames = written[format].get(key) ?? new Map<string, Uint8Array>()
    written[format].set(key, frames)
    let frame = frames.get(type)
    if (!frame) {
      frame = format === 'cbor' ? encodeCborEvent(type, object) : protobuf.encodeEvent(type, object as JsonObject)
      assert(frame, 'what is watched in protobuf has a message')
      frames.set(type, frame)
    }
    return frame
  }
}

/** Many send JSON as YAML (kubectl applies so), which needs no other reader. */
const isMuchYaml = (body: Uint8Array) => body.length > maxYamlInPlace && !looksLikeJson(body)

/** JSON's objects begin with a brace, and flow mappings of YAML that are none of these are seldom. */
function looksLikeJson(body: Uint8Array): boolean {
  if (!/^\s*\{/.test(textOf(body.subarray(0, 64)))) return false
  try {
    JSON.parse(textOf(body))
    return true
  } catch (cause) {
    if (cause instanceof SyntaxError) return false
    throw cause
  }
}

type ObjectBody = Extract<ReplyBody, { type: 'object' }>

const typed = ({ status, headers }: ApiReply, contentType: string) => ({ status, headers: { ...headers, 'content-type': contentType } })

async function protobufList(reply: ApiReply, list: ListParts, { opening, item, closing }: ListEncoding): Promise<ApiReply> {
  const items: Uint8Array[] = []
  let length = 0
  for await (const object of inTurns(list.items(), slice)) {
    const bytes = item(object as JsonObject)
    length += bytes.length
    items.push(bytes)
  }
  return { ...typed(reply, protobufType), body: { type: 'bytes', chunks: [opening(length), ...items, closing] } }
}

async function cborListReply(reply: ApiReply, list: ListParts): Promise<ApiReply> {
  const items: Uint8Array[] = []
  for await (const object of inTurns(list.items(), slice)) items.push(encodeCborItem(object))
  return { ...typed(reply, cborType), body: { type: 'bytes', chunks: [openCborList(list.head, list.field, items.length), ...items] } }
}

const mediaType = (header: string | undefined) => header?.split(';', 1)[0]?.trim().toLowerCase()

/** Upstream's words where a format is known, and not what is asked of it. */
const onlyAccepted = (types: readonly string[]) =>
  new StatusError('NotAcceptable', `only the following media types are accepted: ${types.join(', ')}`)

/** A list is written item by item. */
async function* yamlOf(object: object, list: ListParts | undefined): AsyncGenerator<Uint8Array> {
  const { value: first } = list ? list.items()[Symbol.iterator]().next() : { value: undefined }
  if (!list || first === undefined) {
    yield Buffer.from(stringify(object, yamlOptions))
    return
  }
  yield Buffer.from(`${stringify(list.head, yamlOptions)}${list.field}:\n`)
  for await (const item of inTurns(list.items(), slice)) yield Buffer.from(stringify([item], yamlOptions))
}

/** No anchors for what stands twice, and texts quoted as readers of YAML 1.1 need. */
const yamlOptions = { aliasDuplicateObjects: false, lineWidth: 0, version: '1.1' } as const
