import { stringify } from 'yaml'
import { DecodeError } from '../api/decode.ts'
import type { ApiReply, ApiRequest, ApiWatchEvent, WatchSink } from '../api/exchange.ts'
import type { JsonObject } from '../api/object.ts'
import type { ProtobufCodec } from '../api/protobuf/envelope.ts'
import { StatusError } from '../api/status-error.ts'
import { assert } from '../base/assert.ts'
import { notAcceptable } from './routing-errors.ts'

/**
 * Formats beside JSON, at the server's edge: a body in protobuf becomes an object like those of in-process callers, and a
 * reply whose caller asks first for protobuf or YAML is written so. Everything between knows objects only.
 */
export interface Wire {
  /** The request with its body decoded, where that is protobuf. Upstream takes bodies as they come, whatever Content-Encoding says. */
  read(request: ApiRequest): ApiRequest
  /** Throws where the caller takes nothing that resources are written in; lists may also be watched. */
  checkAccept(request: ApiRequest, isList: boolean): void
  write(request: ApiRequest, reply: ApiReply): ApiReply
}

const protobufType = 'application/vnd.kubernetes.protobuf'
const wholeTypes = ['application/json', 'application/yaml', protobufType]
const watchedTypes = ['application/json;stream=watch', `${protobufType};stream=watch`]

export function createWire(protobuf: ProtobufCodec): Wire {
  /** Events are shared by all watchers, so what one of them was written as serves all. */
  const written = new WeakMap<object, Map<string, Uint8Array>>()

  return {
    read(request) {
      const { body, headers } = request
      if (!(body instanceof Uint8Array) || body.length === 0 || mediaType(headers['content-type']) !== protobufType) return request
      try {
        return { ...request, body: protobuf.decode(body), headers: { ...headers, 'content-type': 'application/json' } }
      } catch (cause) {
        if (cause instanceof DecodeError) throw new StatusError('BadRequest', cause.message, undefined, { cause })
        throw cause
      }
    },

    checkAccept({ headers }, isList) {
      if (preferred(headers.accept) === 'none') throw notAcceptable(isList ? [...wholeTypes, ...watchedTypes] : wholeTypes)
    },

    write(request, reply) {
      const format = preferred(request.headers.accept)
      const { body, headers } = reply
      if (format === 'json' || format === 'none' || headers['content-type'] !== 'application/json') return reply
      if (body.type === 'object') {
        if (format === 'yaml')
          return {
            ...reply,
            headers: { ...headers, 'content-type': 'application/yaml' },
            body: { type: 'stream', stream: yamlOf(body.object) },
          }
        const bytes = protobuf.encode(body.object as JsonObject)
        if (!bytes) return reply
        return { ...reply, headers: { ...headers, 'content-type': protobufType }, body: { type: 'bytes', chunks: [bytes] } }
      }
      if (body.type !== 'watch' || format !== 'protobuf') return reply
      return {
        ...reply,
        headers: { ...headers, 'content-type': `${protobufType};stream=watch` },
        body: { type: 'watch', open: (sink) => body.open(framed(sink)) },
      }
    },
  }

  function framed(sink: WatchSink): WatchSink {
    return {
      event: (event) => sink.event({ type: event.type, object: event.object, bytes: () => frameOf(event) }),
      end: () => sink.end(),
    }
  }

  function frameOf({ type, object }: ApiWatchEvent<unknown>): Uint8Array {
    const key = object as object
    const frames = written.get(key) ?? new Map<string, Uint8Array>()
    written.set(key, frames)
    const frame = frames.get(type) ?? protobuf.encodeEvent(type, object as JsonObject)
    assert(frame, 'what is watched in protobuf has a message')
    frames.set(type, frame)
    return frame
  }
}

/** What a caller asks for first among what there is. Most ask for JSON, or for nothing. */
function preferred(accept: string | undefined): 'json' | 'protobuf' | 'yaml' | 'none' {
  if (accept === undefined || accept === '' || accept.startsWith('application/json') || accept.startsWith('*/*')) return 'json'
  for (const clause of accept.split(',')) {
    const type = mediaType(clause)
    // Tables exist in JSON and YAML alone.
    if (type === protobufType && !clause.includes('as=Table')) return 'protobuf'
    if (type === 'application/yaml') return 'yaml'
    if (type === 'application/json' || type === 'application/*' || type === '*/*') return 'json'
  }
  return 'none'
}

const mediaType = (header: string | undefined) => header?.split(';', 1)[0]?.trim().toLowerCase()

/** A list is written item by item, other requests being answered between them. */
async function* yamlOf(object: object): AsyncGenerator<Uint8Array> {
  const { items, ...head } = object as Typed & { items?: readonly Typed[] }
  if (!Array.isArray(items) || items.length === 0) {
    yield Buffer.from(stringify(object, yamlOptions))
    return
  }
  yield Buffer.from(`${stringify(head, yamlOptions)}items:\n`)
  for (const item of items as readonly Typed[]) {
    const { kind, apiVersion, ...rest } = item
    // What the list says for all is left to it, as in JSON.
    const isTold = `${kind}List` === head.kind && apiVersion === head.apiVersion
    yield Buffer.from(stringify([isTold ? rest : item], yamlOptions))
    await new Promise<void>((resolve) => setImmediate(resolve))
  }
}

interface Typed {
  readonly kind?: unknown
  readonly apiVersion?: unknown
}

/** No anchors for what stands twice, and texts quoted as readers of YAML 1.1 need. */
const yamlOptions = { aliasDuplicateObjects: false, lineWidth: 0, version: '1.1' } as const
