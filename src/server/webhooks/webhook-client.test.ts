import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { builtinCatalog } from '../../api/catalog.ts'
import { systemClock } from '../../base/clock.ts'
import { silentLog } from '../../base/log.ts'
import { systemRandom } from '../../base/random.ts'
import { createMemoryStore } from '../../store/memory.ts'
import { createKubeletConnector } from '../kubelet-connector.ts'
import { createAuthority, issueCertificate, type KeyPair } from '../pki.ts'
import { createResourceCaches } from '../resource-caches.ts'
import { createServer as createApiServer } from '../server.ts'
import { reachServices } from '../services/reach-services.ts'
import { type CallWebhook, webhookClient } from './webhook-client.ts'

let authority: KeyPair
let other: KeyPair
let connector: ReturnType<typeof createKubeletConnector>
let hook: Server
let port: number
let call: CallWebhook
let answer: (request: IncomingMessage, response: ServerResponse, body: string) => void
/** Connections that came in. */
let connections = 0

beforeAll(async () => {
  const nowMs = Date.now()
  authority = await createAuthority('hooks', nowMs)
  other = await createAuthority('others', nowMs)
  const names = { dnsNames: ['hook.default.svc'], addresses: ['127.0.0.1'] }
  const { certificate: cert, key } = await issueCertificate(authority, { commonName: 'hook', ...names, nowMs })
  hook = createServer({ cert, key }, (request, response) => {
    let body = ''
    request.on('data', (chunk) => {
      body += chunk
    })
    request.once('end', () => answer(request, response, body))
  })
  hook.on('secureConnection', () => connections++)
  await new Promise<void>((resolve) => hook.listen(0, '127.0.0.1', resolve))
  port = (hook.address() as AddressInfo).port
  connector = createKubeletConnector({ client: authority, authority: other.certificate })
})

const place = { host: '127.0.0.1', port: 0 }
beforeEach(() => {
  place.port = port
  connections = 0
  answer = (_, response, body) => void response.end(JSON.stringify({ got: JSON.parse(body) }))
  call = webhookClient({ connector, resolve: () => place, clock: systemClock })
})

afterAll(async () => {
  connector.close()
  hook.closeAllConnections()
  await new Promise((resolve) => hook.close(resolve))
})

const bundle = () => Buffer.from(authority.certificate).toString('base64')
const service = { namespace: 'default', name: 'hook', path: 'check' }
const timely = { timeoutMs: 5000 }

test('a webhook is asked by URL or by service, over connections that are kept', async () => {
  const asked: string[] = []
  answer = ({ url = '', headers, method }, response, body) => {
    asked.push(`${method} ${headers.host} ${url} ${headers['content-type']} ${body}`)
    response.end('{"ok":true}')
  }
  expect(await call({ url: `https://127.0.0.1:${port}/a`, caBundle: bundle() }, { one: 1 }, { timeoutMs: 2500 })).toEqual({ ok: true })
  expect(await call({ service, caBundle: bundle() }, { two: 2 }, timely)).toEqual({ ok: true })
  // The connection is free once the reply's end has been seen.
  await new Promise((resolve) => setImmediate(resolve))
  expect(await call({ service, caBundle: bundle() }, {}, timely)).toEqual({ ok: true })
  expect(asked).toEqual([
    `POST 127.0.0.1:${port} /a?timeout=2.5s application/json {"one":1}`,
    'POST hook.default.svc:443 /check?timeout=5s application/json {"two":2}',
    'POST hook.default.svc:443 /check?timeout=5s application/json {}',
  ])
  expect(connections).toBe(2)
})

test('a kept connection that the other side closed is no failure', async () => {
  await call({ service, caBundle: bundle() }, {}, timely)
  hook.closeAllConnections()
  expect(await call({ service, caBundle: bundle() }, {}, timely)).toEqual({ got: {} })
})

test('only a certificate of the bundle’s authority, for the service’s name, will do', async () => {
  const untrusted = 'tls: failed to verify certificate: x509: certificate signed by unknown authority'
  const wrong = { service, caBundle: Buffer.from(other.certificate).toString('base64') }
  await expect(call(wrong, {}, timely)).rejects.toThrow(`Post "https://hook.default.svc:443/check?timeout=5s": ${untrusted}`)
  await expect(call({ service }, {}, timely)).rejects.toThrow(untrusted)
  const foreign = { service: { ...service, name: 'another' }, caBundle: bundle() }
  await expect(call(foreign, {}, timely)).rejects.toThrow(/x509: .*another\.default\.svc/)
})

