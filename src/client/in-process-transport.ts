import type { ApiReply, ApiRequest, ApiWatchEvent, Handler, UserInfo } from '../api/exchange.ts'
import { StatusError, type StatusReason } from '../api/status-error.ts'
import type { Status } from '../api/types/meta-v1.ts'
import { Wakeup } from '../base/wakeup.ts'
import { linesOf } from './lines-of.ts'
import type { StreamEvent, Transport, TransportRequest } from './transport.ts'

/** What a watch may hold for a reader that is slow; then it is ended and begins again from a list. */
const maxWaitingEvents = 100_000

/** Calls the server in this process: objects cross as they are, or as JSON bytes when `serialise` is on. */
export function inProcessTransport({
  handle,
  user,
  serialise = false,
}: {
  handle: Handler
  user: UserInfo
  serialise?: boolean
}): Transport {
  const never = new AbortController().signal
  const requestOf = ({ method, path, query, headers, body, signal }: TransportRequest): ApiRequest => ({
    method,
    path,
    query,
    headers: { 'content-type': 'application/json', ...headers },
    ...(body && { body: serialise ? Buffer.from(JSON.stringify(body)) : body }),
    caller: { type: 'in-process', user },
    signal: signal ?? never,
  })

  async function objectOf({ body, headers }: ApiReply): Promise<object> {
    switch (body.type) {
      case 'object':
        return serialise ? parse(body.encode()) : body.object
      case 'bytes':
        return { text: textOf(body.chunks) }
      // What another server answered, or a log.
      case 'stream': {
        const chunks = await collected(body.stream)
        return headers['content-type']?.startsWith('application/json') ? parse(chunks) : { text: textOf(chunks) }
      }
      case 'none':
      case 'watch':
      case 'upgrade':
        return {}
    }
  }

  return {
    async send(request) {
      const reply = await handle(requestOf(request))
      const object = await objectOf(reply)
      const { status } = reply
      if (status < 300) return object
      throw errorOf(status, object)
    },

    async *stream(request) {
      // The server lets go of the watch when the reader stops, whoever stopped it.
      const ended = new AbortController()
      const signal = request.signal ? AbortSignal.any([request.signal, ended.signal]) : ended.signal
      const { status, body } = await handle(requestOf({ ...request, signal }))
      // Another server's watch comes as it was sent.
      if (body.type === 'stream' && status === 200) {
        try {
          for await (const line of linesOf(body.stream)) yield JSON.parse(line) as StreamEvent
        } catch (cause) {
          if (!signal.aborted) throw new StatusError('ServiceUnavailable', `The watch of ${request.path} broke off`, undefined, { cause })
        } finally {
          ended.abort()
        }
        return
      }
      if (body.type !== 'watch') throw errorOf(status, body.type === 'object' ? body.object : {})
      const wakeup = new Wakeup(signal)
      let waiting: ApiWatchEvent<unknown>[] = []
      let isOver = false
      body.open({
        event(event) {
          if (isOver || waiting.length >= maxWaitingEvents) isOver = true
          else waiting.push(event)
          wakeup.signal()
          return !isOver
        },
        end() {
          isOver = true
          wakeup.signal()
        },
      })
      try {
        for (;;) {
          const batch = waiting
          waiting = []
          for (const event of batch)
            yield serialise ? (parse([event.bytes()]) as StreamEvent) : { type: event.type, object: event.object as object }
          if (signal.aborted || (isOver && waiting.length === 0)) return
          if (waiting.length === 0) await wakeup.wait()
        }
      } finally {
        ended.abort()
      }
    },
  }
}

async function collected(stream: AsyncIterable<Uint8Array>): Promise<readonly Uint8Array[]> {
  const chunks: Uint8Array[] = []
  for await (const chunk of stream) chunks.push(chunk)
  return chunks
}

const textOf = (chunks: readonly Uint8Array[]) => Buffer.concat(chunks).toString()
const parse = (chunks: readonly Uint8Array[]) => JSON.parse(textOf(chunks)) as object

function errorOf(code: number, object: object): StatusError {
  const { reason, message, details } = object as Status
  if (reason === undefined)
    return new StatusError(code === 404 ? 'NotFound' : 'InternalError', message ?? `the server answered ${code}`, undefined, { code })
  return new StatusError(reason as StatusReason, message ?? reason, details as StatusError['details'], { code })
}
