import type { IncomingMessage } from 'node:http'
import { createServer as createTlsServer, request as httpsRequest, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import type { TLSSocket } from 'node:tls'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { builtinCatalog } from '../../api/catalog.ts'
import { systemClock } from '../../base/clock.ts'
import { silentLog } from '../../base/log.ts'
import { systemRandom } from '../../base/random.ts'
import { createMemoryStore } from '../../store/memory.ts'
import { createAuthenticator } from '../authentication.ts'
import { createHttpListener, type HttpListener } from '../http.ts'
import { createKubeletConnector } from '../kubelet-connector.ts'
import { createAuthority, issueCertificate, type KeyPair } from '../pki.ts'
import { type ApiServer, createServer } from '../server.ts'

let authority: KeyPair
let kubelet: Server
let listener: HttpListener
let connector: ReturnType<typeof createKubeletConnector>
let server: ApiServer
let port: number
/** What the kubelet was asked, newest last. */
const asked: { url: string; client: string; headers: IncomingMessage['headers'] }[] = []
let streaming: { write: (chunk: string) => boolean; closed: Promise<void>; unread: () => number } | undefined
let streamingBegan: () => void = () => {}

/** A real TLS server that answers as a kubelet would. */
async function startKubelet(): Promise<number> {
  const serving = await issueCertificate(authority, { commonName: 'system:node:one', addresses: ['127.0.0.1'], nowMs: Date.now() })
  kubelet = createTlsServer({
    cert: serving.certificate,
    key: serving.key,
    ca: authority.certificate,
    requestCert: true,
    rejectUnauthorized: true,
  })
  const note = ({ url = '', socket, headers }: IncomingMessage) =>
    asked.push({ url, client: [(socket as TLSSocket).getPeerCertificate().subject.CN].flat()[0] ?? '', headers })
  kubelet.on('request', (request, response) => {
    note(request)
    const path = request.url ?? ''
    if (path.startsWith('/containerLogs/default/a/waiting')) {
      response.writeHead(400).end('container "waiting" in pod "a" is waiting to start: ContainerCreating\n')
    } else if (path.startsWith('/containerLogs/default/a/moved')) response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end()
    else if (path.includes('follow=true')) {
      response.writeHead(200)
      response.flushHeaders()
      const closed = new Promise<void>((resolve) => response.once('close', () => resolve()))
      streaming = { write: (chunk) => response.write(chunk), closed, unread: () => response.writableLength }
      streamingBegan()
    } else if (path.startsWith('/exec/')) response.writeHead(403).end('not you')
    else response.writeHead(200, { 'x-kubelet': 'yes' }).end(`kubelet ${request.method} ${path}`)
  })
  kubelet.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    note(request)
    socket.on('error', () => socket.destroy())
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nUpgrade: ${request.headers.upgrade}\r\nConnection: Upgrade\r\nX-Stream-Protocol-Version: v4.channel.k8s.io\r\n\r\nhello `,
    )
    socket.write(head)
    socket.pipe(socket)
  })
  await new Promise<void>((resolve) => kubelet.listen(0, '127.0.0.1', resolve))
  return (kubelet.address() as AddressInfo).port
}

beforeAll(async () => {
  const nowMs = Date.now()
  authority = await createAuthority('test-ca', nowMs)
  const kubeletPort = await startKubelet()
  connector = createKubeletConnector({
    client: await issueCertificate(authority, { commonName: 'kubelet-client', organizations: ['system:masters'], nowMs }),
    authority: authority.certificate,
  })
  server = await createServer(
    {
      store: createMemoryStore(),
      catalog: builtinCatalog(),
      authenticate: createAuthenticator({
        staticTokens: new Map([['secret', { name: 'admin', groups: [] }]]),
        verifyToken: async () => undefined,
      }),
      serverAddress: 'x:1',
      connector,
      clock: systemClock,
      random: systemRandom,
      log: silentLog,
    },
    new AbortController().signal,
  )
  const serving = await issueCertificate(authority, { commonName: 'server', addresses: ['127.0.0.1'], nowMs })
  listener = createHttpListener({ handle: server.handle, ...serving, clientAuthority: authority.certificate, log: silentLog })
  port = await listener.listen('127.0.0.1', 0)
  const node = await send('POST', '/api/v1/nodes', { metadata: { name: 'one' } })
  await send('PUT', '/api/v1/nodes/one/status', {
    ...(JSON.parse(node.body) as object),
    status: {
      addresses: [{ type: 'InternalIP', address: '127.0.0.1' }],
      daemonEndpoints: { kubeletEndpoint: { Port: kubeletPort } },
    },
  })
  const containers = ['one', 'waiting', 'moved'].map((name) => ({ name, image: 'i:1' }))
  await send('POST', '/api/v1/namespaces/default/pods', { metadata: { name: 'a' }, spec: { nodeName: 'one', containers } })
  await send('POST', '/api/v1/namespaces/default/pods', { metadata: { name: 'b' }, spec: { containers: containers.slice(0, 1) } })
})

afterAll(async () => {
  connector.close()
  await listener.close()
  kubelet.closeAllConnections()
  await new Promise((resolve) => kubelet.close(resolve))
})

const authorization = 'Bearer secret'

function send(method: string, path: string, body?: object): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const options = {
      host: '127.0.0.1',
      port,
      method,
      path,
      ca: authority.certificate,
      headers: { authorization, 'content-type': 'application/json' },
    }
    const request = httpsRequest(options, (reply) => {
      let text = ''
      reply.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
      reply.once('end', () => resolve({ status: reply.statusCode ?? 0, body: text }))
      reply.once('error', reject)
    })
    request.once('error', reject)
    request.end(body && JSON.stringify(body))
  })
}

/** Upgrades, sends a text, and answers all that came until as much of it came back. */
function exchange(
  path: string,
  headers: Record<string, string>,
  text: string,
): Promise<{ head: IncomingMessage['headers']; body: string }> {
  return new Promise((resolve, reject) => {
    const request = httpsRequest({
      host: '127.0.0.1',
      port,
      method: 'POST',
      path,
      ca: authority.certificate,
      headers: { authorization, connection: 'Upgrade', ...headers },
    })
    request.once('upgrade', (reply, socket, early) => {
      let body = early.toString()
      const check = () => {
        if (body.length < text.length + 'hello '.length) return
        socket.end()
        resolve({ head: reply.headers, body })
      }
      socket.on('data', (chunk: Buffer) => {
        body += chunk.toString()
        check()
      })
      socket.once('error', reject)
      socket.write(text)
      check()
    })
    request.once('response', (reply) => reject(new Error(`no upgrade: ${reply.statusCode}`)))
    request.once('error', reject)
    request.end()
  })
}

const pods = '/api/v1/namespaces/default/pods'

describe('logs', () => {
  test('come from the kubelet, which is shown our certificate', async () => {
    const reply = await send('GET', `${pods}/a/log?container=one&tailLines=5&timestamps=true&sinceSeconds=3&previous=true`)
    expect(reply).toMatchObject({ status: 200, body: expect.stringContaining('kubelet GET /containerLogs/default/a/one?') })
    expect(asked.at(-1)).toMatchObject({ client: 'kubelet-client' })
    expect(asked.at(-1)?.headers.authorization).toBeUndefined()
    expect(new URL(asked.at(-1)?.url ?? '', 'https://x').searchParams.toString()).toBe(
      'previous=true&timestamps=true&sinceSeconds=3&tailLines=5',
    )
  })

  test.each([
    ['a&tailLines=-1', '?container=one&tailLines=-1', 422, 'tailLines: Invalid value: -1: must be greater than or equal to 0'],
    ['limitBytes=0', '?container=one&limitBytes=0', 422, 'limitBytes: Invalid value: 0: must be greater than 0'],
    ['two beginnings', '?container=one&sinceSeconds=1&sinceTime=2026-01-01T00:00:00Z', 422, 'at most one of `sinceTime` or `sinceSeconds`'],
    ['no container', '', 400, 'a container name must be specified for pod a, choose one of: [one waiting moved]'],
    ['another container', '?container=x', 400, 'container x is not valid for pod a'],
    ['one that has not begun', '?container=waiting', 400, 'is waiting to start: ContainerCreating'],
    ['one that was moved', '?container=moved', 500, 'redirects forbidden'],
  ])('of %s are refused', async (_, query, status, message) => {
    const reply = await send('GET', `${pods}/a/log${query}`)
    expect(reply.status).toBe(status)
    expect((JSON.parse(reply.body) as { message: string }).message).toContain(message)
  })

  test('of a pod without a node are empty', async () => {
    expect(await send('GET', `${pods}/b/log`)).toEqual({ status: 204, body: '' })
  })

  test('are followed, no faster than they are read, until the reader leaves', { timeout: 20_000 }, async () => {
    const began = new Promise<void>((resolve) => (streamingBegan = resolve))
    const path = `${pods}/a/log?container=one&follow=true`
    const reader = httpsRequest({ host: '127.0.0.1', port, path, ca: authority.certificate, headers: { authorization } })
    const replied = new Promise<IncomingMessage>((resolve) => reader.once('response', resolve))
    reader.end()
    const reply = await replied
    await began
    const first = new Promise<string>((resolve) => reply.once('data', (chunk: Buffer) => resolve(chunk.toString())))
    streaming?.write('line 1\n')
    expect(await first).toBe('line 1\n')
    reply.pause()
    const chunk = 'x'.repeat(1 << 20)
    let written = 0
    // What sockets and streams hold on the way is bounded; after that the kubelet itself must wait.
    for (; written < 64 && (streaming?.unread() ?? 0) < 8 << 20; written++) {
      streaming?.write(chunk)
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect(streaming?.unread()).toBeGreaterThan(4 << 20)
    reader.destroy()
    await streaming?.closed
  })
})

describe('exec, attach and port-forward', () => {
  test.each([
    [
      'exec',
      `${pods}/a/exec?container=one&command=sh&command=-c&command=echo%20%26&stdin=true&stdout=true&stderr=true&tty=false`,
      '/exec/default/a/one?input=1&output=1&error=1&command=sh&command=-c&command=echo+%26',
    ],
    ['attach', `${pods}/a/attach?container=one&stdout=1&tty=1`, '/attach/default/a/one?output=1&tty=1'],
    ['portforward', `${pods}/a/portforward?ports=80&ports=443`, '/portForward/default/a?port=80%2C443'],
  ])('%s hands the connection over, bytes both ways', async (_, path, kubeletPath) => {
    const text = 'y'.repeat(300_000)
    const { head, body } = await exchange(path, { upgrade: 'SPDY/3.1', 'x-stream-protocol-version': 'v4.channel.k8s.io' }, text)
    expect(body).toBe(`hello ${text}`)
    expect(head).toMatchObject({ upgrade: 'SPDY/3.1', 'x-stream-protocol-version': 'v4.channel.k8s.io' })
    expect(asked.at(-1)).toMatchObject({
      url: kubeletPath,
      client: 'kubelet-client',
      headers: { upgrade: 'SPDY/3.1', 'x-stream-protocol-version': 'v4.channel.k8s.io' },
    })
    expect(asked.at(-1)?.headers.authorization).toBeUndefined()
  })

  test('WebSocket headers arrive at the kubelet', async () => {
    const headers = {
      upgrade: 'websocket',
      'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
      'sec-websocket-version': '13',
      'sec-websocket-protocol': 'v5.channel.k8s.io',
    }
    await exchange(`${pods}/a/exec?container=one&command=ls&stdout=1`, headers, 'x')
    expect(asked.at(-1)?.headers).toMatchObject(headers)
  })

  test('without upgrade, without a node, or without a container are refused', async () => {
    expect((await send('POST', `${pods}/a/exec?container=one&command=ls`)).body).toContain('Upgrade request required')
    expect((await send('POST', `${pods}/b/exec?command=ls`)).body).toContain('pod b does not have a host assigned')
    expect((await send('POST', `${pods}/a/exec?command=ls`)).body).toContain('a container name must be specified')
  })

  test('pass a kubelet that is not there on as an error', async () => {
    const node = await send('POST', '/api/v1/nodes', { metadata: { name: 'gone' } })
    const status = { addresses: [{ type: 'InternalIP', address: '127.0.0.1' }], daemonEndpoints: { kubeletEndpoint: { Port: 1 } } }
    await send('PUT', '/api/v1/nodes/gone/status', { ...(JSON.parse(node.body) as object), status })
    await send('POST', pods, { metadata: { name: 'c' }, spec: { nodeName: 'gone', containers: [{ name: 'c', image: 'i:1' }] } })
    const reply = await send('GET', `${pods}/c/log`)
    expect(reply).toMatchObject({ status: 500, body: expect.stringContaining('error dialing backend') })
  })
})

test('a node’s proxy asks its kubelet', async () => {
  const reply = await send('GET', '/api/v1/nodes/one/proxy/stats/summary?x=1')
  expect(reply).toEqual({ status: 200, body: 'kubelet GET /stats/summary?x=1' })
  expect(asked.at(-1)?.headers.authorization).toBeUndefined()
})

test('a pod’s proxy does not lead to the server’s own machine', async () => {
  const { body } = await send('GET', `${pods}/a`)
  await send('PUT', `${pods}/a/status`, { ...(JSON.parse(body) as object), status: { podIP: '127.0.0.1', podIPs: [{ ip: '127.0.0.1' }] } })
  expect(await send('GET', `${pods}/a:80/proxy/`)).toMatchObject({ status: 400, body: expect.stringContaining('address not allowed') })
})
