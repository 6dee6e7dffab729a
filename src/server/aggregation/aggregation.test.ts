import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer as createTlsServer, type Server } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { TLSSocket } from 'node:tls'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { builtinCatalog } from '../../api/catalog.ts'
import type { UserInfo } from '../../api/exchange.ts'
import type { JsonObject } from '../../api/object.ts'
import { systemClock } from '../../base/clock.ts'
import { silentLog } from '../../base/log.ts'
import { systemRandom } from '../../base/random.ts'
import { createMemoryStore } from '../../store/memory.ts'
import { createKubeletConnector } from '../kubelet-connector.ts'
import { createAuthority, issueCertificate, type KeyPair } from '../pki.ts'
import { type ApiServer, createServer } from '../server.ts'

let authority: KeyPair
let extension: Server
let extensionPort: number
let connector: ReturnType<typeof createKubeletConnector>
let server: ApiServer
let stop: AbortController
const asked: { method: string; url: string; headers: IncomingMessage['headers']; raw: string[]; client: string; body: string }[] = []
let answer: (request: IncomingMessage, response: ServerResponse) => void
/** Whether the extension server knows the newer form of discovery. */
let knowsAggregated = true

const user: UserInfo = { name: 'someone', uid: 'u', groups: ['one', 'two'], extra: { 'example.com/Scope': ['a', 'b'] } }

const list = {
  kind: 'APIResourceList',
  apiVersion: 'v1',
  groupVersion: 'fish.example.com/v1',
  resources: [
    { name: 'cods', singularName: 'cod', namespaced: true, kind: 'Cod', verbs: ['get', 'list'], shortNames: ['cd'] },
    { name: 'cods/status', singularName: '', namespaced: true, kind: 'Cod', verbs: ['get'] },
  ],
}
const discoveredResources = [
  {
    resource: 'cods',
    responseKind: { group: 'fish.example.com', version: 'v1', kind: 'Cod' },
    scope: 'Namespaced',
    singularResource: 'cod',
    verbs: ['get', 'list'],
    shortNames: ['cd'],
    subresources: [{ subresource: 'status', responseKind: { group: 'fish.example.com', version: 'v1', kind: 'Cod' }, verbs: ['get'] }],
  },
]

/** A real TLS server that answers as an extension server would. */
beforeAll(async () => {
  const nowMs = Date.now()
  authority = await createAuthority('test-ca', nowMs)
  const serving = await issueCertificate(authority, { commonName: 'fish', dnsNames: ['fish.default.svc'], nowMs })
  extension = createTlsServer(
    { cert: serving.certificate, key: serving.key, ca: authority.certificate, requestCert: true, rejectUnauthorized: false },
    (request, response) => {
      const chunks: Buffer[] = []
      request.on('data', (chunk: Buffer) => chunks.push(chunk))
      request.once('end', () => {
        const client = [(request.socket as TLSSocket).getPeerCertificate().subject?.CN ?? ''].flat()[0] ?? ''
        const { method = '', url = '', headers, rawHeaders: raw } = request
        asked.push({ method, url, headers, raw, client, body: Buffer.concat(chunks).toString() })
        const json = (document: object, type = 'application/json') =>
          response.writeHead(200, { 'content-type': type }).end(JSON.stringify(document))
        if (url === '/apis/fish.example.com/v1') json(list)
        else if (url === '/apis' && knowsAggregated && headers.accept?.includes('apidiscovery'))
          json(
            {
              kind: 'APIGroupDiscoveryList',
              apiVersion: 'apidiscovery.k8s.io/v2',
              items: [{ metadata: { name: 'fish.example.com' }, versions: [{ version: 'v1', resources: discoveredResources }] }],
            },
            'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList',
          )
        else if (url === '/openapi/v3')
          json({
            paths: {
              'apis/fish.example.com/v1': { serverRelativeURL: '/openapi/v3/apis/fish.example.com/v1?hash=AB' },
              'apis/apps/v1': { serverRelativeURL: '/openapi/v3/apis/apps/v1?hash=EVIL' },
            },
          })
        else if (url === '/apis') json({ kind: 'APIGroupList', groups: [] })
        else answer(request, response)
      })
    },
  )
  extension.on('upgrade', (request: IncomingMessage, socket: Duplex) => {
    socket.on('error', () => socket.destroy())
    socket.write(`HTTP/1.1 101 Switching Protocols\r\nUpgrade: ${request.headers.upgrade}\r\nConnection: Upgrade\r\n\r\n`)
    socket.write(`${request.headers['x-remote-user']} `)
    socket.pipe(socket)
  })
  await new Promise<void>((resolve) => extension.listen(0, '127.0.0.1', resolve))
  extensionPort = (extension.address() as AddressInfo).port
  connector = createKubeletConnector({
    client: authority,
    authority: authority.certificate,
    frontProxy: await issueCertificate(authority, { commonName: 'front-proxy-client', nowMs }),
  })
})

