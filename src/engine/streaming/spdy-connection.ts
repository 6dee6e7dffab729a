import { Duplex } from 'node:stream'
import { createDeflate, createInflate, constants as zlibConstants } from 'node:zlib'
import { headerDictionary } from './spdy-dictionary.ts'

/**
 * The server's side of SPDY/3.1 as Kubernetes' clients speak it: streams that the client opens, headers compressed with
 * the draft's dictionary, and no flow control but TCP's, since the clients' library has none and neither sends nor heeds
 * WINDOW_UPDATE. A stream whose reader is slow therefore stops the whole connection.
 * See the SPDY protocol draft 3.1, section 2.
 */
export interface SpdyConnection {
  /** Resolves when the connection is over, whoever ended it. */
  readonly closed: Promise<void>
  /** Says that no more streams are taken, writes what is pending and closes. */
  close(): void
}

export interface SpdyStream {
  readonly headers: Readonly<Record<string, string>>
  readonly stream: Duplex
}

const frameTypes = { synStream: 1, synReply: 2, reset: 3, ping: 6, goAway: 7, headers: 8 } as const
const flagFin = 1
const resetCodes = { protocolError: 1, refusedStream: 3, cancel: 5 } as const

const maxControlBytes = 64 * 1024
const maxHeaderBytes = 64 * 1024
const maxStreams = 1000
const maxDataBytes = 32 * 1024

export class SpdyProtocolError extends Error {}

export function serveSpdy(socket: Duplex, head: Buffer, onStream: (stream: SpdyStream) => void): SpdyConnection {
  const streams = new Map<number, IncomingStream>()
  const inflate = headerInflater()
  const deflate = headerDeflater()
  let lastId = 0

  const send = (frame: Buffer, callback?: (error?: Error | null) => void): void => {
    if (socket.destroyed || socket.writableEnded) callback?.(new Error('the connection is closed'))
    else socket.write(frame, callback)
  }
  const control = (type: number, body: Buffer, flags = 0): Buffer => {
    const header = Buffer.alloc(8)
    header.writeUInt16BE(0x8003)
    header.writeUInt16BE(type, 2)
    header.writeUInt32BE((flags << 24) | body.length, 4)
    return Buffer.concat([header, body])
  }
  const reset = (id: number, code: number): void => send(control(frameTypes.reset, words(id, code)))

  const openStream = async (flags: number, body: Buffer): Promise<void> => {
    if (body.length < 10) throw new SpdyProtocolError('SYN_STREAM is too short')
    const id = body.readUInt32BE() & 0x7fffffff
    // The compression's state runs through all headers: they are read even when the stream is refused.
    const headers = parseHeaders(await inflate(body.subarray(10)))
    if (id % 2 === 0 || id <= lastId) throw new SpdyProtocolError(`stream ${id} was not to come`)
    lastId = id
    if (streams.size >= maxStreams) return reset(id, resetCodes.refusedStream)
    const incoming = new IncomingStream({
      send: (data, callback) => send(dataFrame(id, data, 0), callback),
      end: (callback) => send(dataFrame(id, Buffer.alloc(0), flagFin), callback),
      cancel: () => reset(id, resetCodes.cancel),
      gone: () => streams.delete(id),
    })
    streams.set(id, incoming)
    send(control(frameTypes.synReply, Buffer.concat([words(id), await deflate(words(0))])))
    if ((flags & flagFin) !== 0) incoming.push(null)
    onStream({ headers, stream: incoming })
  }

  const onControl = async (type: number, flags: number, body: Buffer): Promise<void> => {
    switch (type) {
      case frameTypes.synStream:
        return openStream(flags, body)
      case frameTypes.headers:
        await inflate(body.subarray(4))
        if ((flags & flagFin) !== 0 && body.length >= 4) streams.get(body.readUInt32BE() & 0x7fffffff)?.push(null)
        return
      case frameTypes.reset:
        if (body.length >= 4) streams.get(body.readUInt32BE() & 0x7fffffff)?.resetByPeer()
        return
      case frameTypes.ping:
        // Odd numbers are the client's own pings.
        if (body.length === 4 && body.readUInt32BE() % 2 === 1) send(control(frameTypes.ping, body))
        return
      case frameTypes.goAway:
        return
      default:
      // SETTINGS, WINDOW_UPDATE and unknown frames are of no consequence here.
    }
  }

  const onData = async (id: number, flags: number, data: Buffer): Promise<void> => {
    const stream = streams.get(id)
    // What the client sent before it learnt of the stream's end.
    if (!stream) return
    if (data.length > 0) await stream.receive(data)
    if ((flags & flagFin) !== 0) stream.push(null)
  }

  const read = async (): Promise<void> => {
    let failure: unknown
    try {
      for await (const frame of frames(head, socket)) {
        if (frame.control) await onControl(frame.type, frame.flags, frame.body)
        else await onData(frame.id, frame.flags, frame.body)
      }
    } catch (error) {
      failure = error
    }
    for (const stream of streams.values()) stream.destroy()
    inflate.close()
    deflate.close()
    socket.destroy()
    if (failure instanceof SpdyProtocolError) throw failure
  }
  return {
    closed: read(),
    close() {
      send(control(frameTypes.goAway, words(lastId, 0)))
      socket.end()
    },
  }
}

