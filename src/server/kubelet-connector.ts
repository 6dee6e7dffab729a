import { type ClientRequest, type IncomingMessage, Agent as PlainAgent, request as requestPlain } from 'node:http'
import { Agent, type RequestOptions, request as requestTls } from 'node:https'
import type { Connector, IncomingReply, OutgoingRequest, Target, Upgraded } from './connector.ts'
import type { KeyPair } from './pki.ts'

/** How long a connection may take to come about. */
const connectMs = 10_000

/** Reaches kubelets over HTTPS as `client`, trusting certificates that the authority (PEM) signed. `close` ends idle connections. */
export function createKubeletConnector({ client, authority }: { client: KeyPair; authority: string }): Connector & { close(): void } {
  const agents = {
    kubelet: new Agent({ keepAlive: true, cert: client.certificate, key: client.key, ca: authority, minVersion: 'TLSv1.2' }),
    http: new PlainAgent({ keepAlive: true }),
    https: new Agent({ keepAlive: true, rejectUnauthorized: false }),
  }

  return {
    send: (target, request) =>
      new Promise((resolve, reject) => {
        const outgoing = begin(target, request)
        outgoing.once('response', (incoming: IncomingMessage) => resolve(replyOf(incoming)))
        outgoing.once('error', reject)
        outgoing.end(request.body)
      }),

    upgrade: (target, request) =>
      new Promise((resolve, reject) => {
        const outgoing = begin(target, request)
        outgoing.once('response', (incoming: IncomingMessage) => resolve(replyOf(incoming)))
        outgoing.once('upgrade', (incoming: IncomingMessage, socket, head) =>
          resolve({ type: 'upgraded', rawHeaders: incoming.rawHeaders, socket, head } satisfies Upgraded),
        )
        outgoing.once('error', reject)
        outgoing.end(request.body)
      }),

    close() {
      for (const agent of Object.values(agents)) agent.destroy()
    },
  }

  function begin({ type, host, port }: Target, { method, path, headers, signal }: OutgoingRequest): ClientRequest {
    const options: RequestOptions = { host, port, method, path, headers, signal, agent: agents[type] }
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
}

function replyOf(incoming: IncomingMessage): IncomingReply {
  const headers: Record<string, string> = {}
  for (const [name, value] of Object.entries(incoming.headers)) if (value !== undefined) headers[name] = [value].flat().join(', ')
  return { type: 'reply', status: incoming.statusCode ?? 502, headers, body: incoming }
}
