import { connect as connectHttp2, constants } from 'node:http2'
import { request as httpsRequest } from 'node:https'
import type { Duplex } from 'node:stream'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ApiReply, ApiRequest, WatchSink } from '../api/exchange.ts'
import { silentLog } from '../base/log.ts'
import { createHttpListener, type HttpListener } from './http.ts'
import { createAuthority, issueCertificate, type KeyPair } from './pki.ts'

const patience = { headersMs: 400, requestMs: 800, idleMs: 1500, stalledMs: 400 }
const seen: { method: string; path: string; length: number }[] = []
const watches: WatchSink[] = []
let authority: KeyPair
const listeners: HttpListener[] = []
let port: number
/** Where nobody is waited for long. */
let hastyPort: number

async function handle({ method, path, body }: ApiRequest): Promise<ApiReply> {
  seen.push({ method, path, length: body instanceof Uint8Array ? body.length : 0 })
  if (path === '/upgrade') {
    const connect = (socket: Duplex) => {
      socket.write('HTTP/1.1 101 Switching Protocols\r\n\r\n')
      socket.pipe(socket)
    }
    return { status: 101, headers: {}, body: { type: 'upgrade', connect } }
  }
  if (path === '/watch') return { status: 200, headers: {}, body: { type: 'watch', open: (sink) => void watches.push(sink) } }
  const size = path === '/big' ? 64 << 20 : 2
  return {
    status: 200,
    headers: {},
    body: { type: 'bytes', chunks: path === '/big' ? Array.from({ length: 64 }, () => block) : [Buffer.alloc(size, 'x')] },
  }
}
const block = Buffer.alloc(1 << 20, 'x')

beforeAll(async () => {
  const nowMs = Date.now()
  authority = await createAuthority('test-ca', nowMs)
  const serving = await issueCertificate(authority, { commonName: 'server', addresses: ['127.0.0.1'], nowMs })
  const usual = { handle, ...serving, clientAuthority: authority.certificate, log: silentLog }
  listeners.push(createHttpListener(usual), createHttpListener({ ...usual, patience }))
  ;[port = 0, hastyPort = 0] = await Promise.all(listeners.map((listener) => listener.listen('127.0.0.1', 0)))
})
afterAll(() => Promise.all(listeners.map((listener) => listener.close())))

/** Another client goes on being served, and soon. */
async function othersAreServed(at = port): Promise<void> {
  const status = await new Promise<number | undefined>((resolve, reject) =>
    httpsRequest({ host: '127.0.0.1', port: at, path: '/other', ca: authority.certificate, agent: false, timeout: 5000 }, (response) => {
      response.resume()
      resolve(response.statusCode)
    })
      .on('error', reject)
      .end(),
  )
  expect(status).toBe(200)
}

/** Sends bytes as they are over HTTP/1.1; `answer` is all that comes back until the connection ends. */
function raw(parts: readonly (string | Buffer)[], at = port): { socket: TLSSocket; answer: Promise<string> } {
  const socket = connectTls({ host: '127.0.0.1', port: at, ca: authority.certificate, ALPNProtocols: ['http/1.1'] })
  let text = ''
  const answer = new Promise<string>((resolve) => {
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1')
    })
    socket.on('error', () => {})
    socket.once('close', () => resolve(text))
  })
  for (const part of parts) socket.write(part)
  return { socket, answer }
}

describe('slow clients are sent away', () => {
  test.each([
    ['that send nothing', ''],
    ['that do not finish their headers', 'GET /slow HTTP/1.1\r\nHost: x\r\nX-A: '],
    ['that do not finish their body', 'POST /slow HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc'],
  ])('%s', async (_, start) => {
    const { socket, answer } = raw([start], hastyPort)
    // A byte now and then does not help.
    const dripping = setInterval(() => start !== '' && socket.write('a'), 300)
    await othersAreServed(hastyPort)
    expect(await answer).toMatch(/^(HTTP\/1\.1 408 |$)/)
    clearInterval(dripping)
    expect(seen.map(({ path }) => path)).not.toContain('/slow')
  })

  test('over HTTP/2 too', async () => {
    const session = connectHttp2(`https://127.0.0.1:${hastyPort}`, { ca: authority.certificate })
    session.on('error', () => {})
    const stream = session.request({ ':path': '/slow-2', ':method': 'POST' })
    stream.on('error', () => {})
    stream.write('a')
    const status = await new Promise((resolve) => stream.once('response', (headers) => resolve(headers[':status'])))
    expect(status).toBe(408)
    await othersAreServed(hastyPort)
    session.destroy()
    const quiet = connectTls({ host: '127.0.0.1', port: hastyPort, ca: authority.certificate, ALPNProtocols: ['h2'] })
    quiet.on('error', () => {})
    await new Promise((resolve) => quiet.resume().once('close', resolve))
  })

  test('that do not read what they asked for', async () => {
    const { socket, answer } = raw(['GET /big HTTP/1.1\r\nHost: x\r\n\r\n'], hastyPort)
    socket.pause()
    await othersAreServed(hastyPort)
    await new Promise((resolve) => setTimeout(resolve, patience.stalledMs * 2))
    socket.resume()
    expect((await answer).length).toBeLessThan(64 << 20)
  })
})

