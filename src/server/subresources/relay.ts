import type { Duplex } from 'node:stream'
import type { ApiReply, ApiRequest } from '../../api/exchange.ts'
import { StatusError, type StatusReason } from '../../api/status-error.ts'
import { withoutToken } from '../authentication/protocol-token.ts'
import type { Connector, IncomingReply, OutgoingRequest, Target, Upgraded } from '../connector.ts'

const maxErrorBytes = 50_000
/** Headers that speak of one connection (RFC 9110, 7.6.1) or of who the caller is to us; neither goes further. */
const ownHeaders = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'host',
  'content-length',
  'authorization',
  'sampan-cause',
])

/** What of a request's headers goes on to another server. */
export const passedOn = (headers: ApiRequest['headers']): Record<string, string> => {
  const passed: Record<string, string> = {}
  const own = namedByConnection(headers.connection)
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined || ownHeaders.has(name) || own.has(name)) continue
    if (name === 'sec-websocket-protocol') passed[name] = withoutToken(value)
    else if (!name.startsWith(':') && !name.startsWith('impersonate-')) passed[name] = value
  }
  return passed
}

/** What of another server's headers goes back to the caller. */
export function passedBack(headers: IncomingReply['headers']): Record<string, string> {
  const own = namedByConnection(headers.connection)
  return Object.fromEntries(
    Object.entries(headers).filter(([name]) => (!ownHeaders.has(name) && !own.has(name)) || name === 'content-length'),
  )
}

/** Headers that `Connection` says are of this connection alone. */
const namedByConnection = (connection: string | undefined): ReadonlySet<string> =>
  new Set(connection?.split(',').map((name) => name.trim().toLowerCase()))

/** Doing it twice is doing it once (RFC 9110, 9.2.1). */
export const isSafe = (method: string): boolean => ['GET', 'HEAD', 'OPTIONS', 'TRACE'].includes(method)

export const wantsUpgrade = ({ headers }: ApiRequest): boolean =>
  headers.upgrade !== undefined && /(^|,)\s*upgrade\s*(,|$)/i.test(headers.connection ?? '')

/** The reply of a server that is asked on the caller's behalf; one that cannot be reached is our own failure. */
export async function ask(connector: Connector, target: Target, request: OutgoingRequest): Promise<IncomingReply> {
  try {
    return await connector.send(target, request)
  } catch (cause) {
    throw unreachableError(target, cause)
  }
}

/** Hands the caller's connection to another server, which must agree to the caller's protocol; the bytes are theirs. */
export async function relayUpgrade(
  connector: Connector,
  target: Target,
  request: OutgoingRequest & { readonly caller: ApiRequest },
): Promise<ApiReply | IncomingReply> {
  const { upgrade = '', ...others } = request.caller.headers
  let answer: Upgraded | IncomingReply
  try {
    const headers = { ...passedOn(others), ...request.headers, connection: 'Upgrade', upgrade }
    answer = await connector.upgrade(target, { ...request, headers })
  } catch (cause) {
    throw unreachableError(target, cause)
  }
  if (answer.type === 'reply') return answer
  const upgraded = answer
  return {
    status: 101,
    headers: {},
    body: { type: 'upgrade', connect: (socket, head) => join(socket, head, upgraded) },
  }
}

/** Bytes flow both ways, each no faster than it is read; when one side is gone the other is ended. */
function join(client: Duplex, head: Uint8Array, { rawHeaders, socket, head: early }: Upgraded): void {
  const lines: string[] = []
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) lines.push(`${rawHeaders[index]}: ${rawHeaders[index + 1]}\r\n`)
  client.on('error', () => client.destroy())
  socket.on('error', () => socket.destroy())
  client.once('close', () => socket.destroy())
  socket.once('close', () => client.end())
  if (client.destroyed) {
    socket.destroy()
    return
  }
  client.write(`HTTP/1.1 101 Switching Protocols\r\n${lines.join('')}\r\n`)
  if (early.length > 0) client.write(early)
  if (head.length > 0) socket.write(head)
  client.pipe(socket)
  socket.pipe(client)
}

const reasons: Readonly<Record<number, StatusReason>> = {
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'NotFound',
  405: 'MethodNotAllowed',
  409: 'Conflict',
  410: 'Gone',
  429: 'TooManyRequests',
  503: 'ServiceUnavailable',
  504: 'Timeout',
}

/** Throws what another server's refusal says, in the API's own form; a redirect is never followed. */
export async function checkReply({ status, body }: IncomingReply, name: string): Promise<void> {
  if (status >= 200 && status <= 206) return
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of body) {
    chunks.push(chunk)
    length += chunk.length
    if (length > maxErrorBytes) break
  }
  const text = Buffer.concat(chunks).subarray(0, maxErrorBytes).toString().trimEnd()
  if (status >= 300 && status < 400) throw new StatusError('InternalError', 'Internal error occurred: redirects forbidden in this API')
  if (status === 400) throw new StatusError('BadRequest', text)
  const reason = reasons[status]
  if (reason) throw new StatusError(reason, text || `the server could not answer for ${name}`, { name, kind: 'pods' }, { code: status })
  throw new StatusError('InternalError', `Internal error occurred: ${text}`)
}

function unreachableError({ host, port }: Target, cause: unknown): StatusError {
  const why = cause instanceof Error ? cause.message : String(cause)
  return new StatusError('InternalError', `Internal error occurred: error dialing backend: ${host}:${port}: ${why}`, undefined, { cause })
}
