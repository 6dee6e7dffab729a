import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer as createHttpsServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { stringify } from 'yaml'
import { builtinCatalog } from '../api/catalog.ts'
import { systemClock } from '../base/clock.ts'
import { silentLog } from '../base/log.ts'
import { systemRandom } from '../base/random.ts'
import { parseApiServerFlags } from '../cli/api-server-flags.ts'
import type { Authentication } from '../server/authentication.ts'
import { createAuthority, issueCertificate, type KeyPair } from '../server/pki.ts'
import { createResourceCaches } from '../server/resource-caches.ts'
import { createMemoryStore } from '../store/memory.ts'
import { authenticationFor, tokensFor } from './server-authentication.ts'

type Key = Awaited<ReturnType<typeof generateKeyPair>>

let directory: string
let authority: KeyPair
let issuer: Server
let url: string
/** By their ids: what the issuer signs with. */
let keys: Map<string, Key>
const asked: string[] = []

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'sampan-oidc-'))
  authority = await createAuthority('issuers', Date.now())
  const serving = await issueCertificate(authority, { commonName: 'issuer', addresses: ['127.0.0.1'], nowMs: Date.now() })
  issuer = createHttpsServer({ cert: serving.certificate, key: serving.key }, (request, response) => {
    void (async () => {
      asked.push(request.url ?? '')
      const set = await Promise.all([...keys].map(async ([kid, { publicKey }]) => ({ ...(await exportJWK(publicKey)), kid, alg: 'RS256' })))
      const documents: Record<string, object> = {
        '/.well-known/openid-configuration': { issuer: url, jwks_uri: `${url}/keys` },
        '/keys': { keys: set },
      }
      response.end(JSON.stringify(documents[request.url ?? ''] ?? {}))
    })()
  })
  await new Promise<void>((resolve) => issuer.listen(0, '127.0.0.1', resolve))
  url = `https://127.0.0.1:${(issuer.address() as AddressInfo).port}`
  await writeFile(join(directory, 'ca.crt'), authority.certificate)
})
afterAll(async () => {
  issuer.closeAllConnections()
  issuer.close()
  await rm(directory, { recursive: true, force: true })
})
beforeEach(async () => {
  asked.length = 0
  keys = new Map([['one', await generateKeyPair('RS256')]])
})

async function authenticationWith(...flags: readonly string[]): Promise<Authentication> {
  const parsed = parseApiServerFlags(flags)
  const { key } = await createAuthority('tokens', Date.now())
  const tokens = tokensFor(parsed, { key, clock: systemClock, random: systemRandom })
  const parts = { catalog: builtinCatalog(), caches: createResourceCaches(createMemoryStore()), clock: systemClock, log: silentLog }
  return authenticationFor(parsed, { tokens, adminToken: 'admin' }).create(parts)
}

function tokenWith(
  claims: object,
  { kid = 'one', ...over }: { kid?: string; iss?: string; aud?: string; exp?: number } = {},
): Promise<string> {
  const key = keys.get(kid)
  if (!key) throw new Error(`There is no key ${kid}`)
  const exp = Math.floor(Date.now() / 1000) + 600
  return new SignJWT({ iss: url, aud: 'sampan', exp, ...claims, ...over }).setProtectedHeader({ alg: 'RS256', kid }).sign(key.privateKey)
}

const oidcFlags = () => [`oidc-issuer-url=${url}`, 'oidc-client-id=sampan', `oidc-ca-file=${join(directory, 'ca.crt')}`]

async function whoBears({ reviewToken }: Authentication, token: string): Promise<unknown> {
  const verdict = await reviewToken(token, [])
  return verdict?.type === 'verified' ? verdict.user : verdict?.why
}

describe('an issuer by flags', () => {
  test('names its users, and is asked for its keys once', async () => {
    const authentication = await authenticationWith(...oidcFlags(), 'oidc-groups-claim=roles', 'oidc-groups-prefix=oidc:')
    const token = await tokenWith({ sub: 'anna', roles: ['dev', 'ops'] })
    const anna = { name: `${url}#anna`, groups: ['oidc:dev', 'oidc:ops', 'system:authenticated'] }
    expect(await whoBears(authentication, token)).toEqual(anna)
    expect(await whoBears(authentication, token)).toEqual(anna)
    expect(await whoBears(authentication, await tokenWith({ sub: 'bob' }))).toMatchObject({ name: `${url}#bob` })
    expect(asked).toEqual(['/.well-known/openid-configuration', '/keys'])
  })

  test('refuses what is not for this cluster, too old, or signed by others', async () => {
    const authentication = await authenticationWith(...oidcFlags())
    expect(await whoBears(authentication, await tokenWith({ sub: 'anna' }, { aud: 'other' }))).toContain('oidc: verify token')
    expect(await whoBears(authentication, await tokenWith({ sub: 'anna' }, { exp: 1 }))).toContain('oidc: verify token')
    expect(await whoBears(authentication, await tokenWith({ sub: 'anna' }, { iss: 'https://other' }))).toBeUndefined()
    keys.set('one', await generateKeyPair('RS256'))
    expect(await whoBears(authentication, await tokenWith({ sub: 'anna' }))).toContain('signature verification failed')
  })

  test('may want claims, and verified addresses', async () => {
    const authentication = await authenticationWith(...oidcFlags(), 'oidc-required-claim=tenant=a', 'oidc-username-claim=email')
    const who = async (claims: object) => whoBears(authentication, await tokenWith(claims))
    expect(await who({ email: 'a@b', tenant: 'a', email_verified: true })).toMatchObject({ name: 'a@b' })
    expect(await who({ email: 'a@b', tenant: 'a', email_verified: false })).toBe('oidc: email not verified')
    expect(await who({ email: 'a@b' })).toBe('oidc: required claim tenant not present in ID token')
    expect(await who({ email: 'a@b', tenant: 'b' })).toContain('value does not match. Got = b, want = a')
    expect(await who({ tenant: 'a' })).toBe('oidc: parse username claims "email": claim not present')
  })
})