describe('who has been answered is not slow', () => {
  const longer = () => new Promise((resolve) => setTimeout(resolve, patience.requestMs + patience.headersMs + patience.idleMs))

  test('a connection that was handed over lasts', async () => {
    const { socket, answer } = raw(['GET /upgrade HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: test\r\n\r\n'], hastyPort)
    await longer()
    socket.write('still here')
    await new Promise<void>((resolve) => socket.on('data', (chunk: Buffer) => chunk.includes('still here') && resolve()))
    socket.destroy()
    expect(await answer).toContain('101')
  })

  test('so does a watch without events, over both protocols', async () => {
    const { socket, answer } = raw(['GET /watch HTTP/1.1\r\nHost: x\r\n\r\n'], hastyPort)
    const session = connectHttp2(`https://127.0.0.1:${hastyPort}`, { ca: authority.certificate })
    session.on('error', () => {})
    const stream = session.request({ ':path': '/watch' })
    let text = ''
    stream.on('data', (chunk: Buffer) => {
      text += chunk.toString()
    })
    await longer()
    expect(watches).toHaveLength(2)
    for (const sink of watches) {
      sink.event({ type: 'ADDED', object: {}, bytes: () => Buffer.from('news') })
      sink.end()
    }
    await new Promise((resolve) => stream.once('end', resolve))
    expect(text).toBe('news')
    socket.end()
    expect(await answer).toContain('news')
    session.destroy()
  })
})

describe('floods of headers are refused', () => {
  test.each([
    ['one that is too long', `GET /h HTTP/1.1\r\nHost: x\r\nX-A: ${'a'.repeat(100_000)}\r\n\r\n`, 431],
    ['too many', `GET /h HTTP/1.1\r\nHost: x\r\n${'A: b\r\n'.repeat(1500)}\r\n`, 431],
    ['too much in all', `GET /h HTTP/1.1\r\nHost: x\r\n${`A: ${'b'.repeat(1000)}\r\n`.repeat(100)}\r\n`, 431],
    ['a path that is too long', `GET /${'h'.repeat(100_000)} HTTP/1.1\r\nHost: x\r\n\r\n`, 431],
  ])('%s', async (_, text, status) => {
    const { answer } = raw([text])
    await othersAreServed()
    expect(await answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `))
    expect(seen.filter(({ path }) => path.startsWith('/h'))).toEqual([])
  })

  test('over HTTP/2 too', async () => {
    const session = connectHttp2(`https://127.0.0.1:${port}`, { ca: authority.certificate, maxSendHeaderBlockLength: 10 << 20 })
    session.on('error', () => {})
    const headers = Object.fromEntries(Array.from({ length: 3000 }, (_, index) => [`x-${index}`, 'a']))
    const stream = session.request({ ':path': '/h', ...headers })
    stream.on('error', () => {})
    await new Promise((resolve) => stream.once('close', resolve))
    await othersAreServed()
    expect(seen.filter(({ path }) => path === '/h')).toEqual([])
    session.destroy()
  })
})

describe('what two readers could read in two ways is no request', () => {
  test.each([
    [
      'both lengths',
      'POST /s HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n',
    ],
    [
      'two lengths',
      'POST /s HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nContent-Length: 30\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n',
    ],
    ['a length that is none', 'POST /s HTTP/1.1\r\nHost: x\r\nContent-Length: +5\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n'],
    [
      'an unknown encoding',
      'POST /s HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n',
    ],
    [
      'space before the colon',
      'POST /s HTTP/1.1\r\nHost: x\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n',
    ],
    [
      'a line that goes on',
      'POST /s HTTP/1.1\r\nHost: x\r\nTransfer-Encoding:\r\n chunked\r\nContent-Length: 40\r\n\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n',
    ],
    ['a bare line feed', 'POST /s HTTP/1.1\nHost: x\nContent-Length: 0\n\nGET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n'],
    [
      'a chunk of no size',
      'POST /s HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0x3\r\nabc\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n',
    ],
    ['no host', 'GET /smuggled HTTP/1.1\r\n\r\n'],
    ['no HTTP', `${'\0'.repeat(1000)}\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n`],
  ])('%s', async (_, text) => {
    const { answer } = raw([text])
    expect(await answer).toMatch(/^HTTP\/1\.1 400 /)
    expect(seen.filter(({ path }) => path === '/smuggled' || path === '/s')).toEqual([])
    await othersAreServed()
  })
})

describe('bodies', () => {
  test('beyond the limit are refused without being kept, announced or not', async () => {
    const big = Buffer.alloc(4 << 20, 'a')
    const announced = raw([`POST /b HTTP/1.1\r\nHost: x\r\nContent-Length: ${big.length}\r\n\r\n`, big])
    expect(await announced.answer).toMatch(/^HTTP\/1\.1 413 /)
    const chunked = raw([
      'POST /b HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n',
      `${big.length.toString(16)}\r\n`,
      big,
      '\r\n0\r\n\r\n',
    ])
    expect(await chunked.answer).toMatch(/^HTTP\/1\.1 413 /)
    const session = connectHttp2(`https://127.0.0.1:${port}`, { ca: authority.certificate })
    session.on('error', () => {})
    const stream = session.request({ ':path': '/b', ':method': 'POST' })
    stream.on('error', () => {})
    stream.end(big)
    expect(await new Promise((resolve) => stream.once('response', (headers) => resolve(headers[':status'])))).toBe(413)
    session.destroy()
    await othersAreServed()
    expect(seen.filter(({ path }) => path === '/b')).toEqual([])
  })

  test('in tiny parts arrive whole', async () => {
    const part = '1\r\na\r\n'
    const { socket, answer } = raw([
      'POST /tiny HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n',
      part.repeat(100_000),
      '0\r\n\r\n',
    ])
    expect(await answer).toMatch(/^HTTP\/1\.1 200 /)
    socket.destroy()
    expect(seen.find(({ path }) => path === '/tiny')?.length).toBe(100_000)
  })

  test('that are compressed are taken as they come', async () => {
    const { answer } = raw([
      'POST /gzip HTTP/1.1\r\nHost: x\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\nConnection: close\r\n\r\nabcde',
    ])
    expect(await answer).toMatch(/^HTTP\/1\.1 200 /)
    expect(seen.find(({ path }) => path === '/gzip')?.length).toBe(5)
  })
})

/** A frame of HTTP/2, as RFC 9113 has it. */
function frame(type: number, flags: number, stream: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(9)
  head.writeUIntBE(payload.length, 0, 3)
  head.writeUInt8(type, 3)
  head.writeUInt8(flags, 4)
  head.writeUInt32BE(stream, 5)
  return Buffer.concat([head, payload])
}

/** `:method GET`, `:scheme https` and `:path /` by their numbers, an authority by its letters. */
const shortHeaders = Buffer.from([0x82, 0x87, 0x84, 0x41, 0x01, 0x78])
const preface = Buffer.concat([Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), frame(4, 0, 0, Buffer.alloc(0))])

