import { generateKeyPairSync } from 'node:crypto'
import { beforeEach, describe, expect, test } from 'vitest'
import { builtinCatalog } from '../../api/catalog.ts'
import { VirtualClock } from '../../base/clock.ts'
import { silentLog } from '../../base/log.ts'
import { seededRandom } from '../../base/random.ts'
import { createMemoryStore } from '../../store/memory.ts'
import { type AuthenticationParts, createAuthentication } from '../authentication.ts'
import { type ApiServer, createServer } from '../server.ts'
import { type ServiceAccountTokens, serviceAccountTokens } from '../service-account-tokens.ts'
import { serviceAccountVerifier } from './service-account-verifier.ts'

const issuer = 'https://issuer'
const key = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
let clock: VirtualClock
let tokens: ServiceAccountTokens
let server: ApiServer
let parts: AuthenticationParts

beforeEach(async () => {
  clock = new VirtualClock()
  tokens = serviceAccountTokens({ key, issuer, clock, random: seededRandom(1) })
  server = await createServer(
    {
      store: createMemoryStore(),
      catalog: builtinCatalog(),
      authenticate: {
        create(given) {
          parts = given
          return createAuthentication({
            staticTokens: new Map(),
            verifyToken: serviceAccountVerifier(tokens, parts),
            audiences: tokens.policy.audiences,
            clock,
          })
        },
      },
      tokens,
      serverAddress: 'x:1',
      clock,
      random: seededRandom(2),
      log: silentLog,
    },
    new AbortController().signal,
  )
  await send('POST', accounts, { metadata: { name: 'web' } })
})

// Replies are read by many tests, each by its own shape.
// biome-ignore lint/suspicious/noExplicitAny: see above
type Loose = any

async function send(method: string, path: string, body?: object, token?: string): Promise<{ status: number; object: Loose }> {
  const reply = await server.handle({
    method,
    path,
    query: '',
    headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
    ...(body && { body }),
    caller:
      token === undefined
        ? { type: 'in-process', user: { name: 'test', groups: ['system:masters'] } }
        : { type: 'socket', address: '192.0.2.1' },
    signal: new AbortController().signal,
  })
  return { status: reply.status, object: reply.body.type === 'object' ? reply.body.object : {} }
}

const accounts = '/api/v1/namespaces/default/serviceaccounts'
const pods = '/api/v1/namespaces/default/pods'
const secrets = '/api/v1/namespaces/default/secrets'
const nodes = '/api/v1/nodes'

async function tokenFor(spec: object = {}): Promise<string> {
  const { object } = await send('POST', `${accounts}/web/token`, { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec })
  return object.status.token
}

/** What a review says of a token. */
async function reviewed(token: string, audiences?: readonly string[]): Promise<Loose> {
  const { object } = await send('POST', '/apis/authentication.k8s.io/v1/tokenreviews', { spec: { token, ...(audiences && { audiences }) } })
  return object.status
}

const usable = async (token: string) => (await send('GET', pods, undefined, token)).status

test('a token names its account, and is for its audiences', async () => {
  const token = await tokenFor()
  expect(await usable(token)).toBe(200)
  expect(await reviewed(token)).toMatchObject({
    authenticated: true,
    audiences: [issuer],
    user: {
      username: 'system:serviceaccount:default:web',
      groups: ['system:serviceaccounts', 'system:serviceaccounts:default', 'system:authenticated'],
    },
  })
  const other = await tokenFor({ audiences: ['vault', 'store'] })
  expect(await usable(other)).toBe(401)
  expect(await reviewed(other)).toEqual({
    user: {},
    error: `[invalid bearer token, token audiences ["vault" "store"] is invalid for the target audiences ["${issuer}"]]`,
  })
  expect(await reviewed(other, ['x', 'store'])).toMatchObject({ authenticated: true, audiences: ['store'] })
})