interface StreamWires {
  send(data: Buffer, callback: (error?: Error | null) => void): void
  end(callback: (error?: Error | null) => void): void
  cancel(): void
  gone(): void
}

class IncomingStream extends Duplex {
  readonly #wires: StreamWires
  #wake: (() => void) | undefined
  #quiet = false

  constructor(wires: StreamWires) {
    super({ allowHalfOpen: true, readableHighWaterMark: 256 * 1024 })
    this.#wires = wires
    // A session that has no interest in the error need not listen for it.
    this.on('error', () => {})
    this.once('close', () => wires.gone())
  }

  /** Resolves when the reader wants more. */
  async receive(data: Buffer): Promise<void> {
    if (this.destroyed || this.readableEnded) return
    if (this.push(data)) return
    await new Promise<void>((resolve) => {
      this.#wake = resolve
    })
  }

  resetByPeer(): void {
    this.#quiet = true
    this.destroy()
  }

  override _read(): void {
    this.#wake?.()
    this.#wake = undefined
  }

  override _write(chunk: Buffer, _: BufferEncoding, callback: (error?: Error | null) => void): void {
    const next = (offset: number): void => {
      const end = Math.min(offset + maxDataBytes, chunk.length)
      this.#wires.send(chunk.subarray(offset, end), (error) => (error || end === chunk.length ? callback(error) : next(end)))
    }
    next(0)
  }

  override _final(callback: (error?: Error | null) => void): void {
    this.#wires.end(callback)
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#wake?.()
    this.#wake = undefined
    if (!this.#quiet && !(this.writableFinished && this.readableEnded)) this.#wires.cancel()
    callback(error)
  }
}

type Frame =
  | { readonly control: true; readonly type: number; readonly flags: number; readonly body: Buffer }
  | { readonly control: false; readonly id: number; readonly flags: number; readonly body: Buffer }

/** Frames in their order; a long data frame comes in pieces, the last of which bears its flags. */
async function* frames(head: Buffer, socket: Duplex): AsyncGenerator<Frame> {
  let pending = head
  let rest: { id: number; flags: number; bytes: number } | undefined
  const chunks = (async function* () {
    yield Buffer.alloc(0)
    for await (const chunk of socket) yield chunk as Buffer
  })()
  for await (const chunk of chunks) {
    pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk])
    for (;;) {
      if (rest) {
        const body = pending.subarray(0, rest.bytes)
        if (body.length === 0 && rest.bytes > 0) break
        pending = pending.subarray(body.length)
        rest.bytes -= body.length
        yield { control: false, id: rest.id, flags: rest.bytes === 0 ? rest.flags : 0, body }
        if (rest.bytes === 0) rest = undefined
        continue
      }
      if (pending.length < 8) break
      const bytes = pending.readUInt32BE(4) & 0xffffff
      const flags = pending[4] ?? 0
      const first = pending.readUInt32BE()
      if ((first & 0x80000000) === 0) {
        rest = { id: first, flags, bytes }
        pending = pending.subarray(8)
        continue
      }
      if (((first >>> 16) & 0x7fff) !== 3) throw new SpdyProtocolError(`SPDY version ${(first >>> 16) & 0x7fff} is not spoken`)
      if (bytes > maxControlBytes) throw new SpdyProtocolError(`a control frame of ${bytes} bytes is too long`)
      if (pending.length < 8 + bytes) break
      yield { control: true, type: first & 0xffff, flags, body: pending.subarray(8, 8 + bytes) }
      pending = pending.subarray(8 + bytes)
    }
  }
}

