import { pipeline, Readable } from 'node:stream'
import { createGunzip, createInflate } from 'node:zlib'
import type { ApiReply, ApiRequest } from '../../api/exchange.ts'
import { StatusError } from '../../api/status-error.ts'
import { connectionProblem } from '../connection-problem.ts'
import type { Connector, IncomingReply, Target } from '../connector.ts'
import type { Registry } from '../registry.ts'
import { admitConnection } from './admit-connection.ts'
import type { FindTarget } from './proxy-targets.ts'
import { isSafe, passedBack, passedOn, relayUpgrade, wantsUpgrade } from './relay.ts'
import { rewriteLink, rewritePage } from './rewrite-links.ts'
import type { SubresourceHandler } from './subresource.ts'

/** `proxy`: the request goes on to the object's own server, which sees the path behind `proxy` and not who the caller is. */
export function proxyHandler(find: FindTarget, { registry, connector }: { registry: Registry; connector: Connector }): SubresourceHandler {
  return {
    takesRemainder: true,
    async answer(call): Promise<ApiReply> {
      const { ref, request, remainder } = call
      await admitConnection(registry, call, { path: remainder || '/' })
      const target = await find(ref)
      const { method, signal, query } = request
      const search = query === '' ? '' : `?${query}`
      const path = `${remainder || '/'}${search}`
      if (wantsUpgrade(request)) {
        const reply = await relayUpgrade(connector, target, { method, path, headers: {}, signal, caller: request })
        return 'type' in reply ? passReply(reply, target, request, remainder) : reply
      }
      // Links of a page are relative to its own root, which ends in a slash.
      if (remainder === '') return { status: 301, headers: { location: `${request.path}/${search}` }, body: { type: 'none' } }
      const body = bodyOf(request)
      const headers = { ...passedOn(request.headers), ...forwarded(request), ...(body && { 'content-length': String(body.length) }) }
      let reply: IncomingReply
      try {
        reply = await connector.send(target, { method, path, headers, signal, isRepeatable: isSafe(method), ...(body && { body }) })
      } catch (cause) {
        const why = connectionProblem(cause, `${target.host}:${target.port}`)
        throw new StatusError('ServiceUnavailable', `error trying to reach service: ${why}`, undefined, { cause })
      }
      return passReply(reply, target, request, remainder)
    },
  }
}

/** What the server is told about where the request came from. */
function forwarded({ path, headers, caller }: ApiRequest): Record<string, string> {
  const before = headers['x-forwarded-for']
  const chain = [before, caller.type === 'socket' ? caller.address : ''].filter(Boolean).join(', ')
  return { 'x-forwarded-uri': path, ...(chain !== '' && { 'x-forwarded-for': chain }) }
}

function bodyOf({ body }: ApiRequest): Uint8Array | undefined {
  if (body === undefined) return undefined
  const bytes = body instanceof Uint8Array ? body : Buffer.from(JSON.stringify(body))
  return bytes.length > 0 ? bytes : undefined
}

/** Redirects and links within the proxied server stay behind the proxy. */
function passReply(
  { status, headers, cookies, body }: IncomingReply,
  { host, port }: Target,
  request: ApiRequest,
  remainder: string,
): ApiReply {
  const base = request.path.slice(0, request.path.length - remainder.length)
  const hosts = new Set([`${host}:${port}`, host, request.headers[':authority'] ?? request.headers.host ?? ''])
  const rewrite = (link: string) => rewriteLink(link, base, hosts)
  const passed = passedBack(headers)
  const common = { status, ...(cookies && { cookies }) }
  if (passed.location !== undefined)
    return { ...common, headers: { ...passed, location: rewrite(passed.location) }, body: { type: 'stream', stream: body } }
  const page = passed['content-type']?.split(';', 1)[0]?.trim() === 'text/html' ? readable(body, passed['content-encoding']) : undefined
  if (!page) return { ...common, headers: passed, body: { type: 'stream', stream: body } }
  const { 'content-length': _, 'content-encoding': __, etag: ___, ...kept } = passed
  return { ...common, headers: kept, body: { type: 'stream', stream: rewritePage(page, rewrite) } }
}

/** The page's own bytes; undefined where they cannot be had, and then it goes as it is. */
function readable(body: AsyncIterable<Uint8Array>, encoding: string | undefined): AsyncIterable<Uint8Array> | undefined {
  switch (encoding) {
    case undefined:
    case '':
    case 'identity':
      return body
    case 'gzip':
      return inflated(body, createGunzip())
    case 'deflate':
      return inflated(body, createInflate())
    default:
      return undefined
  }
}

/** Piece by piece, each taken before the next is made: a page that unpacks to very much is never held. */
async function* inflated(body: AsyncIterable<Uint8Array>, unpack: ReturnType<typeof createGunzip>): AsyncGenerator<Uint8Array> {
  yield* pipeline(Readable.from(body), unpack, () => {})
}
