import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { CriError } from '../../cri/cri-error.ts'
import type { AttachRequest, ExecRequest, PortForwardRequest } from '../../cri/types.ts'
import { runningContainer } from '../exec.ts'
import type { EngineParts } from '../parts.ts'
import { attachSession } from './attach-session.ts'
import { execSession } from './exec-session.ts'
import { portForwardSession } from './port-forward-session.ts'
import { acceptPortForward, acceptProcessStreams } from './upgrade.ts'

/** Answers CRI's streaming verbs with addresses at which one client, once, finds what it asked for. */
export interface Streaming {
  exec(request: ExecRequest): string
  attach(request: AttachRequest): string
  portForward(request: PortForwardRequest): string
  close(): Promise<void>
}

type Asked =
  | { readonly kind: 'exec'; readonly request: ExecRequest }
  | { readonly kind: 'attach'; readonly request: AttachRequest }
  | { readonly kind: 'portForward'; readonly request: PortForwardRequest }

/** As containerd: who does not come within a minute has to ask again. */
const tokenLifeMs = 60_000
const maxTokens = 1000

export async function openStreaming(parts: EngineParts, address: string): Promise<Streaming> {
  const { clock, random, log } = parts
  const asked = new Map<string, { asked: Asked; cancel: () => void }>()
  const sockets = new Set<Duplex>()

  const take = (token: string): Asked | undefined => {
    const entry = asked.get(token)
    entry?.cancel()
    asked.delete(token)
    return entry?.asked
  }
  const server = createServer((_, response) => {
    response.writeHead(400, { 'content-type': 'text/plain' }).end('an upgrade to WebSocket or SPDY/3.1 is needed\n')
  })
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
    // The session's own reader learns of it too; without a listener it would end the process.
    socket.on('error', (error) => log.debug('A stream broke', { error }))
    const wanted = take(request.url?.split('?')[0]?.split('/').at(-1) ?? '')
    if (!wanted) return void socket.end('HTTP/1.1 404 Not Found\r\nconnection: close\r\ncontent-length: 0\r\n\r\n')
    serve(parts, wanted, request, socket, head).catch((error: unknown) => {
      log.warn('A stream failed', { kind: wanted.kind, error })
      socket.destroy()
    })
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, address, resolve)
  })
  const { port } = server.address() as AddressInfo

  const urlFor = (what: Asked): string => {
    if (asked.size >= maxTokens) throw new CriError('RESOURCE_EXHAUSTED', 'too many streams wait for their clients')
    const token = random.uuid()
    asked.set(token, { asked: what, cancel: clock.after(tokenLifeMs, () => asked.delete(token)) })
    return `http://${address.includes(':') ? `[${address}]` : address}:${port}/${what.kind}/${token}`
  }
  return {
    exec(request) {
      const { id } = runningContainer(parts, request.containerId)
      checkStreams(request)
      if ((request.cmd ?? []).length === 0) throw new CriError('INVALID_ARGUMENT', 'no command specified')
      return urlFor({ kind: 'exec', request: { ...request, containerId: id } })
    },
    attach(request) {
      const { id } = runningContainer(parts, request.containerId)
      checkStreams(request)
      return urlFor({ kind: 'attach', request: { ...request, containerId: id } })
    },
    portForward(request) {
      const { id, phase } = parts.sandboxes.find(request.podSandboxId)
      if (phase !== 'ready') throw new CriError('FAILED_PRECONDITION', `sandbox ${id} is not ready`)
      return urlFor({ kind: 'portForward', request: { ...request, podSandboxId: id } })
    },
    async close() {
      for (const { cancel } of asked.values()) cancel()
      asked.clear()
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      server.closeAllConnections()
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}

function checkStreams({ stdin, stdout, stderr, tty }: ExecRequest | AttachRequest): void {
  if (!stdin && !stdout && !stderr) throw new CriError('INVALID_ARGUMENT', 'one of stdin, stdout, stderr must be set')
  if (tty && stderr) throw new CriError('INVALID_ARGUMENT', 'tty and stderr cannot both be set')
}

async function serve(parts: EngineParts, asked: Asked, request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
  switch (asked.kind) {
    case 'exec':
    case 'attach': {
      const { stdin = false, stdout = false, stderr = false, tty = false } = asked.request
      const streams = await acceptProcessStreams({
        request,
        socket,
        head,
        wanted: { stdin, stdout, stderr, resize: tty },
        clock: parts.clock,
      })
      if (!streams) return
      return asked.kind === 'exec' ? execSession(parts, asked.request, streams) : attachSession(parts, asked.request, streams)
    }
    case 'portForward':
      return acceptPortForward({ request, socket, head, onStreams: portForwardSession(parts, asked.request) })
  }
}