afterAll(async () => {
  connector.close()
  extension.closeAllConnections()
  await new Promise((resolve) => extension.close(resolve))
})

beforeEach(async () => {
  asked.length = 0
  knowsAggregated = true
  answer = (_, response) => response.end('hello')
  stop = new AbortController()
  server = await createServer(
    {
      store: createMemoryStore(),
      catalog: builtinCatalog(),
      authenticate: async () => user,
      serverAddress: 'x:1',
      connector,
      extensionAuthentication: { clientAuthority: 'A', frontProxyAuthority: 'B', allowedNames: ['front-proxy-client'] },
      clock: systemClock,
      random: systemRandom,
      log: silentLog,
    },
    stop.signal,
  )
})

afterEach(() => stop.abort())

async function send(method: string, path: string, body?: object | Uint8Array, headers: Record<string, string> = {}) {
  const [place = '', query = ''] = path.split('?')
  const reply = await server.handle({
    method,
    path: place,
    query,
    headers: { 'content-type': 'application/json', ...headers },
    ...(body && { body }),
    caller: { type: 'socket', address: '192.0.2.1' },
    signal: stop.signal,
  })
  let text = ''
  if (reply.body.type === 'stream') for await (const chunk of reply.body.stream) text += Buffer.from(chunk).toString()
  else if (reply.body.type === 'bytes') text = Buffer.concat(reply.body.chunks).toString()
  else if (reply.body.type === 'object') text = Buffer.concat(reply.body.encode()).toString()
  return { status: reply.status, headers: reply.headers, text, reply, json: () => JSON.parse(text) as JsonObject }
}

const registrations = '/apis/apiregistration.k8s.io/v1/apiservices'

const registration = (more: object = {}) => ({
  metadata: { name: 'v1.fish.example.com' },
  spec: {
    group: 'fish.example.com',
    version: 'v1',
    groupPriorityMinimum: 2000,
    versionPriority: 10,
    service: { namespace: 'default', name: 'fish', port: extensionPort },
    caBundle: Buffer.from(authority.certificate).toString('base64'),
    ...more,
  },
})

const toLoopback = { metadata: { name: 'fish' }, spec: { type: 'ExternalName', externalName: 'localhost' } }

async function available(name: string): Promise<JsonObject | undefined> {
  const { status } = (await send('GET', `${registrations}/${name}`)).json() as { status?: { conditions?: JsonObject[] } }
  return status?.conditions?.find(({ type }) => type === 'Available')
}

const becomes = (name: string, wanted: object) =>
  vi.waitFor(async () => expect(await available(name)).toMatchObject(wanted), { timeout: 5000, interval: 10 })

async function register(more: object = {}): Promise<void> {
  await send('POST', '/api/v1/namespaces/default/services', toLoopback)
  const { status, text } = await send('POST', registrations, registration(more))
  expect(status, text).toBe(201)
  await becomes('v1.fish.example.com', { status: 'True' })
  asked.length = 0
}

