import { generateKeyPairSync } from 'node:crypto'
import { createLocalJWKSet, jwtVerify } from 'jose'
import { expect, test } from 'vitest'
import { systemClock } from '../base/clock.ts'
import { systemRandom } from '../base/random.ts'
import { issuerHandler } from './service-account-issuer.ts'
import { serviceAccountTokens } from './service-account-tokens.ts'

test('others verify our tokens by the keys that discovery leads to', async () => {
  const key = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  const tokens = serviceAccountTokens({ key, issuer: 'https://issuer', clock: systemClock, random: systemRandom })
  const answer = issuerHandler({ tokens, server: '192.0.2.1:6443' })
  const read = async (path: string) => {
    const reply = await answer(path)
    // biome-ignore lint/suspicious/noExplicitAny: documents of several shapes
    return { headers: reply?.headers, object: reply?.body.type === 'object' ? (reply.body.object as any) : undefined }
  }
  const configuration = await read('/.well-known/openid-configuration')
  expect(configuration.object).toMatchObject({
    issuer: 'https://issuer',
    jwks_uri: 'https://192.0.2.1:6443/openid/v1/jwks',
    id_token_signing_alg_values_supported: ['ES256'],
  })
  const keys = await read(new URL(configuration.object.jwks_uri).pathname)
  expect(keys.headers).toMatchObject({ 'content-type': 'application/jwk-set+json', 'cache-control': 'public, max-age=3600' })
  const subject = { namespace: 'default', name: 'web', uid: '7' }
  const { token } = await tokens.issue(subject, { audiences: ['vault'], expirationSeconds: 600 })
  const { payload } = await jwtVerify(token, createLocalJWKSet(keys.object), { issuer: 'https://issuer', audience: 'vault' })
  expect(payload.sub).toBe('system:serviceaccount:default:web')
  expect(answer('/openid/v1/other')).toBeUndefined()
})
