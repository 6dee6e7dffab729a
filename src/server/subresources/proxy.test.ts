import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createTlsServer, request as httpsRequest } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { connect as connectTls } from 'node:tls'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { builtinCatalog } from '../../api/catalog.ts'
import type { JsonObject } from '../../api/object.ts'
import { systemClock } from '../../base/clock.ts'
import { silentLog } from '../../base/log.ts'
import { systemRandom } from '../../base/random.ts'
import { createMemoryStore } from '../../store/memory.ts'
import { createAuthenticator } from '../authentication.ts'
import type { Connector, Target } from '../connector.ts'
import { createHttpListener, type HttpListener } from '../http.ts'
import { createKubeletConnector } from '../kubelet-connector.ts'
import { createAuthority, issueCertificate, type KeyPair } from '../pki.ts'
import { createServer as createApiServer } from '../server.ts'
import { proxyableAddress } from './proxy-address.ts'

const podAddress = '192.0.2.7'
let authority: KeyPair
let plain: Server
let secure: Server
let real: ReturnType<typeof createKubeletConnector>
let listener: HttpListener
let port: number
let answer: (request: IncomingMessage, response: ServerResponse, body: string) => void
let upgrade: (request: IncomingMessage, socket: Duplex, head: Buffer) => void
/** Where the server was sent to, newest last. */
const dialled: Target[] = []
const asked: IncomingMessage[] = []

/** The pod's address stands for servers on this machine; everything else is as it is. */
const connector: Connector = {
  send: (target, request) => real.send(here(target), request),
  upgrade: (target, request) => real.upgrade(here(target), request),
}

function here(target: Target): Target {
  dialled.push(target)
  if (target.host !== podAddress) throw new Error(`nobody is to be sent to ${target.host}`)
  const server = target.type === 'https' ? secure : plain
  return { ...target, host: '127.0.0.1', port: target.port === 1 ? 1 : (server.address() as AddressInfo).port }
}

const listen = (server: Server) => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
const close = (server: Server) => {
  server.closeAllConnections()
  return new Promise((resolve) => server.close(resolve))
}

beforeAll(async () => {
  const nowMs = Date.now()
  authority = await createAuthority('test-ca', nowMs)
  const onRequest = (request: IncomingMessage, response: ServerResponse) => {
    asked.push(request)
    let body = ''
    request.on('data', (chunk) => (body += chunk))
    request.once('end', () => answer(request, response, body))
  }
  const onUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    asked.push(request)
    socket.on('error', () => socket.destroy())
    socket.once('end', () => socket.end())
    upgrade(request, socket, head)
  }
  plain = createServer(onRequest).on('upgrade', onUpgrade)
  const own = await issueCertificate(authority, { commonName: 'anything', dnsNames: ['elsewhere'], nowMs })
  secure = createTlsServer({ cert: own.certificate, key: own.key }, onRequest) as unknown as Server
  await Promise.all([listen(plain), listen(secure)])
  real = createKubeletConnector({ client: authority, authority: authority.certificate })
  const authenticate = createAuthenticator({
    staticTokens: new Map([['secret', { name: 'admin', groups: [] }]]),
    verifyToken: async () => undefined,
  })
  const parts = { clock: systemClock, random: systemRandom, log: silentLog }
  const options = { store: createMemoryStore(), catalog: builtinCatalog(), authenticate, serverAddress: 'x:1', connector, ...parts }
  const { handle } = await createApiServer(options, new AbortController().signal)
  const serving = await issueCertificate(authority, { commonName: 'server', addresses: ['127.0.0.1'], nowMs })
  listener = createHttpListener({ handle, ...serving, clientAuthority: authority.certificate, log: silentLog })
  port = await listener.listen('127.0.0.1', 0)
  await pod('a', podAddress)
  await json('POST', services, {
    metadata: { name: 's' },
    spec: {
      ports: [
        { name: 'web', port: 80 },
        { name: 'tls', port: 443 },
      ],
    },
  })
  await slice('s-1', 's', [{ addresses: [podAddress], targetRef: { kind: 'Pod', name: 'a', namespace: 'default' } }])
})

