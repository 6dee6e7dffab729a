import { request as httpRequest, type IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import type { HTTPGetAction } from '../../api/types/core-v1.ts'
import { type CheckResult, failure, success } from './check.ts'

export interface HttpTarget {
  readonly scheme: string
  readonly host: string
  readonly port: number
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
}

const maxRedirects = 10
/** Upstream reads no more of a body. */
const maxBodyBytes = 10 * 1024

export function httpTarget(
  { scheme = 'HTTP', host, path = '/', httpHeaders = [] }: HTTPGetAction,
  podAddress: string,
  port: number,
  userAgent = 'kube-probe/1.36',
): HttpTarget {
  const headers: Record<string, string> = { 'user-agent': userAgent, accept: '*/*', connection: 'close' }
  for (const { name, value } of httpHeaders) {
    const key = name.toLowerCase()
    // An empty value leaves the header out.
    if (value === '') delete headers[key]
    else headers[key] = value
  }
  return { scheme: scheme.toLowerCase(), host: host || podAddress, port, path: path.startsWith('/') ? path : `/${path}`, headers }
}

const isGood = (status: number) => status >= 200 && status < 400

/** A GET whose answer must be one of `accepts`, 200 to 399 for probes. Redirects are followed on the same host; one that leads elsewhere counts as success, as upstream. */
export async function checkHttp(target: HttpTarget, timeoutMs: number, signal: AbortSignal, accepts = isGood): Promise<CheckResult> {
  const host = target.host.includes(':') ? `[${target.host}]` : target.host
  const timeout = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)])
  let url: URL
  try {
    url = new URL(`${target.scheme}://${host}:${target.port}${target.path}`)
  } catch {
    return { type: 'unknown', message: `the path ${target.path} makes no URL` }
  }
  const first = url
  try {
    for (let hop = 0; hop <= maxRedirects; hop++) {
      const { status, location } = await get(url, target.headers, timeout)
      const isRedirect = status >= 300 && status < 400 && location !== undefined
      if (!isRedirect) return accepts(status) ? success : failure(`HTTP probe failed with statuscode: ${status}`)
      const next = new URL(location, url)
      if (next.hostname !== first.hostname) return success
      url = next
    }
    return failure(`Get "${first.href}": stopped after ${maxRedirects} redirects`)
  } catch (error) {
    if (signal.aborted) return { type: 'unknown', message: 'aborted' }
    const text = timeout.aborted
      ? 'context deadline exceeded (Client.Timeout exceeded while awaiting headers)'
      : error instanceof Error
        ? error.message
        : String(error)
    return failure(`Get "${first.href}": ${text}`)
  }
}

function get(
  url: URL,
  headers: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<{ status: number; location: string | undefined }> {
  return new Promise((resolve, reject) => {
    const send = url.protocol === 'https:' ? httpsRequest : httpRequest
    // A probe does not ask who answers: certificates of pods are their own.
    const options = { headers, signal, agent: false, rejectUnauthorized: false } as const
    const request = send(url, options, (response) => {
      skimBody(response).then(() => resolve({ status: response.statusCode ?? 0, location: response.headers.location }), reject)
    })
    request.on('error', reject)
    request.end()
  })
}

/** The body has to come for an answer to count; how it goes on after the first part does not matter. */
async function skimBody(response: IncomingMessage): Promise<void> {
  let length = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    length += chunk.length
    if (length >= maxBodyBytes) break
  }
  response.destroy()
}
