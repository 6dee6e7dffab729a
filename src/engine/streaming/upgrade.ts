import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { createWebSocketStream, type WebSocket, WebSocketServer } from 'ws'
import type { Clock } from '../../base/clock.ts'
import type { ProcessStreams } from './process-streams.ts'
import { type SpdyConnection, type SpdyStream, serveSpdy } from './spdy-connection.ts'
import { spdyProcessProtocols, spdyStreams } from './spdy-streams.ts'
import { processProtocols, type WantedStreams, webSocketStreams } from './websocket-streams.ts'

/** A request for an upgrade, with the socket it came on. */
export interface Upgrade {
  readonly request: IncomingMessage
  readonly socket: Duplex
  /** What came after the request's head already. */
  readonly head: Buffer
}

const portForwardProtocol = 'portforward.k8s.io'
const tunnelProtocol = `SPDY/3.1+${portForwardProtocol}`
const protocolHeader = 'x-stream-protocol-version'
const maxMessageBytes = 4 * 1024 * 1024

/** The streams of exec or attach over whichever protocol the client asks for; undefined where it was refused. */
export async function acceptProcessStreams(
  upgrade: Upgrade & { wanted: WantedStreams; clock: Clock },
): Promise<ProcessStreams | undefined> {
  switch (kindOf(upgrade.request)) {
    case 'websocket': {
      const socket = await acceptWebSocket(upgrade, processProtocols, true)
      return socket && webSocketStreams(socket, upgrade.wanted)
    }
    case 'spdy': {
      const protocol = acceptSpdy(upgrade, spdyProcessProtocols)
      return protocol === undefined ? undefined : spdyStreams({ ...upgrade, protocol })
    }
    case undefined:
      return refuse(upgrade.socket, '400 Bad Request', 'an upgrade to WebSocket or SPDY/3.1 is needed')
  }
}

/** A connection whose streams are forwarded; each brings its own port. Resolves at its end. */
export async function acceptPortForward({ onStreams, ...upgrade }: Upgrade & { onStreams: (stream: SpdyStream) => void }): Promise<void> {
  let connection: SpdyConnection | undefined
  switch (kindOf(upgrade.request)) {
    case 'websocket': {
      const socket = await acceptWebSocket(upgrade, [tunnelProtocol], false)
      connection = socket && serveSpdy(createWebSocketStream(socket), Buffer.alloc(0), onStreams)
      break
    }
    case 'spdy':
      if (acceptSpdy(upgrade, [portForwardProtocol]) !== undefined) connection = serveSpdy(upgrade.socket, upgrade.head, onStreams)
      break
    case undefined:
      refuse(upgrade.socket, '400 Bad Request', 'an upgrade to WebSocket or SPDY/3.1 is needed')
  }
  await connection?.closed
}

function kindOf({ headers }: IncomingMessage): 'websocket' | 'spdy' | undefined {
  switch (headers.upgrade?.toLowerCase()) {
    case 'websocket':
      return 'websocket'
    case 'spdy/3.1':
      return 'spdy'
    default:
      return undefined
  }
}

const listed = (header: string | readonly string[] | undefined): string[] =>
  [header ?? []].flat().flatMap((line) =>
    line
      .split(',')
      .map((part) => part.trim())
      .filter(Boolean),
  )

/** The first of the client's protocols that is spoken here. */
async function acceptWebSocket(
  { request, socket, head }: Upgrade,
  spoken: readonly string[],
  mayBeUnnamed: boolean,
): Promise<WebSocket | undefined> {
  const offered = listed(request.headers['sec-websocket-protocol'])
  const chosen = offered.find((name) => spoken.includes(name))
  if (!chosen && (offered.length > 0 || !mayBeUnnamed))
    return refuse(socket, '400 Bad Request', `none of the subprotocols ${offered.join(', ')} is spoken`)
  const server = new WebSocketServer({
    noServer: true,
    perMessageDeflate: false,
    maxPayload: maxMessageBytes,
    handleProtocols: () => chosen ?? false,
  })
  // The library takes no `/` in a subprotocol, which the tunnel's name has: then the choice is told past it.
  if (chosen?.includes('/')) {
    delete request.headers['sec-websocket-protocol']
    server.on('headers', (headers) => headers.push(`Sec-WebSocket-Protocol: ${chosen}`))
  }
  // Where the handshake is bad the library answers and closes.
  return new Promise((resolve) => {
    server.on('wsClientError', (_, broken) => {
      broken.destroy()
      resolve(undefined)
    })
    server.handleUpgrade(request, socket, head, resolve)
  })
}

/** Answers the upgrade; '' is the protocol of clients that name none. */
function acceptSpdy({ request, socket }: Upgrade, spoken: readonly string[]): string | undefined {
  const offered = listed(request.headers[protocolHeader])
  const chosen = offered.length === 0 ? '' : offered.find((name) => spoken.includes(name))
  if (chosen === undefined) {
    const accepted = spoken.map((name) => `x-accepted-stream-protocol-versions: ${name}\r\n`).join('')
    return refuse(socket, '403 Forbidden', `none of the protocols ${offered.join(', ')} is spoken`, accepted)
  }
  const named = chosen === '' ? '' : `X-Stream-Protocol-Version: ${chosen}\r\n`
  socket.write(`HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n${named}\r\n`)
  return chosen
}

function refuse(socket: Duplex, status: string, words: string, headers = ''): undefined {
  const body = `${words}\n`
  socket.end(
    `HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-type: text/plain\r\n${headers}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  )
}