function dataFrame(id: number, data: Buffer, flags: number): Buffer {
  return Buffer.concat([words(id, ((flags << 24) | data.length) >>> 0), data])
}

function words(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 4)
  for (const [index, value] of values.entries()) bytes.writeUInt32BE(value >>> 0, index * 4)
  return bytes
}

/** A count, then names and values, each after its length. Names are lower case, several values are divided by NUL. */
function parseHeaders(block: Buffer): Record<string, string> {
  const headers: Record<string, string> = Object.create(null)
  let offset = 4
  const text = (): string => {
    if (offset + 4 > block.length) throw new SpdyProtocolError('a header block ends early')
    const end = offset + 4 + block.readUInt32BE(offset)
    if (end > block.length) throw new SpdyProtocolError('a header block ends early')
    const value = block.toString('utf8', offset + 4, end)
    offset = end
    return value
  }
  const count = block.length >= 4 ? block.readUInt32BE() : 0
  for (let index = 0; index < count; index++) headers[text().toLowerCase()] = text().split('\0')[0] ?? ''
  return headers
}

/** One stream of compressed data runs through all header blocks of a direction; each block ends with a sync flush. */
function headerInflater() {
  const inflate = createInflate({
    dictionary: headerDictionary,
    flush: zlibConstants.Z_SYNC_FLUSH,
    finishFlush: zlibConstants.Z_SYNC_FLUSH,
  })
  let found: Buffer[] = []
  let size = 0
  let failure: SpdyProtocolError | undefined
  let fail: (error: SpdyProtocolError) => void = () => {}
  inflate.on('data', (chunk: Buffer) => {
    size += chunk.length
    if (size <= maxHeaderBytes) found.push(chunk)
    else {
      failure = new SpdyProtocolError('a header block is too long')
      inflate.destroy()
    }
  })
  // For as long as it lives: an error may come after the block that it belongs to has been answered.
  inflate.on('error', (cause) => {
    failure ??= new SpdyProtocolError('a header block cannot be inflated', { cause })
    fail(failure)
  })
  const run = (block: Buffer): Promise<Buffer> =>
    new Promise((resolve, reject) => {
      found = []
      size = 0
      fail = reject
      inflate.write(block, () => (failure ? reject(failure) : resolve(Buffer.concat(found))))
    })
  return Object.assign(run, { close: () => inflate.destroy() })
}

function headerDeflater() {
  const deflate = createDeflate({ dictionary: headerDictionary, flush: zlibConstants.Z_SYNC_FLUSH })
  let found: Buffer[] = []
  deflate.on('data', (chunk: Buffer) => found.push(chunk))
  const run = (block: Buffer): Promise<Buffer> =>
    new Promise((resolve, reject) => {
      found = []
      deflate.once('error', reject)
      deflate.write(block, () => {
        deflate.off('error', reject)
        resolve(Buffer.concat(found))
      })
    })
  return Object.assign(run, { close: () => deflate.destroy() })
}
