import { createServer as createHttp1Server, type IncomingMessage, ServerResponse } from 'node:http'
import { createServer as createHttp2Server, type Http2ServerRequest } from 'node:http2'
import type { AddressInfo, Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { createServer as createTlsServer, type TLSSocket } from 'node:tls'
import type { ApiReply, ApiRequest, Caller, Handler, ReplyBody, WatchSink } from '../api/exchange.ts'
import { StatusError } from '../api/status-error.ts'
import type { Log } from '../base/log.ts'
import { nextTurn } from '../base/turns.ts'
import { certificateReader } from './client-certificate.ts'
import { gzipped, isCompressed, isSameMachine } from './compression.ts'
import { readBody } from './read-body.ts'

/** Upstream's limit of a request body. */
const maxBodyBytes = 3 << 20
const maxHeaderBytes = 64 << 10
/** Those beyond would be left out without a word. */
const maxHeaders = 1000
/** Pings and settings that a connection may bring in that time. */
const maxControlFrames = 1000
const controlFramesMs = 10_000
/** How long a connection lasts after it was refused. */
const lingerMs = 500
/** Of a watch's first part, no more than this waits to be read. */
const readyBytes = 1 << 20
/** What a watcher may leave unread before it is cut off. */
const maxUnreadBytes = 16 << 20
/** Big replies go out in blocks of about this size, of two milliseconds each: other requests are answered between them. */
const blockBytes = 1 << 20

export interface HttpOptions {
  readonly handle: Handler
  readonly certificate: string
  readonly key: string
  /** PEM of the authority that signs client certificates. */
  readonly clientAuthority: string
  /** PEM of the one that signs those of proxies that speak for others; left out: there are none. */
  readonly frontProxyAuthority?: string
  /** Also compress for callers on this machine, such as a proxy for others; left out: not. */
  readonly compressesForAll?: boolean
  /** Left out: the usual ones. */
  readonly patience?: Patience
  readonly log: Log
}

/** How long is waited for others, in milliseconds. */
export interface Patience {
  /** For a request's headers. */
  readonly headersMs: number
  /** For a whole request. */
  readonly requestMs: number
  /** For the next request on a connection. */
  readonly idleMs: number
  /** For a reader to take more of a reply. */
  readonly stalledMs: number
}

const usualPatience: Patience = { headersMs: 20_000, requestMs: 60_000, idleMs: 120_000, stalledMs: 60_000 }

export interface HttpListener {
  /** Begins to answer at an address; port 0 takes a free one. Returns the port. */
  listen(address: string, port: number): Promise<number>
  /** Stops accepting and ends every connection. */
  close(): Promise<void>
}

type Incoming = IncomingMessage | Http2ServerRequest

/** The only place of the server that knows sockets: HTTP/1.1 and HTTP/2 over TLS become ApiRequests, ApiReplies become bytes. */
export function createHttpListener({
  handle,
  certificate,
  key,
  clientAuthority,
  frontProxyAuthority,
  compressesForAll = false,
  patience = usualPatience,
  log,
}: HttpOptions): HttpListener {
  const http1 = createHttp1Server({
    maxHeaderSize: maxHeaderBytes,
    headersTimeout: patience.headersMs,
    requestTimeout: patience.requestMs,
    keepAliveTimeout: patience.idleMs,
    connectionsCheckingInterval: patience.headersMs / 4,
  })
  http1.maxHeadersCount = maxHeaders
  // It is given its connections and never listens, and only what listens looks for slow ones.
  http1.emit('listening')
  const http2 = createHttp2Server({
    maxHeaderListPairs: maxHeaders,
    settings: { maxConcurrentStreams: 250, initialWindowSize: 256 << 10, maxHeaderListSize: maxHeaderBytes },
  })
  http2.on('session', (session) => {
    session.on('error', () => session.destroy())
    // Who says nothing after the handshake is sent away; later, idle connections end when their last stream does.
    session.setTimeout(patience.headersMs)
    let isUsed = false
    session.on('timeout', () => {
      if (isUsed) session.close()
      else session.destroy()
    })
    session.once('stream', () => {
      isUsed = true
      session.setTimeout(patience.idleMs)
    })
    const count = controlFrames(() => session.destroy())
    session.on('ping', count)
    session.on('remoteSettings', count)
  })
  const readCertificate = certificateReader({
    client: clientAuthority,
    ...(frontProxyAuthority !== undefined && { frontProxy: frontProxyAuthority }),
  })
  const callerOf = callerReader(readCertificate)
  const onRequest = (incoming: Incoming, outgoing: ServerResponse) => {
    void answer(handle, incoming, outgoing, { callerOf, compressesForAll, patience }).catch((error: unknown) => {
      log.error('Cannot answer a request', { error, path: incoming.url })
      outgoing.destroy()
    })
  }
  http1.on('request', onRequest)
  // The compatibility response of HTTP/2 has the same methods.
  http2.on('request', (incoming, outgoing) => onRequest(incoming, outgoing as unknown as ServerResponse))
  http1.on('upgrade', (incoming: IncomingMessage, socket: Socket, head: Buffer) => {
    void upgrade(handle, incoming, socket, { callerOf, head }).catch((error: unknown) => {
      log.error('Cannot upgrade a connection', { error, path: incoming.url })
      socket.destroy()
    })
  })
  http1.on('clientError', (error, socket) => refuse(error, socket))

  const sockets = new Set<Socket>()
  const servers = new Set<ReturnType<typeof createTlsServer>>()
  const accept = (socket: TLSSocket) => {
    sockets.add(socket)
    socket.setNoDelay(true)
    socket.once('close', () => sockets.delete(socket))
    socket.on('error', () => socket.destroy())
    if (socket.alpnProtocol === 'h2') http2.emit('connection', socket)
    else http1.emit('connection', socket)
  }

  return {
    listen(address, port) {
      const server = createTlsServer(
        {
          cert: certificate,
          key,
          ca: frontProxyAuthority === undefined ? clientAuthority : [clientAuthority, frontProxyAuthority],
          requestCert: true,
          rejectUnauthorized: false,
          ALPNProtocols: ['h2', 'http/1.1'],
          handshakeTimeout: 10_000,
        },
        accept,
      )
      server.on('tlsClientError', (_error, socket) => socket.destroy())
      servers.add(server)
      return new Promise((resolve, reject) => {
        server.once('error', (cause) => reject(new Error(`Cannot listen on ${address}:${port}: ${cause.message}`, { cause })))
        server.listen({ host: address, port, backlog: 1024 }, () => resolve((server.address() as AddressInfo).port))
      })
    },
    async close() {
      const closed = [...servers].map((server) => new Promise<void>((resolve) => server.close(() => resolve())))
      for (const socket of sockets) socket.destroy()
      http1.close()
      http2.close()
      await Promise.all(closed)
    },
  }
}

/** Counts frames that ask for an answer and nothing else; whoever sends far more than any client needs floods. */
function controlFrames(onFlood: () => void): () => void {
  let count = 0
  let beganMs = performance.now()
  return () => {
    const nowMs = performance.now()
    if (nowMs - beganMs > controlFramesMs) {
      beganMs = nowMs
      count = 0
    }
    if (++count > maxControlFrames) onFlood()
  }
}

const socketOf = (incoming: Incoming) => ('stream' in incoming ? incoming.stream.session?.socket : incoming.socket) as TLSSocket

type CallerOf = (incoming: Incoming) => Caller

/** What is known of a connection's peer, found once per connection. */
function callerReader(readCertificate: ReturnType<typeof certificateReader>): CallerOf {
  const callers = new WeakMap<object, Caller>()
  return (incoming) => {
    const socket = socketOf(incoming)
    const known = callers.get(socket)
    if (known) return known
    const caller: Caller = { type: 'socket', address: socket.remoteAddress ?? '', ...readCertificate(socket) }
    callers.set(socket, caller)
    return caller
  }
}

function requestOf(incoming: Incoming, callerOf: CallerOf, body: Uint8Array | undefined, onClose: (abort: () => void) => void): ApiRequest {
  const url = incoming.url ?? '/'
  const mark = url.indexOf('?')
  let controller: AbortController | undefined
  return {
    method: incoming.method ?? 'GET',
    path: mark < 0 ? url : url.slice(0, mark),
    query: mark < 0 ? '' : url.slice(mark + 1),
    // Only set-cookie is ever a list, and that is no request's header.
    headers: incoming.headers as Record<string, string | undefined>,
    rawHeaders: incoming.rawHeaders,
    ...(body && { body }),
    caller: callerOf(incoming),
    // Most requests never ask for it.
    get signal() {
      if (!controller) {
        const made = new AbortController()
        controller = made
        onClose(() => made.abort())
      }
      return controller.signal
    },
  }
}

async function answer(
  handle: Handler,
  incoming: Incoming,
  outgoing: ServerResponse,
  { callerOf, compressesForAll, patience }: { callerOf: CallerOf; compressesForAll: boolean; patience: Patience },
): Promise<void> {
  if (incoming.rawHeaders.length >= 2 * maxHeaders)
    return write(outgoing, plainReply(431, 'Request Header Fields Too Large'), { close: true })
  const announced = Number(incoming.headers['content-length'] ?? 0)
  const limits = { maxBytes: maxBodyBytes, timeoutMs: patience.requestMs }
  const body = hasBody(incoming) ? await readBody(incoming, announced, limits) : undefined
  if (body === 'too large')
    return write(outgoing, errorReply(new StatusError('RequestEntityTooLarge', `Request entity too large: limit is ${maxBodyBytes}`)), {
      close: true,
    })
  if (body === 'too slow') return write(outgoing, plainReply(408, 'Request Timeout'), { close: true })
  if (body === 'aborted') return
  const onClose = (abort: () => void) => {
    if (isGone(outgoing)) abort()
    else outgoing.once('close', abort)
  }
  const reply = await handle(requestOf(incoming, callerOf, body, onClose))
  if (isGone(outgoing)) return
  await write(outgoing, reply, {
    compresses: (length) => isWorthIt(incoming, length, compressesForAll),
    stalledMs: patience.stalledMs,
  })
}

const isWorthIt = (incoming: Incoming, length: number, compressesForAll: boolean) =>
  incoming.method !== 'HEAD' &&
  isCompressed(length, incoming.headers['accept-encoding']?.toString()) &&
  (compressesForAll || !isSameMachine(socketOf(incoming)))

const hasBody = (incoming: Incoming) => incoming.method !== 'GET' && incoming.method !== 'HEAD'

const plainReply = (status: number, text: string): ApiReply => ({
  status,
  headers: { 'content-type': 'text/plain; charset=utf-8' },
  body: { type: 'bytes', chunks: [Buffer.from(`${text}\n`)] },
})

/** What is no HTTP gets the shortest of answers. It would be lost if the connection ended while there is more to read. */
function refuse(error: Error, socket: Duplex): void {
  if (socket.writableEnded) return
  if (!socket.writable) {
    socket.destroy()
    return
  }
  socket.end(`HTTP/1.1 ${refusalOf(error)}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
  const timer = setTimeout(() => socket.destroy(), lingerMs)
  socket.once('close', () => clearTimeout(timer))
}

function refusalOf(error: Error): string {
  switch ('code' in error ? error.code : '') {
    case 'HPE_HEADER_OVERFLOW':
      return '431 Request Header Fields Too Large'
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return '408 Request Timeout'
    default:
      return '400 Bad Request'
  }
}

function errorReply(error: StatusError): ApiReply {
  const chunk = Buffer.from(JSON.stringify(error.status()))
  return { status: error.code, headers: { 'content-type': 'application/json' }, body: { type: 'bytes', chunks: [chunk] } }
}

interface WriteHow {
  /** The body was not read, so the connection cannot carry another request. */
  readonly close?: boolean
  /** Whether a body of this length goes out compressed. */
  readonly compresses?: (length: number) => boolean
  /** How long its reader may take nothing of a reply that is there as a whole. */
  readonly stalledMs?: number
}

async function write(outgoing: ServerResponse, reply: ApiReply, how: WriteHow = {}): Promise<void> {
  const { close = false } = how
  const headers: Record<string, string> = { ...reply.headers }
  if (close && outgoing instanceof ServerResponse) headers.connection = 'close'
  if (reply.cookies) outgoing.setHeader('set-cookie', reply.cookies)
  const body: ReplyBody = reply.body
  switch (body.type) {
    case 'none':
      outgoing.writeHead(reply.status, headers)
      outgoing.end()
      return
    case 'bytes':
      return writeChunks(outgoing, reply.status, headers, body.chunks, how)
    case 'object':
      return writeChunks(outgoing, reply.status, headers, body.encode(), how)
    case 'stream':
      outgoing.writeHead(reply.status, headers)
      outgoing.flushHeaders()
      return writeStream(outgoing, body.stream)
    case 'watch':
      outgoing.writeHead(reply.status, headers)
      outgoing.flushHeaders()
      body.open(watchSink(outgoing))
      return
    case 'upgrade':
      return writeChunks(outgoing, 400, { 'content-type': 'text/plain' }, [Buffer.from('Upgrade request required')], how)
  }
}

/** No faster than it is read. A source that breaks off breaks the reply off, so that nobody takes it for whole. */
async function writeStream(outgoing: ServerResponse, stream: AsyncIterable<Uint8Array>, stalledMs?: number): Promise<void> {
  try {
    for await (const chunk of stream) {
      if (isGone(outgoing)) return
      if (!outgoing.write(chunk)) await drained(outgoing, stalledMs)
    }
  } catch (cause) {
    // The source is given up when the reader goes away.
    if (isGone(outgoing)) return
    throw cause
  }
  outgoing.end()
}

async function writeChunks(
  outgoing: ServerResponse,
  status: number,
  headers: Record<string, string>,
  chunks: readonly Uint8Array[],
  { compresses = () => false, stalledMs }: WriteHow,
): Promise<void> {
  let length = 0
  for (const chunk of chunks) length += chunk.length
  if (compresses(length)) {
    outgoing.writeHead(status, { ...headers, 'content-encoding': 'gzip', vary: 'Accept-Encoding' })
    return writeStream(outgoing, gzipped(chunks), stalledMs)
  }
  headers['content-length'] = String(length)
  outgoing.writeHead(status, headers)
  if (length <= blockBytes) {
    const [first] = chunks
    outgoing.end(chunks.length === 1 && first ? first : Buffer.concat(chunks, length))
    return
  }
  let block: Uint8Array[] = []
  let blockLength = 0
  for (const chunk of chunks) {
    block.push(chunk)
    blockLength += chunk.length
    if (blockLength < blockBytes) continue
    const free = outgoing.write(Buffer.concat(block, blockLength))
    block = []
    blockLength = 0
    await (free ? nextTurn() : drained(outgoing, stalledMs))
    if (isGone(outgoing)) return
  }
  outgoing.end(Buffer.concat(block, blockLength))
}

/** The compatibility response of HTTP/2 tells by its stream. */
const isGone = (outgoing: ServerResponse): boolean => outgoing.destroyed || ('stream' in outgoing && (outgoing.stream as Duplex).destroyed)

/** Resolves when more can be written, or the reader is gone: also one that takes nothing for `stalledMs`, where that is given. */
const drained = (outgoing: ServerResponse, stalledMs?: number) =>
  new Promise<void>((resolve) => {
    const timer = stalledMs === undefined ? undefined : setTimeout(() => outgoing.destroy(), stalledMs)
    const done = () => {
      clearTimeout(timer)
      outgoing.off('drain', done)
      outgoing.off('close', done)
      resolve()
    }
    outgoing.on('drain', done)
    outgoing.on('close', done)
  })

/** Events of one turn of the loop go out in one write. */
function watchSink(outgoing: ServerResponse): WatchSink {
  let waiting: Uint8Array[] = []
  const flush = () => {
    if (waiting.length === 0 || isGone(outgoing)) return
    const lines = waiting
    waiting = []
    outgoing.write(lines.length === 1 && lines[0] ? lines[0] : Buffer.concat(lines))
  }
  return {
    event(event) {
      if (isGone(outgoing)) return false
      if (outgoing.writableLength > maxUnreadBytes) {
        outgoing.destroy()
        return false
      }
      if (waiting.push(event.bytes()) === 1) queueMicrotask(flush)
      return true
    },
    async ready() {
      flush()
      if (outgoing.writableLength > readyBytes && !isGone(outgoing)) await drained(outgoing)
    },
    end() {
      flush()
      outgoing.end()
    },
  }
}

async function upgrade(
  handle: Handler,
  incoming: IncomingMessage,
  socket: Socket,
  { callerOf, head }: { callerOf: CallerOf; head: Buffer },
): Promise<void> {
  socket.on('error', () => socket.destroy())
  const reply = await handle(requestOf(incoming, callerOf, undefined, (abort) => socket.once('close', abort)))
  if (reply.body.type === 'upgrade') return reply.body.connect(socket, head)
  const outgoing = new ServerResponse(incoming)
  outgoing.assignSocket(socket)
  outgoing.once('finish', () => socket.end())
  await write(outgoing, reply, { close: true })
}