afterAll(async () => {
  real.close()
  await listener.close()
  await Promise.all([close(plain), close(secure)])
})

beforeEach(() => {
  dialled.length = 0
  asked.length = 0
  answer = (request, response, body) => response.end(`${request.method} ${request.url} ${body}`)
  upgrade = (_, socket) => socket.destroy()
})

const pods = '/api/v1/namespaces/default/pods'
const services = '/api/v1/namespaces/default/services'

interface Reply {
  status: number
  headers: IncomingMessage['headers']
  body: string
}

function send(method: string, path: string, body?: string, headers: Record<string, string> = {}): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const request = httpsRequest(
      {
        host: '127.0.0.1',
        port,
        method,
        path,
        ca: authority.certificate,
        headers: { authorization: 'Bearer secret', ...(body && { 'content-length': Buffer.byteLength(body) }), ...headers },
      },
      (reply) => {
        let text = ''
        reply.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
        reply.once('end', () => resolve({ status: reply.statusCode ?? 0, headers: reply.headers, body: text }))
        reply.once('error', reject)
      },
    )
    request.once('error', reject)
    request.end(body)
  })
}

async function json(method: string, path: string, body: object): Promise<JsonObject> {
  const reply = await send(method, path, JSON.stringify(body), { 'content-type': 'application/json' })
  expect(reply.status, reply.body).toBeLessThan(300)
  return JSON.parse(reply.body) as JsonObject
}

async function pod(name: string, podIP: string): Promise<void> {
  const made = await json('POST', pods, {
    metadata: { name },
    spec: { containers: [{ name: 'c', image: 'i', ports: [{ containerPort: 8080 }] }] },
  })
  await json('PUT', `${pods}/${name}/status`, { ...made, status: { podIP, podIPs: [{ ip: podIP }] } })
}

const slice = (
  name: string,
  service: string,
  endpoints: object[],
  ports: object[] = [
    { name: 'web', port: 8081 },
    { name: 'tls', port: 8443 },
  ],
) =>
  json('POST', '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices', {
    metadata: { name, labels: { 'kubernetes.io/service-name': service } },
    addressType: 'IPv4',
    ports,
    endpoints,
  })

describe('a proxied request', () => {
  test.each(['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])('goes on as it came: %s', async (method) => {
    const body = method === 'GET' || method === 'OPTIONS' ? '' : 'text'
    const reply = await send(method, `${pods}/a:81/proxy/x//y%2Fz/?q=%20&r`, body)
    expect(reply).toMatchObject({ status: 200, body: `${method} /x//y%2Fz/?q=%20&r ${body}` })
    expect(dialled).toEqual([{ type: 'http', host: podAddress, port: 81 }])
  })

  test.each([
    [`${pods}/a/proxy/`, { type: 'http', port: 8080 }],
    [`${pods}/https:a:444/proxy/`, { type: 'https', port: 444 }],
    [`${services}/s:web/proxy/`, { type: 'http', port: 8081 }],
    [`${services}/s:80/proxy/`, { type: 'http', port: 8081 }],
    [`${services}/https:s:tls/proxy/`, { type: 'https', port: 8443 }],
    [`${services}/https:s:443/proxy/`, { type: 'https', port: 8443 }],
  ])('finds its server: %s', async (path, target) => {
    expect((await send('GET', path)).body).toBe('GET / ')
    expect(dialled).toMatchObject([{ host: podAddress, ...target }])
  })

  test.each([
    [`${services}/s:81/proxy/`, 503, 'no service port 81 found for service \\"s\\"'],
    [`${services}/s:other/proxy/`, 503, 'no endpoints available for service \\"s:other\\"'],
    [`${services}/ftp:s:80/proxy/`, 400, 'invalid service request'],
    [`${pods}/a:99999/proxy/`, 400, 'invalid port'],
    [`${pods}/a:1/proxy/`, 503, 'error trying to reach service: dial tcp 192.0.2.7:1: connect: connection refused'],
    [`${pods}/none/proxy/`, 404, 'not found'],
  ])('that leads nowhere: %s', async (path, status, message) => {
    expect(await send('GET', path)).toMatchObject({ status, body: expect.stringContaining(message) })
  })

  test('says nothing of the caller, nor of the connection, but where it came in', async () => {
    await send('GET', `${pods}/a/proxy/x`, undefined, {
      connection: 'close, X-Mine',
      'x-mine': 'a',
      te: 'trailers',
      'proxy-authorization': 'b',
      'impersonate-user': 'admin',
      cookie: 'app=1',
      'x-other': 'c',
    })
    const { headers = {} } = asked[0] ?? {}
    for (const name of ['authorization', 'x-mine', 'te', 'proxy-authorization', 'impersonate-user'])
      expect(headers).not.toHaveProperty(name)
    expect(headers).toMatchObject({
      cookie: 'app=1',
      'x-other': 'c',
      'x-forwarded-for': '127.0.0.1',
      'x-forwarded-uri': `${pods}/a/proxy/x`,
    })
  })

  test('comes back without what was of one connection', async () => {
    answer = (_, response) => {
      response.setHeader('set-cookie', ['a=1; Expires=Thu, 01 Jan 2026 00:00:00 GMT', 'b=2'])
      response.writeHead(418, { connection: 'close, x-secret', 'x-secret': '1', 'x-kept': '2', 'proxy-authenticate': 'x' }).end('tea')
    }
    const { status, headers, body } = await send('GET', `${pods}/a/proxy/x`)
    expect({ status, body }).toEqual({ status: 418, body: 'tea' })
    expect(headers).toMatchObject({ 'x-kept': '2', 'set-cookie': ['a=1; Expires=Thu, 01 Jan 2026 00:00:00 GMT', 'b=2'] })
    expect(headers).not.toHaveProperty('x-secret')
    expect(headers).not.toHaveProperty('proxy-authenticate')
  })

  test('for the root ends in a slash', async () => {
    expect(await send('GET', `${pods}/a/proxy?x=1`)).toMatchObject({ status: 301, headers: { location: `${pods}/a/proxy/?x=1` } })
    expect(dialled).toEqual([{ type: 'http', host: podAddress, port: 8080 }].slice(0, dialled.length))
  })
})

