import { beforeEach, describe, expect, test } from 'vitest'
import { builtinCatalog } from '../api/catalog.ts'
import type { Caller } from '../api/exchange.ts'
import { VirtualClock } from '../base/clock.ts'
import { silentLog } from '../base/log.ts'
import { seededRandom } from '../base/random.ts'
import { createMemoryStore } from '../store/memory.ts'
import { createAuthenticator } from './authentication.ts'
import { type ApiServer, createServer } from './server.ts'

const catalog = builtinCatalog()
let server: ApiServer

beforeEach(async () => {
  server = await createServer(
    {
      store: createMemoryStore(),
      catalog,
      authenticate: createAuthenticator({
        staticTokens: new Map([['secret', { name: 'admin', groups: ['system:masters'] }]]),
        verifyToken: async () => undefined,
      }),
      serverAddress: 'x:1',
      clock: new VirtualClock(),
      random: seededRandom(1),
      log: silentLog,
    },
    new AbortController().signal,
  )
})

const caller: Caller = { type: 'in-process', user: { name: 'test', uid: '7', groups: ['a', 'system:authenticated'], extra: { x: ['y'] } } }

// Replies are read by many tests, each by its own shape.
// biome-ignore lint/suspicious/noExplicitAny: see above
async function send(method: string, path: string, body?: object): Promise<{ status: number; object: any }> {
  const signal = new AbortController().signal
  const reply = await server.handle({ method, path, query: '', headers: {}, ...(body && { body }), caller, signal })
  return { status: reply.status, object: reply.body.type === 'object' ? reply.body.object : {} }
}

test('somebody may ask who he is', async () => {
  expect(await send('POST', '/apis/authentication.k8s.io/v1/selfsubjectreviews', {})).toMatchObject({
    status: 201,
    object: {
      kind: 'SelfSubjectReview',
      status: { userInfo: { username: 'test', uid: '7', groups: ['a', 'system:authenticated'], extra: { x: ['y'] } } },
    },
  })
})

test.each([
  ['secret', { authenticated: true, user: { username: 'admin' } }],
  ['wrong', { error: 'invalid bearer token' }],
])('whose token %s is', async (token, status) => {
  expect((await send('POST', '/apis/authentication.k8s.io/v1/tokenreviews', { spec: { token } })).object).toMatchObject({ status })
})

describe('who may do what', () => {
  const reviews = '/apis/authorization.k8s.io/v1'
  const resourceAttributes = { verb: 'get', resource: 'pods', namespace: 'default' }

  test.each([
    ['selfsubjectaccessreviews', { resourceAttributes }, true],
    ['subjectaccessreviews', { resourceAttributes, user: 'somebody' }, true],
    ['subjectaccessreviews', { nonResourceAttributes: { path: '/', verb: 'get' }, user: 'system:anonymous' }, false],
  ])('%s %j', async (plural, spec, allowed) => {
    expect((await send('POST', `${reviews}/${plural}`, { spec })).object).toMatchObject({ status: { allowed } })
  })

  test('is asked with one thing to do', async () => {
    expect((await send('POST', `${reviews}/selfsubjectaccessreviews`, { spec: {} })).status).toBe(422)
    expect((await send('POST', `${reviews}/subjectaccessreviews`, { spec: { resourceAttributes } })).status).toBe(422)
    const other = { spec: { user: 'a', resourceAttributes: { ...resourceAttributes, namespace: 'other' } } }
    expect((await send('POST', `${reviews}/namespaces/default/localsubjectaccessreviews`, other)).status).toBe(422)
  })

  test('is answered as a whole', async () => {
    expect((await send('POST', `${reviews}/selfsubjectrulesreviews`, { spec: { namespace: 'default' } })).object).toMatchObject({
      status: { resourceRules: [{ verbs: ['*'] }], incomplete: false },
    })
  })
})

test('the older way to bind a pod', async () => {
  const pods = '/api/v1/namespaces/default/pods'
  await send('POST', pods, { metadata: { name: 'a' }, spec: { containers: [{ name: 'c', image: 'i:1' }] } })
  const binding = { metadata: { name: 'a' }, target: { kind: 'Node', name: 'one' } }
  expect((await send('POST', '/api/v1/namespaces/default/bindings', binding)).status).toBe(201)
  expect((await send('GET', `${pods}/a`)).object.spec.nodeName).toBe('one')
})

test('questions are not kept, and nothing else can be done with them', async () => {
  const path = '/apis/authentication.k8s.io/v1/selfsubjectreviews'
  await send('POST', path, { metadata: { name: 'a' } })
  expect((await send('GET', path)).status).toBe(405)
  expect((await send('GET', `${path}/a`)).status).toBe(405)
})
