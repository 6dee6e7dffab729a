import { connect as connectHttp2, type IncomingHttpHeaders } from 'node:http2'
import { Agent, request as httpsRequest } from 'node:https'
import { buffer } from 'node:stream/consumers'
import { connect as connectTls } from 'node:tls'
import { gunzipSync } from 'node:zlib'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { ApiReply, ApiRequest, WatchSink } from '../api/exchange.ts'
import { silentLog } from '../base/log.ts'
import { createHttpListener, type HttpListener } from './http.ts'
import { createAuthority, issueCertificate, type KeyPair } from './pki.ts'

const json = (object: unknown): ApiReply => ({
  status: 200,
  headers: { 'content-type': 'application/json' },
  body: { type: 'bytes', chunks: [Buffer.from(JSON.stringify(object))] },
})
const sinks: WatchSink[] = []
const aborted: string[] = []

async function handle(request: ApiRequest): Promise<ApiReply> {
  switch (request.path) {
    case '/echo':
      return json({
        method: request.method,
        query: request.query,
        caller: request.caller,
        body: request.body instanceof Uint8Array ? Buffer.from(request.body).toString() : null,
      })
    case '/list':
      return {
        status: 200,
        headers: {},
        body: { type: 'bytes', chunks: Array.from({ length: 20_000 }, (_, index) => Buffer.from(`${index},`.padEnd(100, 'x'))) },
      }
    case '/watch':
      request.signal.addEventListener('abort', () => aborted.push(request.path))
      return { status: 200, headers: {}, body: { type: 'watch', open: (sink) => sinks.push(sink) } }
    case '/upgrade':
      return {
        status: 101,
        headers: {},
        body: {
          type: 'upgrade',
          connect: (socket, head) => {
            socket.write('HTTP/1.1 101 Switching Protocols\r\n\r\n')
            socket.write(head)
            socket.pipe(socket)
          },
        },
      }
    default:
      return { status: 404, headers: {}, body: { type: 'none' } }
  }
}

let authority: KeyPair
let client: KeyPair
let serving: KeyPair
let listener: HttpListener
let port: number
const agent = new Agent({ keepAlive: true })

beforeAll(async () => {
  const nowMs = Date.now()
  authority = await createAuthority('test-ca', nowMs)
  serving = await issueCertificate(authority, { commonName: 'server', dnsNames: ['localhost'], addresses: ['127.0.0.1'], nowMs })
  client = await issueCertificate(authority, { commonName: 'someone', organizations: ['system:masters', 'others'], nowMs })
  listener = createHttpListener({ handle, ...serving, clientAuthority: authority.certificate, log: silentLog })
  port = await listener.listen('127.0.0.1', 0)
})
afterAll(async () => {
  agent.destroy()
  await listener.close()
})

function call(method: string, path: string, body?: Buffer, withCertificate = false): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const request = httpsRequest(
      {
        host: '127.0.0.1',
        port,
        method,
        path,
        agent,
        ca: authority.certificate,
        ...(withCertificate && { cert: client.certificate, key: client.key }),
      },
      (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('end', () => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString() }))
      },
    )
    request.on('error', reject)
    request.end(body)
  })
}

test('requests over HTTP/1.1 carry method, query, body and caller', async () => {
  expect(JSON.parse((await call('POST', '/echo?a=1&b=%2F', Buffer.from('hi'))).body)).toMatchObject({
    method: 'POST',
    query: 'a=1&b=%2F',
    body: 'hi',
    caller: { type: 'socket' },
  })
  expect(JSON.parse((await call('GET', '/echo', undefined, true)).body)).toMatchObject({
    caller: { certificate: { commonName: 'someone', organizations: ['system:masters', 'others'] } },
  })
})

test('a certificate that another authority signed names nobody', async () => {
  const stranger = await createAuthority('stranger', Date.now())
  const fake = await issueCertificate(stranger, { commonName: 'someone', organizations: ['system:masters'], nowMs: Date.now() })
  const body = await new Promise<string>((resolve, reject) => {
    httpsRequest(
      { host: '127.0.0.1', port, path: '/echo', ca: authority.certificate, cert: fake.certificate, key: fake.key, agent: false },
      (response) => {
        response.on('data', (chunk: Buffer) => resolve(chunk.toString()))
      },
    )
      .on('error', reject)
      .end()
  })
  expect(JSON.parse(body).caller.certificate).toBeUndefined()
})

