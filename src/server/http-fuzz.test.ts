import { connect as connectHttp2 } from 'node:http2'
import { Agent, request as httpsRequest } from 'node:https'
import { connect as connectTls } from 'node:tls'
import {
  array,
  assert,
  asyncProperty,
  constantFrom,
  dictionary,
  oneof,
  option,
  record,
  string,
  stringMatching,
  uint8Array,
} from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { builtinCatalog } from '../api/catalog.ts'
import { systemClock } from '../base/clock.ts'
import { type Log, silentLog } from '../base/log.ts'
import { systemRandom } from '../base/random.ts'
import { createMemoryStore } from '../store/memory.ts'
import { createAuthenticator } from './authentication.ts'
import { createHttpListener, type HttpListener } from './http.ts'
import { createAuthority, issueCertificate, type KeyPair } from './pki.ts'
import { createServer } from './server.ts'

let authority: KeyPair
let listener: HttpListener
let port: number
const stop = new AbortController()
const agent = new Agent({ keepAlive: true, maxSockets: 8 })
/** What went wrong inside. */
const failures: unknown[] = []
const log: Log = { ...silentLog, error: (message, fields) => void failures.push({ message, ...fields }), with: () => log }

beforeAll(async () => {
  const nowMs = Date.now()
  authority = await createAuthority('test-ca', nowMs)
  const serving = await issueCertificate(authority, { commonName: 'server', addresses: ['127.0.0.1'], nowMs })
  const authenticate = createAuthenticator({
    staticTokens: new Map([['secret', { name: 'admin', groups: ['system:masters'] }]]),
    verifyToken: async () => undefined,
  })
  const { handle } = await createServer(
    {
      store: createMemoryStore(),
      catalog: builtinCatalog(),
      authenticate,
      serverAddress: 'x:1',
      flowControlSeats: 600,
      clock: systemClock,
      random: systemRandom,
      log,
    },
    stop.signal,
  )
  listener = createHttpListener({ handle, ...serving, clientAuthority: authority.certificate, log })
  port = await listener.listen('127.0.0.1', 0)
})
afterAll(async () => {
  stop.abort()
  agent.destroy()
  await listener.close()
})