describe('floods over HTTP/2 end their own connection', () => {
  const flood = async (frames: Buffer): Promise<void> => {
    const socket = connectTls({ host: '127.0.0.1', port, ca: authority.certificate, ALPNProtocols: ['h2'] })
    socket.on('error', () => {})
    const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()))
    socket.resume()
    socket.write(preface)
    const sending = setInterval(() => socket.write(frames), 1)
    await othersAreServed()
    await closed
    clearInterval(sending)
    await othersAreServed()
  }
  const resets = Buffer.concat(
    Array.from({ length: 5000 }, (_, index) => {
      const reset = Buffer.alloc(4)
      reset.writeUInt32BE(constants.NGHTTP2_CANCEL)
      return Buffer.concat([frame(1, 5, 2 * index + 1, shortHeaders), frame(3, 0, 2 * index + 1, reset)])
    }),
  )

  test('requests that are taken back at once', async () => {
    const before = seen.length
    await flood(resets)
    expect(seen.length - before).toBeLessThan(2500)
  })

  test.each([
    ['settings', frame(4, 0, 0, Buffer.from([0, 3, 0, 0, 0, 1]))],
    ['pings', frame(6, 0, 0, Buffer.alloc(8))],
    [
      'empty headers that go on and on',
      Buffer.concat([frame(1, 1, 1, shortHeaders), ...Array.from({ length: 1000 }, () => frame(9, 0, 1, Buffer.alloc(0)))]),
    ],
    [
      'empty parts of a body',
      Buffer.concat([frame(1, 4, 1, shortHeaders), ...Array.from({ length: 1000 }, () => frame(0, 0, 1, Buffer.alloc(0)))]),
    ],
    ['windows that grow beyond all bounds', frame(8, 0, 0, Buffer.from([0x7f, 0xff, 0xff, 0xff]))],
  ])('%s', async (_, frames) => {
    await flood(Buffer.concat(Array.from({ length: 200 }, () => frames)))
  })

  test('more streams than are allowed wait or are refused', async () => {
    const session = connectHttp2(`https://127.0.0.1:${port}`, { ca: authority.certificate })
    session.on('error', () => {})
    await new Promise<void>((resolve) => session.once('remoteSettings', () => resolve()))
    expect(session.remoteSettings.maxConcurrentStreams).toBe(250)
    session.destroy()
  })
})
