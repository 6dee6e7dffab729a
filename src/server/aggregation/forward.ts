import type { ApiReply } from '../../api/exchange.ts'
import type { Call } from '../call.ts'
import { connectionProblem } from '../connection-problem.ts'
import type { Connector, IncomingReply, Target } from '../connector.ts'
import { textReply } from '../replies.ts'
import type { ResolveService } from '../services/service-resolver.ts'
import { isSafe, passedBack, passedOn, relayUpgrade, wantsUpgrade } from '../subresources/relay.ts'
import type { RemoteService } from './remote-services.ts'
import { isRemoteUserHeader, remoteUserHeaders } from './remote-user-headers.ts'

export interface ForwardParts {
  readonly connector: Connector
  readonly resolve: (...place: Parameters<ResolveService>) => Promise<ReturnType<ResolveService>>
}

/** Where a registration's server is now; throws when its service leads nowhere. */
export async function targetOf({ service, verified }: RemoteService, { resolve }: ForwardParts): Promise<Target> {
  const place = await resolve(service.namespace, service.name, service.port)
  return { type: 'https', ...place, ...(verified && { verified }), asFrontProxy: true }
}

/** Lets another server answer: it sees the request as it came, and who sends it, but nothing by which the sender proved that. */
export async function forward(remote: RemoteService, { request, user }: Call, parts: ForwardParts | undefined): Promise<ApiReply> {
  if (!remote.isAvailable || !parts) return unavailable
  let target: Target
  try {
    target = await targetOf(remote, parts)
  } catch {
    return unavailable
  }
  const { method, path: place, query, signal, body } = request
  const path = `${place}${query === '' ? '' : `?${query}`}`
  const identity = remoteUserHeaders(user)
  const kept = Object.fromEntries(Object.entries(request.headers).filter(([name]) => !isRemoteUserHeader(name)))
  if (wantsUpgrade(request)) {
    const caller = { ...request, headers: kept }
    const reply = await relayUpgrade(parts.connector, target, { method, path, headers: identity, signal, caller })
    return 'type' in reply ? passReply(reply) : reply
  }
  const content = body === undefined ? undefined : body instanceof Uint8Array ? body : Buffer.from(JSON.stringify(body))
  const headers = {
    ...passedOn(kept),
    ...identity,
    ...forwardedFor(request.caller),
    ...(content && { 'content-length': String(content.length) }),
  }
  try {
    const isRepeatable = isSafe(method)
    return await passReply(
      await parts.connector.send(target, { method, path, headers, signal, isRepeatable, ...(content && { body: content }) }),
    )
  } catch (cause) {
    return textReply(503, `error trying to reach service: ${connectionProblem(cause, `${target.host}:${target.port}`)}\n`)
  }
}

const unavailable = textReply(503, 'service unavailable\n')

function forwardedFor(caller: Call['request']['caller']): Record<string, string> {
  return caller.type === 'socket' && caller.address !== '' ? { 'x-forwarded-for': caller.address } : {}
}

/** A redirect would make our caller show its credentials elsewhere. */
async function passReply({ status, headers, body }: IncomingReply): Promise<ApiReply> {
  if (status >= 300 && status < 400 && headers.location !== undefined) {
    await body[Symbol.asyncIterator]().return?.()
    return textReply(502, 'the backend attempted to redirect this request, which is not permitted')
  }
  return { status, headers: passedBack(headers), body: { type: 'stream', stream: body } }
}