test('others’ tokens, and those that somebody changed, are nobody’s', async () => {
  const token = await tokenFor()
  const [head, body = '', signature] = token.split('.')
  const claims = JSON.parse(Buffer.from(body, 'base64url').toString())
  const forged = Buffer.from(JSON.stringify({ ...claims, sub: 'system:serviceaccount:kube-system:x' })).toString('base64url')
  const unsigned = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${body}.`
  const strange = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  const stranger = serviceAccountTokens({ key: strange, issuer, clock, random: seededRandom(3) })
  const { object } = await send('GET', `${accounts}/web`)
  const subject = { namespace: 'default', name: 'web', uid: object.metadata.uid }
  const { token: foreign } = await stranger.issue(subject, { audiences: [issuer], expirationSeconds: 3600 })
  for (const wrong of [`${head}.${forged}.${signature}`, unsigned, foreign, 'a.b.c', `${token}x`]) {
    expect(await usable(wrong)).toBe(401)
    expect((await reviewed(wrong)).error).toBe('invalid bearer token')
  }
})

test('a token ends with its time, a minute later for clocks that differ', async () => {
  const token = await tokenFor({ expirationSeconds: 600 })
  expect(await usable(token)).toBe(200)
  await clock.advance(659_000)
  expect(await usable(token)).toBe(200)
  await clock.advance(2000)
  expect(await usable(token)).toBe(401)
  expect((await reviewed(token)).error).toBe('[invalid bearer token, service account token has expired]')
})

describe('a token ends at once', () => {
  test('with its account, also when another of that name comes', async () => {
    const token = await tokenFor()
    expect(await usable(token)).toBe(200)
    await send('DELETE', `${accounts}/web`)
    expect(await usable(token)).toBe(401)
    expect((await reviewed(token)).error).toBe('[invalid bearer token, serviceaccounts "web" not found]')
    await send('POST', accounts, { metadata: { name: 'web' } })
    expect(await usable(token)).toBe(401)
    expect((await reviewed(token)).error).toMatch(/service account UID \(.*\) does not match claim/)
  })

  test.each([
    ['Pod', pods, { spec: { serviceAccountName: 'web', containers: [{ name: 'c', image: 'i:1' }] } }],
    ['Secret', secrets, {}],
    ['Node', nodes, {}],
  ])('with the %s it is bound to', async (kind, path, more) => {
    const { object } = await send('POST', path, { metadata: { name: 'a' }, ...more })
    const token = await tokenFor({ boundObjectRef: { apiVersion: 'v1', kind, name: 'a', uid: object.metadata.uid } })
    expect(await usable(token)).toBe(200)
    if (kind === 'Pod')
      expect((await reviewed(token)).user.extra).toMatchObject({
        'authentication.kubernetes.io/credential-id': [expect.stringMatching(/^JTI=/)],
        'authentication.kubernetes.io/pod-name': ['a'],
        'authentication.kubernetes.io/pod-uid': [object.metadata.uid],
      })
    if (kind === 'Node') expect((await reviewed(token)).user.extra).toMatchObject({ 'authentication.kubernetes.io/node-name': ['a'] })
    await send('DELETE', `${path}/a`, { gracePeriodSeconds: 0 })
    expect(await usable(token)).toBe(401)
    await send('POST', path, { metadata: { name: 'a' }, ...more })
    expect(await usable(token)).toBe(401)
  })
})

test('a pod that runs tells its node', async () => {
  const spec = { serviceAccountName: 'web', nodeName: 'one', containers: [{ name: 'c', image: 'i:1' }] }
  const { object } = await send('POST', nodes, { metadata: { name: 'one' } })
  await send('POST', pods, { metadata: { name: 'a' }, spec })
  const token = await tokenFor({ boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name: 'a' } })
  expect((await reviewed(token)).user.extra).toMatchObject({
    'authentication.kubernetes.io/node-name': ['one'],
    'authentication.kubernetes.io/node-uid': [object.metadata.uid],
  })
  // It tells, and does not bind.
  await send('DELETE', `${nodes}/one`)
  expect(await usable(token)).toBe(200)
})

describe('the token of a Secret', () => {
  let token: string
  beforeEach(async () => {
    const { object } = await send('GET', `${accounts}/web`)
    const subject = {
      namespace: 'default',
      name: 'web',
      uid: object.metadata.uid,
      boundTo: { kind: 'Secret', name: 's', uid: '' },
    } as const
    token = await tokens.issueForSecret(subject)
    await send('POST', secrets, {
      metadata: { name: 's', annotations: { 'kubernetes.io/service-account.name': 'web' } },
      type: 'kubernetes.io/service-account-token',
      data: { token: Buffer.from(token).toString('base64') },
    })
  })

  test('is good as long as it stands there', async () => {
    await clock.advance(3 * 3_600_000)
    expect(await usable(token)).toBe(200)
    expect(await reviewed(token)).toMatchObject({ audiences: [issuer], user: { username: 'system:serviceaccount:default:web' } })
    await send('DELETE', `${secrets}/s`)
    expect(await usable(token)).toBe(401)
    expect((await reviewed(token)).error).toBe('[invalid bearer token, service account token has been invalidated]')
  })

  test('ends when its deletion begins, also while something holds it', async () => {
    const { object } = await send('GET', `${secrets}/s`)
    await send('PUT', `${secrets}/s`, { ...object, metadata: { ...object.metadata, finalizers: ['example.org/held'] } })
    expect(await usable(token)).toBe(200)
    await send('DELETE', `${secrets}/s`)
    expect((await send('GET', `${secrets}/s`)).status).toBe(200)
    expect(await usable(token)).toBe(401)
  })

  test('is not good once another stands there, or it is marked', async () => {
    const { object } = await send('GET', `${secrets}/s`)
    const labels = { 'kubernetes.io/legacy-token-invalid-since': '2026-01-01' }
    await send('PUT', `${secrets}/s`, { ...object, metadata: { ...object.metadata, labels } })
    expect((await reviewed(token)).error).toContain('has been marked invalid')
    await send('PUT', `${secrets}/s`, { ...object, metadata: { ...object.metadata, resourceVersion: '' }, data: { token: 'eA==' } })
    expect(await usable(token)).toBe(401)
  })
})

test('a token that was seen before is checked without waiting, and its user is the same object', async () => {
  const verify = serviceAccountVerifier(tokens, parts)
  const token = await tokenFor()
  const first = await verify(token, [issuer])
  const second = verify(token, [issuer])
  expect(second).toMatchObject({ type: 'verified' })
  expect(second && 'user' in second && first?.type === 'verified' && second.user === first.user).toBe(true)
})