test('requests over HTTP/2 are answered on one connection', async () => {
  const session = connectHttp2(`https://127.0.0.1:${port}`, { ca: authority.certificate, cert: client.certificate, key: client.key })
  const get = (path: string) =>
    new Promise<string>((resolve, reject) => {
      const stream = session.request({ ':path': path })
      const chunks: Buffer[] = []
      stream.on('data', (chunk: Buffer) => chunks.push(chunk))
      stream.on('end', () => resolve(Buffer.concat(chunks).toString()))
      stream.on('error', reject)
    })
  const [echo, list] = await Promise.all([get('/echo?x'), get('/list')])
  expect(JSON.parse(echo)).toMatchObject({ query: 'x', caller: { certificate: { commonName: 'someone' } } })
  expect(list).toHaveLength(2_000_000)
  session.destroy()
})

test('big replies are compressed for who accepts that and is not on this machine', async () => {
  const far = createHttpListener({ handle, ...serving, clientAuthority: authority.certificate, compressesForAll: true, log: silentLog })
  const farPort = await far.listen('127.0.0.1', 0)
  try {
    const big = await getHttp2(farPort, '/list', 'deflate, gzip')
    expect(big.headers).toMatchObject({ 'content-encoding': 'gzip', vary: 'Accept-Encoding' })
    expect(big.headers).not.toHaveProperty('content-length')
    expect(gunzipSync(big.body).toString()).toHaveLength(2_000_000)
    expect((await getHttp2(farPort, '/echo', 'gzip')).headers).not.toHaveProperty('content-encoding')
    expect((await getHttp2(farPort, '/list', 'identity')).body).toHaveLength(2_000_000)
    expect((await getHttp2(port, '/list', 'gzip')).body).toHaveLength(2_000_000)
    const overHttp1 = await new Promise<Buffer>((resolve, reject) => {
      const headers = { 'accept-encoding': 'gzip' }
      httpsRequest({ host: '127.0.0.1', port: farPort, path: '/list', headers, ca: authority.certificate, agent: false }, (response) => {
        expect(response.headers['content-encoding']).toBe('gzip')
        resolve(buffer(response))
      })
        .on('error', reject)
        .end()
    })
    expect(gunzipSync(overHttp1).toString()).toHaveLength(2_000_000)
  } finally {
    await far.close()
  }
})

async function getHttp2(port: number, path: string, acceptEncoding: string) {
  const session = connectHttp2(`https://127.0.0.1:${port}`, { ca: authority.certificate })
  const stream = session.request({ ':path': path, 'accept-encoding': acceptEncoding })
  let headers: IncomingHttpHeaders = {}
  stream.once('response', (found) => {
    headers = found
  })
  const body = await buffer(stream)
  session.destroy()
  return { headers, body }
}

test('a body over the limit is refused, and the server goes on', async () => {
  const reply = await call('POST', '/echo', Buffer.alloc(5 << 20))
  expect(reply.status).toBe(413)
  expect(JSON.parse(reply.body)).toMatchObject({ kind: 'Status', reason: 'RequestEntityTooLarge' })
  expect((await call('GET', '/none')).status).toBe(404)
})

test('a watch is pushed as it happens and its signal aborts when the client goes', async () => {
  const lines: string[] = []
  const request = httpsRequest({ host: '127.0.0.1', port, path: '/watch', ca: authority.certificate, agent: false }).end()
  const response = await new Promise<import('node:http').IncomingMessage>((resolve) => request.once('response', resolve))
  const received = new Promise<void>((resolve) =>
    response.on('data', (chunk: Buffer) => {
      lines.push(chunk.toString())
      resolve()
    }),
  )
  const event = (name: string) => ({ type: 'ADDED' as const, object: { name }, bytes: () => Buffer.from(`${name}\n`) })
  expect(sinks[0]?.event(event('a'))).toBe(true)
  expect(sinks[0]?.event(event('b'))).toBe(true)
  await received
  expect(lines.join('')).toBe('a\nb\n')
  request.destroy()
  while (aborted.length === 0) await new Promise((resolve) => setImmediate(resolve))
  expect(sinks[0]?.event(event('c'))).toBe(false)
})

test('an upgrade hands the raw connection over', async () => {
  const socket = connectTls({ host: '127.0.0.1', port, ca: authority.certificate, ALPNProtocols: ['http/1.1'] })
  socket.write('GET /upgrade HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: test\r\n\r\n')
  let text = ''
  await new Promise<void>((resolve) =>
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString()
      if (text.endsWith('101 Switching Protocols\r\n\r\n')) socket.write('ping')
      if (text.endsWith('ping')) resolve()
    }),
  )
  socket.destroy()
  expect(text).toContain('101')
})