describe('redirects', () => {
  test.each([
    ['/y?a=1', `${pods}/a/proxy/y?a=1`],
    [`http://${podAddress}:8080/y`, `${pods}/a/proxy/y`],
    ['y', 'y'],
    ['http://169.254.169.254/latest', 'http://169.254.169.254/latest'],
    ['//evil.example.com/', '//evil.example.com/'],
  ])('stay behind the proxy or are the caller’s to follow: %s', async (location, expected) => {
    answer = (_, response) => response.writeHead(302, { location }).end()
    expect(await send('GET', `${pods}/a/proxy/x`)).toMatchObject({ status: 302, headers: { location: expected } })
    // The server itself went nowhere else.
    expect(dialled).toHaveLength(1)
  })
})

test.each(['identity', 'gzip'])('links of pages stay behind the proxy (%s)', async (encoding) => {
  const page = Buffer.from(`<a href="/y">${'é'.repeat(1000)}</a>`)
  answer = (_, response) => {
    response.writeHead(200, { 'content-type': 'text/html; charset=utf-8', 'content-encoding': encoding })
    response.end(encoding === 'gzip' ? gzipSync(page) : page)
  }
  const { body } = await send('GET', `${services}/s:web/proxy/x`)
  expect(body).toBe(`<a href="${services}/s:web/proxy/y">${'é'.repeat(1000)}</a>`)
})

