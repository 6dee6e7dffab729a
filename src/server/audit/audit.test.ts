import { beforeEach, describe, expect, test } from 'vitest'
import { builtinCatalog } from '../../api/catalog.ts'
import type { ApiReply } from '../../api/exchange.ts'
import { VirtualClock } from '../../base/clock.ts'
import { silentLog } from '../../base/log.ts'
import { seededRandom } from '../../base/random.ts'
import { createMemoryStore } from '../../store/memory.ts'
import { createAuthenticator } from '../authentication.ts'
import { allowKnown } from '../authorization/authorizer.ts'
import { type ApiServer, createServer } from '../server.ts'
import type { AuditEvent } from './audit-event.ts'
import { parseAuditPolicy } from './audit-policy.ts'

const catalog = builtinCatalog()
let server: ApiServer
let clock: VirtualClock
let events: AuditEvent[]

async function start(policy: string): Promise<void> {
  events = []
  clock = new VirtualClock()
  const authenticate = createAuthenticator({
    staticTokens: new Map([
      ['secret', { name: 'jane', groups: ['people'] }],
      ['root', { name: 'root', groups: ['system:masters'] }],
    ]),
    verifyToken: async () => undefined,
  })
  const audit = {
    policy: parseAuditPolicy(`apiVersion: audit.k8s.io/v1\nkind: Policy\nrules:\n${policy}`),
    sinks: [{ take: (event: AuditEvent) => void events.push(event), close: async () => {} }],
  }
  const parts = { clock, random: seededRandom(1), log: silentLog }
  server = await createServer(
    {
      store: createMemoryStore(),
      catalog,
      authenticate,
      serverAddress: 'x:1',
      audit,
      authorizers: [
        () => (user, attributes) => (attributes.verb === 'delete' ? { type: 'deny', reason: 'never' } : allowKnown(user, attributes)),
      ],
      ...parts,
    },
    new AbortController().signal,
  )
}

beforeEach(() => start('- level: RequestResponse\n'))

async function send(
  method: string,
  url: string,
  body?: unknown,
  headers: Record<string, string> = {},
  signal = new AbortController().signal,
): Promise<ApiReply> {
  const [path = '', query = ''] = url.split('?')
  return server.handle({
    method,
    path,
    query,
    headers: { authorization: 'Bearer secret', 'content-type': 'application/json', 'user-agent': 'test/1', ...headers },
    ...(body !== undefined && { body: Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)) }),
    caller: { type: 'socket', address: '10.0.0.1' },
    signal,
  })
}

const maps = '/api/v1/namespaces/default/configmaps'
const map = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' }, data: { key: 'value' } }

test('a create is recorded as it comes and as it is done, with what was sent and what came of it', async () => {
  const reply = await send('POST', `${maps}?fieldManager=x`, map)
  expect(events.map(({ stage }) => stage)).toEqual(['RequestReceived', 'ResponseComplete'])
  const [first, last] = events
  expect(reply.headers['audit-id']).toBe(first?.auditID)
  expect(first).not.toHaveProperty('requestObject')
  expect(last).toMatchObject({
    kind: 'Event',
    apiVersion: 'audit.k8s.io/v1',
    level: 'RequestResponse',
    auditID: first?.auditID,
    requestURI: `${maps}?fieldManager=x`,
    verb: 'create',
    user: { username: 'jane', groups: ['people', 'system:authenticated'] },
    sourceIPs: ['10.0.0.1'],
    userAgent: 'test/1',
    objectRef: { resource: 'configmaps', namespace: 'default', name: 'a', apiVersion: 'v1' },
    responseStatus: { metadata: {}, code: 201 },
    requestObject: map,
    responseObject: { data: { key: 'value' }, metadata: { name: 'a' } },
    requestReceivedTimestamp: '2026-01-01T00:00:00.000000Z',
    stageTimestamp: '2026-01-01T00:00:00.000000Z',
    annotations: { 'authorization.k8s.io/decision': 'allow', 'authorization.k8s.io/reason': '' },
  })
  // An audit log is lines of JSON.
  expect(JSON.parse(JSON.stringify(last))).toEqual(last)
})