test('every group version that this server answers is registered', async () => {
  const { items } = (await send('GET', registrations)).json() as { items: { metadata: JsonObject; spec: JsonObject }[] }
  const byName = new Map(items.map((item) => [item.metadata.name, item]))
  expect(byName.get('v1.')?.spec).toEqual({ version: 'v1', groupPriorityMinimum: 18_000, versionPriority: 1 })
  expect(byName.get('v2.autoscaling')?.spec).toMatchObject({ groupPriorityMinimum: 17_500, versionPriority: 30 })
  expect(byName.get('v1.apps')?.metadata.labels).toEqual({ 'kube-aggregator.kubernetes.io/automanaged': 'onstart' })
  expect(byName.has('v1.apiregistration.k8s.io')).toBe(false)
  await becomes('v1.apps', { status: 'True', reason: 'Local', message: 'Local APIServices are always available' })
})

test('groups of custom resources are registered as they come and go', async () => {
  const definitions = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions'
  const schema = { openAPIV3Schema: { type: 'object' } }
  await send('POST', definitions, {
    metadata: { name: 'boats.sea.example.com' },
    spec: {
      group: 'sea.example.com',
      names: { plural: 'boats', kind: 'Boat' },
      scope: 'Namespaced',
      versions: [{ name: 'v1', served: true, storage: true, schema }],
    },
  })
  await becomes('v1.sea.example.com', { status: 'True' })
  const { metadata, spec } = (await send('GET', `${registrations}/v1.sea.example.com`)).json() as Record<string, JsonObject>
  expect(metadata?.labels).toEqual({ 'kube-aggregator.kubernetes.io/automanaged': 'true' })
  expect(spec).toMatchObject({ groupPriorityMinimum: 1000, versionPriority: 100 })
  await send('DELETE', `${definitions}/boats.sea.example.com`)
  await vi.waitFor(async () => expect((await send('GET', `${registrations}/v1.sea.example.com`)).status).toBe(404), { timeout: 5000 })
})

test('extension servers are told whom to believe', async () => {
  const { data } = (await send('GET', '/api/v1/namespaces/kube-system/configmaps/extension-apiserver-authentication')).json()
  expect(data).toEqual({
    'client-ca-file': 'A',
    'requestheader-allowed-names': '["front-proxy-client"]',
    'requestheader-client-ca-file': 'B',
    'requestheader-extra-headers-prefix': '["X-Remote-Extra-"]',
    'requestheader-group-headers': '["X-Remote-Group"]',
    'requestheader-uid-headers': '["X-Remote-Uid"]',
    'requestheader-username-headers': '["X-Remote-User"]',
  })
})

