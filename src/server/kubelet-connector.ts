import { type ClientRequest, type IncomingMessage, type OutgoingHttpHeaders, Agent as PlainAgent, request as requestPlain } from 'node:http'
import { Agent, type RequestOptions, request as requestTls } from 'node:https'
import { isIP } from 'node:net'
import type { Connector, IncomingReply, OutgoingRequest, Target, Upgraded } from './connector.ts'
import type { KeyPair } from './pki.ts'

/** How long a connection may take to come about. */
const connectMs = 10_000

/**
 * Reaches kubelets over HTTPS as `client`, trusting certificates that the authority (PEM) signed, and extension servers as
 * `frontProxy`. `close` ends idle connections.
 */
export function createKubeletConnector({
  client,
  authority,
  frontProxy,
}: {
  client: KeyPair
  authority: string
  frontProxy?: KeyPair
}): Connector & { close(): void } {
  const agentsThat = (keepAlive: boolean) => ({
    kubelet: new Agent({ keepAlive, cert: client.certificate, key: client.key, ca: authority, minVersion: 'TLSv1.2' }),
    http: new PlainAgent({ keepAlive }),
    // What servers must show differs from request to request; the agent keeps their connections apart.
    https: new Agent({ keepAlive, minVersion: 'TLSv1.2' }),
  })
  const kept = agentsThat(true)
  /** A connection for one request alone. */
  const fresh = agentsThat(false)

  return {
    async send(target, request) {
      const { isRepeatable = false } = request
      try {
        return await sendOnce(target, request, kept)
      } catch (error) {
        if (!(error instanceof StaleConnection)) throw error
        // Another kept connection may be just as old.
        if (isRepeatable) return await sendOnce(target, request, fresh)
        throw error.cause
      }
    },

    // Who refuses to change the protocol may have changed it all the same: nothing else is ever sent on that connection.
    upgrade: (target, request) =>
      new Promise((resolve, reject) => {
        const outgoing = begin(target, request, fresh)
        outgoing.once('response', (incoming: IncomingMessage) => resolve(replyOf(incoming)))
        outgoing.once('upgrade', (incoming: IncomingMessage, socket, head) =>
          resolve({ type: 'upgraded', rawHeaders: incoming.rawHeaders, socket, head } satisfies Upgraded),
        )
        outgoing.once('error', reject)
        outgoing.end(request.body)
      }),

    close() {
      for (const agent of [...Object.values(kept), ...Object.values(fresh)]) agent.destroy()
    },
  }

  function sendOnce(target: Target, request: OutgoingRequest, agents: typeof kept): Promise<IncomingReply> {
    return new Promise((resolve, reject) => {
      const outgoing = begin(target, request, agents)
      outgoing.once('response', (incoming: IncomingMessage) => resolve(replyOf(incoming)))
      outgoing.once('error', (cause: NodeJS.ErrnoException) => {
        const isStale = outgoing.reusedSocket && (cause.code === 'ECONNRESET' || cause.code === 'EPIPE')
        reject(isStale ? new StaleConnection('A kept connection was closed', { cause }) : cause)
      })
      outgoing.end(request.body)
    })
  }

  function begin(target: Target, { method, path, headers, signal }: OutgoingRequest, agents: typeof kept): ClientRequest {
    const { type, host, port } = target
    const sent = headers as OutgoingHttpHeaders
    const options: RequestOptions = { host, port, method, path, headers: sent, signal, agent: agents[type], ...securityOf(target) }
    const outgoing = type === 'http' ? requestPlain(options) : requestTls(options)
    outgoing.once('socket', (socket) => {
      if (!socket.connecting) return
      const timer = setTimeout(() => outgoing.destroy(new Error(`dial tcp ${host}:${port}: i/o timeout`)), connectMs)
      const settle = () => clearTimeout(timer)
      socket.once(type === 'http' ? 'connect' : 'secureConnect', settle)
      socket.once('close', settle)
    })
    return outgoing
  }

  function securityOf({ type, verified, asFrontProxy = false }: Target): RequestOptions {
    if (type !== 'https') return {}
    const shown = asFrontProxy && frontProxy ? { cert: frontProxy.certificate, key: frontProxy.key } : {}
    if (!verified) return { ...shown, rejectUnauthorized: false }
    const { serverName, authority: trusted } = verified
    return {
      ...shown,
      ...(trusted !== undefined && { ca: trusted }),
      // An address is no server name (RFC 6066); then the host is verified. A check of our own would keep connections from being kept.
      ...(isIP(serverName) === 0 && { servername: serverName }),
    }
  }
}

/** The other side closed a connection that had been kept, before it answered. */
class StaleConnection extends Error {}

function replyOf(incoming: IncomingMessage): IncomingReply {
  const headers: Record<string, string> = {}
  const { 'set-cookie': cookies, ...others } = incoming.headers
  for (const [name, value] of Object.entries(others)) if (value !== undefined) headers[name] = [value].flat().join(', ')
  return { type: 'reply', status: incoming.statusCode ?? 502, headers, ...(cookies && { cookies }), body: incoming }
}