describe('an issuer by configuration', () => {
  const configured = async (jwt: object, more: object = {}) => {
    const file = join(directory, 'config.yaml')
    const issuerPart = { url, certificateAuthority: authority.certificate, audiences: ['sampan'] }
    const configuration = { apiVersion: 'apiserver.config.k8s.io/v1', kind: 'AuthenticationConfiguration', ...more }
    await writeFile(file, stringify({ ...configuration, jwt: [{ issuer: issuerPart, ...jwt }] }))
    return authenticationWith(`authentication-config=${file}`)
  }

  test('maps claims by expressions', async () => {
    const authentication = await configured({
      claimMappings: {
        username: { expression: '"x:" + claims.sub' },
        groups: { expression: 'claims.?roles.orValue([])' },
        uid: { claim: 'uid' },
        extra: [{ key: 'acme.com/tenant', valueExpression: 'claims.tenant' }],
      },
      claimValidationRules: [{ expression: 'claims.exp - claims.iat <= 3600', message: 'too long' }],
      userValidationRules: [{ expression: '!user.username.startsWith("x:system:")', message: 'reserved' }],
    })
    const iat = Math.floor(Date.now() / 1000)
    const who = async (claims: object) => whoBears(authentication, await tokenWith({ iat, uid: '7', tenant: 'a', ...claims }))
    expect(await who({ sub: 'anna', roles: ['dev'], jti: 'id' })).toEqual({
      name: 'x:anna',
      uid: '7',
      groups: ['dev', 'system:authenticated'],
      extra: { 'acme.com/tenant': ['a'], 'authentication.kubernetes.io/credential-id': ['JTI=id'] },
    })
    expect(await who({ sub: 'anna', iat: iat - 7200 })).toContain('failed: too long')
    expect(await who({ sub: 'system:admin' })).toContain('failed: reserved')
    expect(await who({})).toContain('error evaluating username expression: no such key: sub')
  })

  test('says who may be nobody, and where', async () => {
    const { authenticate } = await configured(
      { claimMappings: { username: { claim: 'sub', prefix: '' } } },
      { anonymous: { enabled: true, conditions: [{ path: '/livez' }] } },
    )
    const { signal } = new AbortController()
    const request = { method: 'GET', query: '', headers: {}, caller: { type: 'socket', address: '' } as const, signal }
    expect(await authenticate({ ...request, path: '/livez' })).toMatchObject({ name: 'system:anonymous' })
    expect(() => authenticate({ ...request, path: '/api' })).toThrow('Unauthorized')
  })

  test('is refused when it is wrong, with all that is', async () => {
    await expect(
      configured({
        issuer: { url: 'http://x', audiences: [] },
        claimMappings: { username: { claim: 'sub' }, groups: { expression: 'claims.' } },
        userValidationRules: [{ expression: 'user.username' }],
      }),
    ).rejects.toThrow(
      /URL scheme must be https, jwt\[0\].issuer.audiences: Required value.*prefix is required when claim is set.*groups.expression: Invalid value: "claims\.": compilation failed.*must evaluate to bool/s,
    )
    await expect(configured({ claimMappings: { username: { expression: 'claims.email' } } })).rejects.toThrow(
      'claims.email_verified must be used',
    )
  })
})

test('a webhook that a kubeconfig names knows whose tokens are', async () => {
  const serving = await issueCertificate(authority, { commonName: 'webhook', addresses: ['127.0.0.1'], nowMs: Date.now() })
  const webhook = createHttpsServer({ cert: serving.certificate, key: serving.key }, (request, response) => {
    let text = ''
    request.on('data', (chunk: Buffer) => (text += chunk.toString()))
    request.once('end', () => {
      const { spec } = JSON.parse(text)
      const status = spec.token === 'secret' ? { authenticated: true, user: { username: 'anna' } } : { authenticated: false }
      response.end(JSON.stringify({ status }))
    })
  })
  await new Promise<void>((resolve) => webhook.listen(0, '127.0.0.1', resolve))
  try {
    const server = `https://127.0.0.1:${(webhook.address() as AddressInfo).port}/review`
    const file = join(directory, 'webhook.yaml')
    const kubeconfig = {
      clusters: [{ name: 'a', cluster: { server, 'certificate-authority': 'ca.crt' } }],
      contexts: [{ name: 'a', context: { cluster: 'a', user: 'a' } }],
      'current-context': 'a',
    }
    await writeFile(file, stringify(kubeconfig))
    const authentication = await authenticationWith(
      `authentication-token-webhook-config-file=${file}`,
      'authentication-token-webhook-version=v1',
    )
    expect(await whoBears(authentication, 'secret')).toEqual({ name: 'anna', groups: ['system:authenticated'] })
    expect(await whoBears(authentication, 'other')).toBeUndefined()
  } finally {
    webhook.closeAllConnections()
    webhook.close()
  }
})

test('flags that contradict each other are refused', async () => {
  await expect(authenticationWith('oidc-issuer-url=https://x')).rejects.toThrow('must be specified together')
  await expect(authenticationWith(`oidc-issuer-url=http://x`, 'oidc-client-id=a')).rejects.toThrow('URL scheme must be https')
})