const segment = oneof(
  constantFrom(
    'api',
    'apis',
    'v1',
    'namespaces',
    'default',
    'pods',
    'configmaps',
    'apps',
    'deployments',
    'status',
    'scale',
    'log',
    'watch',
  ),
  constantFrom('..', '.', '%2e%2e', '%2F', '%00', '%', '%zz', '%ff', '__proto__', 'constructor', 'toString', 'healthz', 'openapi', 'v3'),
  stringMatching(/^[a-zA-Z0-9._~%:@!$&'()*+,;=-]{0,20}$/),
)
const path = array(segment, { maxLength: 8 }).map((segments) => `/${segments.join('/')}`)
const value = oneof(
  constantFrom(
    '1',
    'true',
    '0',
    '-1',
    '99999999999999999999',
    'NaN',
    'All',
    'Strict',
    'a=b,c in (d',
    '!x',
    'metadata.name=',
    '%',
    '%ff',
    '1s',
    '-5s',
  ),
  stringMatching(/^[\x21-\x7e]{0,30}$/),
)
const parameter = constantFrom(
  'labelSelector',
  'fieldSelector',
  'limit',
  'continue',
  'resourceVersion',
  'resourceVersionMatch',
  'dryRun',
  'fieldManager',
  'fieldValidation',
  'force',
  'timeout',
  'pretty',
  'propagationPolicy',
  'gracePeriodSeconds',
  '__proto__',
)
const query = dictionary(parameter, value, { maxKeys: 4 }).map((pairs) =>
  Object.entries(pairs)
    .map(([name, text]) => `${name}=${text.replace(/[ #]/g, '+')}`)
    .join('&'),
)
const header = stringMatching(/^[\x21-\x7e]{0,40}$/)
const headers = record({
  'content-type': option(
    oneof(
      constantFrom(
        'application/json',
        'application/yaml',
        'application/vnd.kubernetes.protobuf',
        'application/cbor',
        'application/apply-patch+yaml',
        'application/json-patch+json',
        'application/merge-patch+json',
        'application/strategic-merge-patch+json',
      ),
      header,
    ),
    { nil: undefined },
  ),
  accept: option(
    oneof(constantFrom('application/json;as=Table;v=v1;g=meta.k8s.io', 'application/yaml', 'application/cbor', '*/*'), header),
    {
      nil: undefined,
    },
  ),
  'impersonate-user': option(constantFrom('joe', '', 'system:serviceaccount:a:b'), { nil: undefined, freq: 6 }),
  'audit-id': option(header, { nil: undefined, freq: 6 }),
})
const name = stringMatching(/^[a-z0-9-]{0,10}$/)
const body = oneof(
  uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
  string({ unit: 'binary', maxLength: 100 }).map((text) => Buffer.from(text)),
  record({
    apiVersion: constantFrom('v1', 'apps/v1', '', 'x'),
    kind: constantFrom('ConfigMap', 'Pod', 'Deployment', ''),
    metadata: record(
      { name, generateName: name, labels: dictionary(string({ maxLength: 5 }), string({ maxLength: 5 })) },
      { requiredKeys: [] },
    ),
    data: dictionary(string({ maxLength: 5 }), oneof(string({ maxLength: 5 }), constantFrom(1, null, [], {}))),
    spec: option(constantFrom(null, 1, {}, { containers: null }, { containers: [{}] })),
  }).map((object) => Buffer.from(JSON.stringify(object))),
  constantFrom(Buffer.from('{"a":"\xff\xfe"}', 'latin1'), Buffer.from('k8s\0\xff\xff', 'latin1'), Buffer.from('[]'), Buffer.from('"')),
)
const request = record({
  method: constantFrom('GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS', 'TRACE', 'BREW'),
  path,
  query,
  headers,
  body: option(body, { nil: undefined }),
})

interface Asked {
  readonly method: string
  readonly path: string
  readonly query: string
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly body: Buffer | undefined
}

const defined = (given: Asked['headers']) =>
  Object.fromEntries(Object.entries(given).filter((entry): entry is [string, string] => entry[1] !== undefined))
const urlOf = ({ path, query }: Asked) => (query === '' ? path : `${path}?${query}`)

function overHttp1(asked: Asked): Promise<number> {
  return new Promise((resolve, reject) => {
    const sent = httpsRequest(
      {
        host: '127.0.0.1',
        port,
        method: asked.method,
        path: urlOf(asked),
        agent,
        ca: authority.certificate,
        timeout: 10_000,
        headers: {
          authorization: 'Bearer secret',
          ...defined(asked.headers),
          ...(asked.body && { 'content-length': String(asked.body.length) }),
        },
      },
      (response) => {
        response.resume().once('end', () => resolve(response.statusCode ?? 0))
        // A watch does not end by itself.
        if (asked.path.includes('/watch')) response.destroy()
        response.once('close', () => resolve(response.statusCode ?? 0))
      },
    )
    sent.once('timeout', () => sent.destroy(new Error(`${asked.method} ${urlOf(asked)} is not answered`)))
    sent.once('error', reject)
    sent.end(asked.body)
  })
}

test('whatever is asked over HTTP/1.1 gets an answer that is nobody’s failure', async () => {
  await assert(
    asyncProperty(request, async (asked) => {
      const status = await overHttp1(asked)
      expect(status).toBeGreaterThanOrEqual(200)
      // Impersonating a group without a user is a 500 upstream too; nothing here asks for that.
      expect(status).not.toBe(500)
    }),
    { numRuns: 400 },
  )
  expect(failures).toEqual([])
})

test('over HTTP/2 too, and all at once', async () => {
  const session = connectHttp2(`https://127.0.0.1:${port}`, { ca: authority.certificate })
  try {
    await assert(
      asyncProperty(array(request, { minLength: 1, maxLength: 20 }), async (many) => {
        const statuses = await Promise.all(
          many.map(
            (asked) =>
              new Promise<number>((resolve, reject) => {
                const sent = { ':method': asked.method, ':path': urlOf(asked), authorization: 'Bearer secret', ...defined(asked.headers) }
                const stream = session.request(sent, { endStream: false })
                stream.setTimeout(10_000, () => reject(new Error(`${asked.method} ${urlOf(asked)} is not answered`)))
                stream.once('response', (given) => {
                  resolve(Number(given[':status']))
                  stream.close()
                })
                stream.once('error', reject)
                stream.end(asked.body)
              }),
          ),
        )
        for (const status of statuses) expect(status).not.toBe(500)
      }),
      { numRuns: 30 },
    )
  } finally {
    session.destroy()
  }
  expect(failures).toEqual([])
})

test('bytes that are no HTTP at all end their own connection', async () => {
  await assert(
    asyncProperty(uint8Array({ minLength: 1, maxLength: 500 }), constantFrom('http/1.1', 'h2'), async (bytes, protocol) => {
      const socket = connectTls({ host: '127.0.0.1', port, ca: authority.certificate, ALPNProtocols: [protocol] })
      socket.on('error', () => {})
      const closed = new Promise<void>((resolve) => socket.resume().once('close', () => resolve()))
      socket.end(Buffer.from(bytes))
      await closed
    }),
    { numRuns: 60 },
  )
  expect(await overHttp1({ method: 'GET', path: '/readyz', query: '', headers: {}, body: undefined })).toBe(200)
  expect(failures).toEqual([])
})
