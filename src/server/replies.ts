import type { ApiReply } from '../api/exchange.ts'
import type { StatusError } from '../api/status-error.ts'
import type { CacheEntry } from './watch-cache.ts'

const json = { 'content-type': 'application/json' }

export const textReply = (status: number, text: string): ApiReply => ({
  status,
  headers: { 'content-type': 'text/plain; charset=utf-8', 'x-content-type-options': 'nosniff' },
  body: { type: 'bytes', chunks: [Buffer.from(text)] },
})

export const jsonReply = (status: number, object: object, headers: Record<string, string> = json): ApiReply => ({
  status,
  headers,
  body: { type: 'object', object, encode: () => [Buffer.from(JSON.stringify(object))] },
})

/** That something was done which leaves no object to show. */
export const successReply = (status: number): ApiReply =>
  jsonReply(status, { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: status })

/** An object as the cache keeps it: its bytes for a socket, decoded for a caller in process. */
export const entryReply = (status: number, entry: CacheEntry, warnings: readonly string[] = []): ApiReply => ({
  status,
  headers: jsonHeaders(warnings),
  body: {
    type: 'object',
    get object() {
      return entry.object
    },
    encode: () => [entry.bytes],
  },
})

export const errorReply = (error: StatusError): ApiReply => {
  const retry = error.details?.retryAfterSeconds
  return jsonReply(error.code, error.status(), retry === undefined ? json : { ...json, 'retry-after': String(retry) })
}

/** The headers of a reply in JSON that comes with warnings. */
export const jsonHeaders = (warnings: readonly string[] = []): Record<string, string> =>
  warnings.length === 0 ? json : { ...json, warning: fitting(warnings).map(warningHeader).join(', ') }

/** The reply with what was found worth a warning on its way, behind those that it has. */
export function withWarnings(reply: ApiReply, warnings: readonly string[]): ApiReply {
  if (warnings.length === 0) return reply
  const { warning } = reply.headers
  const more = fitting(warnings).map(warningHeader).join(', ')
  return { ...reply, headers: { ...reply.headers, warning: warning === undefined ? more : `${warning}, ${more}` } }
}

/** As upstream: of very long warnings each is cut, and the last are left out; each is told once. */
const maxAllWarnings = 4096
const maxOneOfMany = 256

function fitting(warnings: readonly string[]): readonly string[] {
  const all = [...new Set(warnings)]
  if (all.reduce((length, text) => length + text.length, 0) <= maxAllWarnings) return all
  let told = 0
  return all
    .map((text) => text.slice(0, maxOneOfMany))
    .filter((text) => {
      told += text.length
      return told <= maxAllWarnings
    })
}

/** RFC 7234: 299 is a warning that stays. */
const warningHeader = (text: string) => `299 - "${text.replace(/[\\"]/g, '\\$&').replace(/[^\x20-\x7e]/g, ' ')}"`