test('bodies are recorded as they mean, in whatever form they come', async () => {
  await send('POST', maps, 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: other}', { 'content-type': 'application/yaml' })
  expect(events[1]?.requestObject).toEqual({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'other' } })
  await send('PATCH', `${maps}/other`, [{ op: 'add', path: '/data', value: { a: 'b' } }], { 'content-type': 'application/json-patch+json' })
  expect(events[3]?.requestObject).toEqual([{ op: 'add', path: '/data', value: { a: 'b' } }])
  await send('POST', maps, '{')
  expect(events[5]).toMatchObject({ responseStatus: { code: 400, status: 'Failure', reason: 'BadRequest' } })
  expect(events[5]).not.toHaveProperty('requestObject')
})

describe('what is refused is recorded', () => {
  test('with the reason why', async () => {
    expect((await send('DELETE', `${maps}/a`)).status).toBe(403)
    expect(events.at(-1)).toMatchObject({
      annotations: { 'authorization.k8s.io/decision': 'forbid', 'authorization.k8s.io/reason': 'never' },
      responseStatus: { code: 403, reason: 'Forbidden', status: 'Failure' },
    })
  })

  test('also when nobody knows who asked', async () => {
    expect((await send('GET', maps, undefined, { authorization: 'Bearer wrong' })).status).toBe(401)
    expect(events).toMatchObject([{ stage: 'ResponseStarted', user: {}, responseStatus: { code: 401, reason: 'Unauthorized' } }])
  })
})

test('a watch is recorded when it begins and when it ends', async () => {
  const gone = new AbortController()
  const reply = await send('GET', `${maps}?watch=1`, undefined, {}, gone.signal)
  if (reply.body.type !== 'watch') throw new Error('no watch')
  reply.body.open({ event: () => true, end() {} })
  expect(events.map(({ stage }) => stage)).toEqual(['RequestReceived', 'ResponseStarted'])
  await clock.advance(5000)
  gone.abort()
  expect(events.at(-1)).toMatchObject({ stage: 'ResponseComplete', verb: 'watch', stageTimestamp: '2026-01-01T00:00:05.000000Z' })
  expect(events).toHaveLength(3)
})

test('who acts in another’s name is recorded beside the other', async () => {
  await send('GET', maps, undefined, { authorization: 'Bearer root', 'impersonate-user': 'joe' })
  expect(events.at(-1)).toMatchObject({ user: { username: 'root' }, impersonatedUser: { username: 'joe' } })
})

test('a request brings its own name, and says for whom it is sent', async () => {
  const headers = { 'audit-id': `mine${'x'.repeat(100)}`, 'x-forwarded-for': '1.2.3.4, 5.6.7.8', 'x-real-ip': '1.2.3.4' }
  const reply = await send('GET', maps, undefined, headers)
  expect(reply.headers['audit-id']).toBe(headers['audit-id'].slice(0, 64))
  expect(events[0]).toMatchObject({ auditID: headers['audit-id'].slice(0, 64), sourceIPs: ['1.2.3.4', '5.6.7.8', '10.0.0.1'] })
})

test('a reply of more than a MiB is left out, and said to be', async () => {
  for (const name of ['a', 'b']) await send('POST', maps, { ...map, metadata: { name }, data: { key: 'x'.repeat(600_000) } })
  await send('GET', `${maps}/a`)
  expect(events.at(-1)).toHaveProperty('responseObject')
  await send('GET', maps)
  expect(events.at(-1)).not.toHaveProperty('responseObject')
  expect(events.at(-1)?.annotations).toMatchObject({ 'audit.k8s.io/truncated': 'true' })
})

test('levels and stages leave out what they should', async () => {
  await start(
    '- {level: None, resources: [{resources: [secrets]}]}\n' +
      '- {level: Metadata, verbs: [create], omitStages: [RequestReceived]}\n' +
      '- {level: Request, verbs: [update], omitStages: [RequestReceived], omitManagedFields: true}\n',
  )
  const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 's' } }
  const quiet = await send('POST', '/api/v1/namespaces/default/secrets', secret)
  expect([quiet.status, quiet.headers['audit-id'], events]).toEqual([201, undefined, []])
  await send('POST', maps, map)
  await send('PUT', `${maps}/a`, { ...map, metadata: { name: 'a', managedFields: [] } })
  await send('GET', `${maps}/a`)
  expect(events.map(({ stage, verb }) => `${verb} ${stage}`)).toEqual(['create ResponseComplete', 'update ResponseComplete'])
  expect(events[0]).not.toHaveProperty('requestObject')
  expect(events[1]?.requestObject).toEqual(map)
  expect(events[1]).not.toHaveProperty('responseObject')
})