describe('another server', () => {
  test('is asked in the caller’s name, by the front proxy’s certificate', async () => {
    await register()
    const forged = {
      'x-remote-user': 'root',
      'x-remote-group': 'system:masters',
      'x-remote-extra-a': 'b',
      authorization: 'Bearer t',
      connection: 'x-remote-uid',
    }
    const { status, text, headers } = await send('POST', '/apis/fish.example.com/v1/namespaces/a/cods?x=1&y=%2F', { name: 'b' }, forged)
    expect({ status, text }).toEqual({ status: 200, text: 'hello' })
    expect(headers).not.toHaveProperty('connection')
    const got = asked.find(({ url }) => url.includes('cods'))
    expect(got).toMatchObject({
      method: 'POST',
      url: '/apis/fish.example.com/v1/namespaces/a/cods?x=1&y=%2F',
      client: 'front-proxy-client',
      body: '{"name":"b"}',
    })
    const lines = (got?.raw ?? []).map((text, index) => (index % 2 === 0 ? text.toLowerCase() : text))
    const valuesOf = (name: string) => lines.flatMap((text, index) => (index % 2 === 0 && text === name ? [lines[index + 1]] : []))
    expect(valuesOf('x-remote-user')).toEqual(['someone'])
    expect(valuesOf('x-remote-uid')).toEqual(['u'])
    expect(valuesOf('x-remote-group')).toEqual(['one', 'two'])
    expect(valuesOf('x-remote-extra-example.com%2fscope')).toEqual(['a', 'b'])
    expect(valuesOf('x-remote-extra-a')).toEqual([])
    expect(valuesOf('authorization')).toEqual([])
    expect(valuesOf('x-forwarded-for')).toEqual(['192.0.2.1'])
  })

  test.each([
    '/apis/fish.example.com/v1//cods',
    '/apis/fish.example.com/v1/namespaces/a/cods/b%2Fc',
    '/apis/fish.example.com/v1/../v2/cods',
    '/apis/fish.example.com/v1/cods/%2e%2e',
    '/openapi/v3/apis/fish.example.com/v1/../../../secrets',
    '/openapi/v3/apis/fish.example.com/v1/%2E%2e/x',
  ])('is not asked what could mean something else there: %s', async (path) => {
    await register()
    asked.length = 0
    expect((await send('GET', path)).status).toBe(404)
    expect(asked.filter(({ url }) => url !== '/apis/fish.example.com/v1')).toEqual([])
  })

  test('streams its watches', async () => {
    await register()
    let push: (line: string) => void = () => {}
    answer = (_, response) => {
      response.writeHead(200, { 'content-type': 'application/json' })
      push = (line) => response.write(line)
      push('{"type":"ADDED"}\n')
    }
    const gone = new AbortController()
    const reply = await server.handle({
      method: 'GET',
      path: '/apis/fish.example.com/v1/cods',
      query: 'watch=1',
      headers: {},
      caller: { type: 'socket', address: '' },
      signal: gone.signal,
    })
    if (reply.body.type !== 'stream') throw new Error('a watch is a stream')
    const events = reply.body.stream[Symbol.asyncIterator]()
    expect(Buffer.from((await events.next()).value).toString()).toBe('{"type":"ADDED"}\n')
    push('{"type":"MODIFIED"}\n')
    expect(Buffer.from((await events.next()).value).toString()).toBe('{"type":"MODIFIED"}\n')
    gone.abort()
    await expect(events.next()).rejects.toThrow()
  })

  test('may change the protocol', async () => {
    await register()
    const { reply } = await send('GET', '/apis/fish.example.com/v1/cods', undefined, {
      connection: 'Upgrade',
      upgrade: 'fish',
      'x-remote-user': 'root',
    })
    expect(reply.status).toBe(101)
    if (reply.body.type !== 'upgrade') throw new Error('the protocol is changed')
    const { duplexPair } = await import('node:stream')
    const [ours, theirs] = duplexPair()
    reply.body.connect(theirs as Socket, new Uint8Array())
    ours.write('ping')
    let seen = ''
    for await (const chunk of ours) {
      seen += String(chunk)
      if (seen.includes('ping')) break
    }
    expect(seen).toMatch(/^HTTP\/1\.1 101 [\s\S]*someone ping$/)
  })

  test('sends nobody elsewhere', async () => {
    await register()
    answer = (_, response) => response.writeHead(302, { location: 'https://evil.example.com/' }).end()
    const { status, text, headers } = await send('GET', '/apis/fish.example.com/v1/cods')
    expect({ status, text }).toEqual({ status: 502, text: 'the backend attempted to redirect this request, which is not permitted' })
    expect(headers).not.toHaveProperty('location')
  })

  test.each([true, false])('is in discovery (newer form known: %s)', async (isNewer) => {
    knowsAggregated = isNewer
    await register()
    const { groups } = (await send('GET', '/apis')).json() as { groups: { name: string }[] }
    const names = groups.map(({ name }) => name)
    expect(names[0]).toBe('apiregistration.k8s.io')
    expect(names.indexOf('fish.example.com')).toBeGreaterThan(names.indexOf('apps'))
    expect(groups.find(({ name }) => name === 'fish.example.com')).toEqual({
      name: 'fish.example.com',
      versions: [{ groupVersion: 'fish.example.com/v1', version: 'v1' }],
      preferredVersion: { groupVersion: 'fish.example.com/v1', version: 'v1' },
    })
    expect((await send('GET', '/apis/fish.example.com')).json()).toMatchObject({ kind: 'APIGroup', name: 'fish.example.com' })
    expect((await send('GET', '/apis/fish.example.com/v1')).json()).toEqual(list)
    const accept = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList'
    const { items } = (await send('GET', '/apis', undefined, { accept })).json() as { items: { metadata: JsonObject }[] }
    expect(items.find(({ metadata }) => metadata.name === 'fish.example.com')).toMatchObject({
      metadata: { name: 'fish.example.com' },
      versions: [{ version: 'v1', resources: discoveredResources, freshness: 'Current' }],
    })
  })

  test('describes what it has', async () => {
    await register()
    const { paths } = (await send('GET', '/openapi/v3')).json() as { paths: Record<string, { serverRelativeURL: string }> }
    expect(paths['apis/fish.example.com/v1']).toEqual({ serverRelativeURL: '/openapi/v3/apis/fish.example.com/v1?hash=AB' })
    expect(paths['apis/apps/v1']?.serverRelativeURL).not.toContain('EVIL')
    answer = (request, response) => response.end(`${request.url} ${request.headers['x-remote-user']}`)
    expect((await send('GET', '/openapi/v3/apis/fish.example.com/v1?hash=AB')).text).toBe(
      '/openapi/v3/apis/fish.example.com/v1?hash=AB system:aggregator',
    )
    expect((await send('GET', '/openapi/v3/apis/apps/v1')).json()).toMatchObject({ openapi: '3.0.0' })
  })

  test('that is not there is said to be so, and answers 503', async () => {
    const wanted = (reason: string, message: unknown) => becomes('v1.fish.example.com', { status: 'False', reason, message })
    await send('POST', registrations, registration())
    await wanted('ServiceNotFound', 'service/fish in "default" is not present')
    expect(await send('GET', '/apis/fish.example.com/v1/cods')).toMatchObject({ status: 503, text: 'service unavailable\n' })
    const services = '/api/v1/namespaces/default/services'
    await send('POST', services, { metadata: { name: 'fish' }, spec: { ports: [{ name: 'web', port: 80 }] } })
    await wanted('ServicePortError', `service/fish in "default" is not listening on port ${extensionPort}`)
    await send('DELETE', `${services}/fish`)
    await send('POST', services, { metadata: { name: 'fish' }, spec: { ports: [{ port: extensionPort }] } })
    await wanted('EndpointsNotFound', 'cannot find endpointslices for service/fish in "default"')
    const slices = '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices'
    const slice = {
      metadata: { name: 'a', labels: { 'kubernetes.io/service-name': 'fish' } },
      addressType: 'IPv4',
      ports: [{ name: 'other', port: 1 }],
      endpoints: [],
    }
    await send('POST', slices, slice)
    await wanted('MissingEndpoints', 'endpointslices for service/fish in "default" have no addresses with port name ""')
    await send('DELETE', `${services}/fish`)
    await send('POST', services, { ...toLoopback, spec: { ...toLoopback.spec, externalName: 'nowhere.invalid' } })
    await wanted('FailedDiscoveryCheck', expect.stringContaining('failing or missing response from https://fish.default.svc:'))
    await send('DELETE', `${services}/fish`)
    await send('POST', services, toLoopback)
    await becomes('v1.fish.example.com', { status: 'True', reason: 'Passed', message: 'all checks passed' })
    expect((await send('GET', '/apis/fish.example.com/v1/cods')).status).toBe(200)
    await send('DELETE', `${registrations}/v1.fish.example.com`)
    expect((await send('GET', '/apis/fish.example.com/v1/cods')).status).toBe(404)
  })

  test('must show a certificate that its registration vouches for', async () => {
    const other = await createAuthority('other', Date.now())
    await register({ caBundle: Buffer.from(other.certificate).toString('base64') })
    const { status, text } = await send('GET', '/apis/fish.example.com/v1/cods')
    expect({ status, text }).toEqual({
      status: 503,
      text: 'error trying to reach service: tls: failed to verify certificate: x509: certificate signed by unknown authority\n',
    })
    await send(
      'PATCH',
      `${registrations}/v1.fish.example.com`,
      { spec: { caBundle: null, insecureSkipTLSVerify: true } },
      { 'content-type': 'application/merge-patch+json' },
    )
    expect((await send('GET', '/apis/fish.example.com/v1/cods')).text).toBe('hello')
  })
})