describe('an upgrade', () => {
  /** What comes over a connection of its own on which these bytes were sent. */
  function talk(text: string, enough: (seen: string) => boolean): Promise<string> {
    return new Promise((resolve, reject) => {
      let seen = ''
      const socket = connectTls({ host: '127.0.0.1', port, ca: authority.certificate, ALPNProtocols: ['http/1.1'] }, () =>
        socket.write(text),
      )
      socket.on('data', (chunk) => {
        seen += String(chunk)
        if (enough(seen)) socket.destroy()
      })
      socket.once('error', reject)
      socket.once('close', () => resolve(seen))
    })
  }

  const head = (path: string, more = '') =>
    `GET ${path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer secret\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n${more}\r\n`

  test('is carried both ways once the other side agrees', async () => {
    upgrade = (request, socket, early) => {
      socket.write(`HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nX-Path: ${request.url}\r\n\r\n`)
      socket.write(early)
      socket.pipe(socket)
    }
    const seen = await talk(`${head(`${pods}/a/proxy/ws?x=1`, 'Sec-WebSocket-Key: k\r\n')}ping`, (text) => text.includes('ping'))
    expect(seen).toMatch(/^HTTP\/1\.1 101 [\s\S]*X-Path: \/ws\?x=1[\s\S]*\r\n\r\nping$/)
    expect(asked[0]?.headers).toMatchObject({ upgrade: 'websocket', 'sec-websocket-key': 'k' })
    expect(asked[0]?.headers.authorization).toBeUndefined()
  })

  // CVE-2018-1002105: a refused upgrade left the connection to the backend open for whatever came next on it.
  test('that the other side refuses leaves the caller no connection to it', async () => {
    const behind: string[] = []
    upgrade = (_, socket, early) => {
      socket.write('HTTP/1.1 400 Bad Request\r\nContent-Length: 2\r\n\r\nno')
      behind.push(String(early))
      socket.on('data', (chunk) => behind.push(String(chunk)))
    }
    const smuggled = 'GET /stolen HTTP/1.1\r\nHost: y\r\n\r\n'
    const seen = await talk(`${head(`${pods}/a/proxy/ws`)}${smuggled}`, () => false)
    expect(seen).toMatch(/^HTTP\/1\.1 400 [\s\S]*no/)
    expect(seen.match(/HTTP\/1\.1/g)).toHaveLength(1)
    expect(behind.join('')).not.toContain('stolen')
  })

  test('that the other side answers like any request is a reply like any other', async () => {
    plain.removeAllListeners('upgrade')
    answer = (_, response) => response.end('plainly')
    try {
      expect(await talk(head(`${pods}/a/proxy/ws`), () => false)).toMatch(/^HTTP\/1\.1 200 [\s\S]*plainly/)
    } finally {
      plain.on('upgrade', (request: IncomingMessage, socket: Duplex, early: Buffer) => upgrade(request, socket, early))
    }
  })
})

describe('the server is not sent', () => {
  test.each([
    '127.0.0.1',
    '127.8.8.8',
    '0.0.0.0',
    '169.254.169.254',
    '224.0.0.1',
    '255.255.255.255',
    '::',
    '::1',
    'fe80::1',
    'ff02::1',
    '::ffff:127.0.0.1',
    '::ffff:169.254.169.254',
    'localhost',
    '0177.0.0.1',
    '',
  ])('to %s', (address) => expect(() => proxyableAddress(address)).toThrow('address not allowed'))

  test.each(['10.0.0.1', '192.168.1.1', '2001:db8::1', '::ffff:10.0.0.1'])('but to %s', (address) =>
    expect(proxyableAddress(address)).toBe(address),
  )

  test('by a pod’s status to its own machine', async () => {
    await pod('liar', '127.0.0.1')
    expect(await send('GET', `${pods}/liar:80/proxy/`)).toMatchObject({ status: 400, body: expect.stringContaining('address not allowed') })
    expect(dialled).toEqual([])
  })

  test('by endpoints that are no pods of the namespace', async () => {
    await pod('moved', '192.0.2.8')
    await json('POST', services, { metadata: { name: 'liar' }, spec: { ports: [{ name: 'web', port: 80 }] } })
    await slice('liar', 'liar', [
      { addresses: ['198.51.100.1'] },
      { addresses: [podAddress], targetRef: { kind: 'Pod', name: 'moved', namespace: 'default' } },
      { addresses: ['198.51.100.2'], targetRef: { kind: 'Node', name: 'a' } },
      { addresses: [podAddress], targetRef: { kind: 'Pod', name: 'a', namespace: 'other' } },
      { addresses: ['198.51.100.3'], targetRef: { kind: 'Pod', name: 'gone', namespace: 'default' } },
    ])
    expect(await send('GET', `${services}/liar:web/proxy/`)).toMatchObject({
      status: 503,
      body: expect.stringContaining('no endpoints available'),
    })
    expect(dialled).toEqual([])
  })
})
