import type { IncomingMessage } from 'node:http'
import { Agent, request as httpsRequest } from 'node:https'
import { StatusError, type StatusReason } from '../api/status-error.ts'
import type { Status } from '../api/types/meta-v1.ts'
import { linesOf } from './lines-of.ts'
import type { StreamEvent, Transport, TransportRequest } from './transport.ts'

export interface HttpTransportOptions {
  /** Such as `https://127.0.0.1:6443`. */
  readonly server: string
  /** PEM of the authority that signed the server's certificate. */
  readonly ca: string
  /** A client certificate and its key (PEM), or a bearer token. */
  readonly certificate?: string
  readonly key?: string
  readonly token?: string
}

/** Lists come in pages of upstream's size, so that neither side holds a huge text. */
const pageSize = 500
/** A server that says nothing for so long is not there any more; watches have their own rule. */
const maxReplyMs = 60_000

/** Calls over HTTPS with connections that are kept. `close` ends them. */
export function httpTransport({ server, ca, certificate, key, token }: HttpTransportOptions): Transport & { close(): void } {
  const agent = new Agent({
    keepAlive: true,
    ca,
    ...(certificate !== undefined && { cert: certificate }),
    ...(key !== undefined && { key }),
  })
  const authorization = token === undefined ? {} : { authorization: `Bearer ${token}` }

  const open = ({ method, path, query, headers, body, signal }: TransportRequest, silenceMs = 0): Promise<IncomingMessage> =>
    new Promise((resolve, reject) => {
      const payload = body && Buffer.from(JSON.stringify(body))
      const request = httpsRequest(
        `${server}${path}${query === '' ? '' : `?${query}`}`,
        {
          method,
          agent,
          headers: {
            accept: 'application/json',
            ...authorization,
            ...(payload && { 'content-type': 'application/json', 'content-length': payload.length }),
            ...headers,
          },
          ...(signal && { signal }),
        },
        resolve,
      )
      request.on('error', (cause) =>
        reject(new StatusError('ServiceUnavailable', `Cannot reach ${server}: ${cause.message}`, undefined, { cause })),
      )
      if (silenceMs > 0) request.setTimeout(silenceMs, () => request.destroy(new Error(`no byte came within ${silenceMs / 1000} seconds`)))
      request.end(payload)
    })

  return {
    pageSize,
    async send(request) {
      const response = await open(request, maxReplyMs)
      const text = await textOf(response, server)
      if (response.statusCode !== undefined && response.statusCode < 300) return replyOf(response, text)
      throw errorOf(response.statusCode ?? 0, text)
    },
    async *stream(request) {
      const response = await open(request)
      if (response.statusCode !== 200) throw errorOf(response.statusCode ?? 0, await textOf(response, server))
      try {
        for await (const line of linesOf(response)) yield JSON.parse(line) as StreamEvent
      } catch (cause) {
        if (request.signal?.aborted) return
        throw cause instanceof StatusError
          ? cause
          : new StatusError('ServiceUnavailable', `The watch of ${request.path} broke off`, undefined, { cause })
      } finally {
        response.destroy()
      }
    },
    close: () => agent.destroy(),
  }
}

async function textOf(response: IncomingMessage, server: string): Promise<string> {
  const chunks: Buffer[] = []
  try {
    for await (const chunk of response) chunks.push(chunk as Buffer)
  } catch (cause) {
    throw new StatusError('ServiceUnavailable', `The reply of ${server} broke off`, undefined, { cause })
  }
  return Buffer.concat(chunks).toString()
}

/** Logs and the like may look like JSON: the content type says what they are. */
function replyOf({ headers }: IncomingMessage, text: string): object {
  return headers['content-type']?.startsWith('application/json') ? (JSON.parse(text) as object) : { text }
}

function errorOf(code: number, text: string): StatusError {
  const status = statusOf(text)
  if (status) {
    const { reason, message, details } = status
    if (reason !== undefined) return new StatusError(reason as StatusReason, message ?? reason, details as StatusError['details'], { code })
  }
  return new StatusError(code === 404 ? 'NotFound' : 'InternalError', text.slice(0, 1000) || `the server answered ${code}`, undefined, {
    code,
  })
}

/** The Status in an error's body; a proxy on the way may answer anything. */
function statusOf(text: string): Status | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Status) : undefined
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}
