import { describe, expect, test } from 'vitest'
import type { ApiRequest, Caller, ClientCertificate } from '../api/exchange.ts'
import { VirtualClock } from '../base/clock.ts'
import type { VerifyToken } from './authentication/token-verdict.ts'
import { type AuthenticationOptions, createAuthentication } from './authentication.ts'

const clock = new VirtualClock()
const certificate: ClientCertificate = {
  commonName: 'anna',
  organizations: ['dev', 'ops'],
  fingerprint: 'ab12',
  expiresMs: clock.now() + 1000,
  signedFor: ['client'],
}
const bob = { name: 'bob', groups: ['dev'] }
const later: VerifyToken = async (token, audiences) =>
  token === 'late' ? { type: 'verified', user: bob, audiences } : token === 'old' ? { type: 'refused', why: 'too old' } : undefined

interface Sent {
  readonly caller?: Partial<Extract<Caller, { type: 'socket' }>>
  readonly headers?: Record<string, string>
  readonly rawHeaders?: readonly string[]
  readonly path?: string
}

function whoIs({ caller, headers = {}, rawHeaders, path = '/api' }: Sent, options: Partial<AuthenticationOptions> = {}) {
  const { authenticate } = createAuthentication({ staticTokens: new Map([['secret', bob]]), verifyToken: later, clock, ...options })
  const request: ApiRequest = {
    method: 'GET',
    path,
    query: '',
    headers,
    ...(rawHeaders && { rawHeaders }),
    caller: { type: 'socket', address: '192.0.2.1', ...caller },
    signal: new AbortController().signal,
  }
  return (async () => authenticate(request))()
}

const bearer = (token: string) => ({ authorization: `Bearer ${token}` })
const nobody = { name: 'system:anonymous', groups: ['system:unauthenticated'] }
const refused = { reason: 'Unauthorized' }

describe('a client certificate', () => {
  test('names its holder', async () => {
    expect(await whoIs({ caller: { certificate: { ...certificate, uid: '7' } } })).toEqual({
      name: 'anna',
      uid: '7',
      groups: ['dev', 'ops', 'system:authenticated'],
      extra: { 'authentication.kubernetes.io/credential-id': ['X509SHA256=ab12'] },
    })
  })

  test.each([
    ['that has ended', { certificate: { ...certificate, expiresMs: clock.now() } }],
    ['that nobody here signed', { refusedCertificate: 'self-signed certificate' }],
    ['of a front proxy that speaks for nobody', { certificate: { ...certificate, signedFor: ['front-proxy'] as const } }],
  ])('%s is refused, unless there is a token that is good', async (_, caller) => {
    await expect(whoIs({ caller })).rejects.toMatchObject(refused)
    await expect(whoIs({ caller, headers: bearer('wrong') })).rejects.toMatchObject(refused)
    expect(await whoIs({ caller, headers: bearer('secret') })).toMatchObject({ name: 'bob' })
  })

  test('without a name is none', async () => {
    expect(await whoIs({ caller: { certificate: { ...certificate, commonName: '' } } })).toEqual(nobody)
  })
})

describe('a token', () => {
  test('is known at once or later', async () => {
    const user = { name: 'bob', groups: ['dev', 'system:authenticated'] }
    expect(await whoIs({ headers: bearer('secret') })).toEqual(user)
    expect(await whoIs({ headers: bearer('late') })).toMatchObject({ name: 'bob' })
    const protocol = `v4.channel.k8s.io, base64url.bearer.authorization.k8s.io.${Buffer.from('secret').toString('base64url')}`
    expect(await whoIs({ headers: { 'sec-websocket-protocol': protocol } })).toEqual(user)
  })

  test.each(['wrong', 'old'])('that is %s is refused', async (token) => {
    await expect(whoIs({ headers: bearer(token) })).rejects.toMatchObject(refused)
  })

  test('is reviewed for audiences', async () => {
    const { reviewToken } = createAuthentication({
      staticTokens: new Map([['secret', bob]]),
      verifyToken: later,
      audiences: ['api', 'https://api'],
      clock,
    })
    expect(await reviewToken('secret', [])).toMatchObject({ type: 'verified', audiences: ['api', 'https://api'] })
    expect(await reviewToken('secret', ['vault', 'api'])).toMatchObject({ audiences: ['api'] })
    expect(await reviewToken('secret', ['vault'])).toBeUndefined()
    expect(await reviewToken('old', ['vault'])).toEqual({ type: 'refused', why: 'too old' })
  })
})

test('nobody may be turned away, everywhere or here and there', async () => {
  expect(await whoIs({})).toEqual(nobody)
  const allowsAnonymous = (path: string) => path === '/livez'
  expect(await whoIs({ path: '/livez' }, { allowsAnonymous })).toEqual(nobody)
  await expect(whoIs({ path: '/api' }, { allowsAnonymous })).rejects.toMatchObject(refused)
})

describe('a front proxy', () => {
  const frontProxy = {
    allowedNames: ['proxy'],
    usernameHeaders: ['x-remote-user'],
    uidHeaders: ['x-remote-uid'],
    groupHeaders: ['x-remote-group'],
    extraPrefixes: ['x-remote-extra-'],
  }
  const rawHeaders = [
    ...['X-Remote-User', 'carl', 'X-Remote-Uid', '9'],
    ...['X-Remote-Group', 'a, system:masters', 'X-Remote-Group', 'b', 'X-Remote-Extra-Acme.com%2FScopes', 'x'],
  ]
  const headers = {
    'x-remote-user': 'carl',
    'x-remote-uid': '9',
    'x-remote-group': 'a, system:masters, b',
    'x-remote-extra-acme.com%2fscopes': 'x',
  }
  const proxy: ClientCertificate = { ...certificate, commonName: 'proxy', signedFor: ['front-proxy'] }

  test('says in whose name it sends, each group by itself', async () => {
    expect(await whoIs({ caller: { certificate: proxy }, headers, rawHeaders }, { frontProxy })).toEqual({
      name: 'carl',
      uid: '9',
      groups: ['a, system:masters', 'b', 'system:authenticated'],
      extra: { 'acme.com/scopes': ['x'] },
    })
  })

  test.each([
    ['of another name', { ...proxy, commonName: 'other' }],
    ['whose authority is that of clients', { ...proxy, signedFor: ['client'] as const }],
  ])('%s is not believed', async (_, shown) => {
    const user = whoIs({ caller: { certificate: shown }, headers, rawHeaders }, { frontProxy })
    if (shown.signedFor[0] === 'client') expect(await user).toMatchObject({ name: 'proxy' })
    else await expect(user).rejects.toMatchObject(refused)
  })
})
