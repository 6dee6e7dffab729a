import type { ApiRequest, ApiWatchEvent, Handler, UserInfo } from '../api/exchange.ts'
import { StatusError, type StatusReason } from '../api/status-error.ts'
import type { Status } from '../api/types/meta-v1.ts'
import { Wakeup } from '../base/wakeup.ts'
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

  return {
    async send(request) {
      const { status, body } = await handle(requestOf(request))
      const object =
        body.type === 'object'
          ? serialise
            ? parse(body.encode())
            : body.object
          : body.type === 'bytes'
            ? { text: textOf(body.chunks) }
            : {}
      if (status < 300) return object
      throw errorOf(status, object)
    },

    async *stream(request) {
      // The server lets go of the watch when the reader stops, whoever stopped it.
      const ended = new AbortController()
      const signal = request.signal ? AbortSignal.any([request.signal, ended.signal]) : ended.signal
      const { status, body } = await handle(requestOf({ ...request, signal }))
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

const textOf = (chunks: readonly Uint8Array[]) => Buffer.concat(chunks).toString()
const parse = (chunks: readonly Uint8Array[]) => JSON.parse(textOf(chunks)) as object

function errorOf(code: number, object: object): StatusError {
  const { reason, message, details } = object as Status
  if (reason === undefined)
    return new StatusError(code === 404 ? 'NotFound' : 'InternalError', message ?? `the server answered ${code}`, undefined, { code })
  return new StatusError(reason as StatusReason, message ?? reason, details as StatusError['details'], { code })
}
