import { isJsonObject } from '../../api/merge-patch.ts'
import type { JsonObject } from '../../api/object.ts'
import { StatusError } from '../../api/status-error.ts'
import type { Clock } from '../../base/clock.ts'
import { boundedBytes } from '../bounded-bytes.ts'
import { connectionProblem } from '../connection-problem.ts'
import type { Connector, IncomingReply, Target } from '../connector.ts'
import type { ResolveService, ServicePlace } from '../services/service-resolver.ts'

/** Where a webhook is, in the words of every configuration that names one. */
export interface WebhookClientConfig {
  /** Begins with `https://`. */
  readonly url?: string
  readonly service?: { readonly namespace: string; readonly name: string; readonly path?: string; readonly port?: number }
  /** base64 of the PEM that the webhook's certificate is verified by; left out: what the machine trusts. */
  readonly caBundle?: string
}

export interface WebhookCall {
  readonly timeoutMs: number
  /** Who calls, as the User-Agent says it. */
  readonly userAgent?: string
}

/** POSTs an object and answers with the object that comes back; throws a WebhookError when none does. */
export type CallWebhook = (config: WebhookClientConfig, body: object, call: WebhookCall) => Promise<JsonObject>

/** A webhook that could not be asked, or answered nothing that can be understood; the message is upstream's. */
export class WebhookError extends Error {}

/** Of a server that has no way to reach anybody. */
export const noWebhooks: CallWebhook = async () => {
  throw new WebhookError('this server reaches no webhooks')
}

/** A conversion may bring back a whole page of objects. */
const maxReplyBytes = 32 << 20
const maxShownBytes = 1024

export function webhookClient({
  connector,
  resolve,
  clock,
}: {
  connector: Connector
  resolve: (...place: Parameters<ResolveService>) => ServicePlace | Promise<ServicePlace>
  clock: Clock
}): CallWebhook {
  return async (config, body, { timeoutMs, userAgent = 'kube-apiserver' }) => {
    const { host, path, target } = placeOf(config)
    const query = `${path.includes('?') ? '&' : '?'}timeout=${timeoutMs / 1000}s`
    const problem = (why: string, cause?: unknown) => new WebhookError(`Post "https://${host}${path}${query}": ${why}`, { cause })
    const controller = new AbortController()
    const cancel = clock.after(timeoutMs, () => controller.abort())
    const { signal } = controller
    try {
      const found = await target()
      const headers = {
        host,
        'content-type': 'application/json',
        accept: 'application/json, */*',
        'user-agent': userAgent,
      }
      const content = Buffer.from(JSON.stringify(body))
      let reply: IncomingReply
      try {
        reply = await connector.send(found, {
          method: 'POST',
          path: `${path}${query}`,
          headers: { ...headers, 'content-length': String(content.length) },
          body: content,
          isRepeatable: true,
          signal,
        })
        return objectIn(reply, await bytesOf(reply))
      } catch (cause) {
        if (signal.aborted) throw problem('context deadline exceeded', cause)
        if (cause instanceof WebhookError) throw cause
        throw problem(connectionProblem(cause, `${found.host}:${found.port}`), cause)
      }
    } catch (cause) {
      // A service that is not there, or has nobody behind it.
      if (cause instanceof StatusError) throw problem(cause.message, cause)
      throw cause
    } finally {
      cancel()
    }
  }

  function placeOf({ url: text, service, caBundle }: WebhookClientConfig): Place {
    const authority = caBundle ? { authority: Buffer.from(caBundle, 'base64').toString() } : {}
    if (service) {
      const { namespace, name, path = '', port = 443 } = service
      const serverName = `${name}.${namespace}.svc`
      return {
        host: `${serverName}:${port}`,
        path: path.startsWith('/') ? path : `/${path}`,
        target: async () => ({ type: 'https', ...(await resolve(namespace, name, port)), verified: { serverName, ...authority } }),
      }
    }
    const url = parsedUrl(text ?? '')
    const serverName = url.hostname.replace(/^\[(.*)\]$/, '$1')
    const verified = { serverName, ...authority }
    return {
      host: url.host,
      path: `${url.pathname}${url.search}`,
      target: async () => ({ type: 'https', host: serverName, port: Number(url.port || 443), verified }),
    }
  }
}

interface Place {
  /** As the webhook is to see it, and as it is called in errors. */
  readonly host: string
  readonly path: string
  /** Fails where a service leads nowhere. */
  readonly target: () => Promise<Target>
}

function parsedUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url?.protocol === 'https:') return url
  throw new WebhookError(`invalid webhook URL ${JSON.stringify(text)}`)
}

const bytesOf = ({ body }: IncomingReply): Promise<Buffer> =>
  boundedBytes(body, maxReplyBytes, () => new WebhookError(`the reply of the webhook is longer than ${maxReplyBytes} bytes`))

/** Redirects are not followed: they are answers like others that are none. */
function objectIn({ status }: IncomingReply, bytes: Buffer): JsonObject {
  let value: unknown
  try {
    value = JSON.parse(bytes.toString())
  } catch {
    value = undefined
  }
  if (status < 200 || status > 299) throw new WebhookError(refusalOf(status, value, bytes))
  if (isJsonObject(value)) return value
  throw new WebhookError(`couldn't get version/kind; json parse error: the webhook answered ${shown(bytes)}`)
}

/** What client-go says of a status code. */
function refusalOf(status: number, value: unknown, bytes: Buffer): string {
  if (isJsonObject(value) && value.kind === 'Status' && typeof value.message === 'string') return value.message
  switch (status) {
    case 400:
      return 'the server rejected our request for an unknown reason'
    case 401:
      return 'the server has asked for the client to provide credentials'
    case 403:
      return `forbidden: ${shown(bytes)}`
    case 404:
      return 'the server could not find the requested resource'
    case 405:
      return 'the server does not allow this method on the requested resource'
    case 503:
      return 'the server is currently unable to handle the request'
    default:
      return `an error on the server (${shown(bytes)}) has prevented the request from succeeding`
  }
}

const shown = (bytes: Buffer) => JSON.stringify(bytes.subarray(0, maxShownBytes).toString().trimEnd() || 'unknown')