test.each([
  [302, '', 'an error on the server ("unknown") has prevented the request from succeeding'],
  [500, 'it broke', 'an error on the server ("it broke") has prevented the request from succeeding'],
  [404, '', 'the server could not find the requested resource'],
  [403, '{"kind":"Status","message":"not you"}', 'not you'],
  [200, 'no JSON', `couldn't get version/kind; json parse error`],
  [200, '[]', `couldn't get version/kind; json parse error`],
])('an answer of %i %s is none', async (status, body, message) => {
  const seen: string[] = []
  answer = ({ url = '' }, response) => {
    seen.push(url)
    response.writeHead(status, { location: `https://127.0.0.1:${port}/elsewhere` }).end(body)
  }
  await expect(call({ service, caBundle: bundle() }, {}, timely)).rejects.toThrow(message)
  expect(seen).toHaveLength(1)
})

test('who answers too late, too much or not at all is given up', async () => {
  const config = { service, caBundle: bundle() }
  answer = () => {}
  const late = 'Post "https://hook.default.svc:443/check?timeout=0.05s": context deadline exceeded'
  await expect(call(config, {}, { timeoutMs: 50 })).rejects.toThrow(late)
  answer = (_, response) => void response.write('{')
  await expect(call(config, {}, { timeoutMs: 50 })).rejects.toThrow(late)
  answer = (request) => void request.socket.destroy()
  await expect(call(config, {}, timely)).rejects.toThrow('EOF')
  answer = (_, response) => {
    const more = () => {
      while (!response.destroyed && response.write(Buffer.alloc(1 << 20)));
    }
    response.on('drain', more)
    more()
  }
  await expect(call(config, {}, timely)).rejects.toThrow('the reply of the webhook is longer than 33554432 bytes')
  place.port = 1
  await expect(call(config, {}, timely)).rejects.toThrow('dial tcp 127.0.0.1:1: connect: connection refused')
})

test('services are found by their ready endpoints, or by the name that they stand for', async () => {
  const store = createMemoryStore()
  const catalog = builtinCatalog()
  const { signal } = new AbortController()
  const parts = { clock: systemClock, random: systemRandom, log: silentLog }
  const user = { name: 'test', groups: ['system:masters'] }
  const server = await createApiServer({ store, catalog, authenticate: async () => user, serverAddress: 'x:1', ...parts }, signal)
  const send = async (method: string, path: string, body?: object) =>
    server.handle({ method, path, query: '', headers: {}, ...(body && { body }), caller: { type: 'in-process', user }, signal })
  const { resolve } = reachServices({ catalog, caches: createResourceCaches(store), random: systemRandom })
  const services = '/api/v1/namespaces/default/services'
  const slices = '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices'
  const labels = { 'kubernetes.io/service-name': 'a' }
  await send('POST', services, { metadata: { name: 'a' }, spec: { ports: [{ name: 'web', port: 80 }] } })
  await expect(resolve('default', 'b', 80)).rejects.toThrow('service "b" not found')
  await expect(resolve('default', 'a', 81)).rejects.toThrow('no service port 81 found for service "a"')
  await expect(resolve('default', 'a', 80)).rejects.toThrow('no endpoints available for service "a"')
  const slice = {
    metadata: { name: 's', labels },
    addressType: 'IPv4',
    ports: [{ name: 'web', port: 8080 }],
    endpoints: [{ addresses: ['10.0.0.1'], conditions: { ready: false } }, { addresses: ['10.0.0.2'] }],
  }
  await send('POST', slices, slice)
  expect(await resolve('default', 'a', 80)).toEqual({ host: '10.0.0.2', port: 8080 })
  await send('PUT', `${slices}/s`, { ...slice, metadata: { name: 's', labels: {} } })
  await expect(resolve('default', 'a', 80)).rejects.toThrow('no endpoints available')
  await send('PUT', `${slices}/s`, slice)
  expect(await resolve('default', 'a', 80)).toEqual({ host: '10.0.0.2', port: 8080 })
  await send('DELETE', `${slices}/s`)
  await expect(resolve('default', 'a', 80)).rejects.toThrow('no endpoints available')
  await send('POST', services, { metadata: { name: 'out' }, spec: { type: 'ExternalName', externalName: 'example.org' } })
  expect(await resolve('default', 'out', 443)).toEqual({ host: 'example.org', port: 443 })
})
