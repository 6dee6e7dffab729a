import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { beforeEach, expect, test } from 'vitest'
import { VirtualClock } from '../../base/clock.ts'
import { silentLog } from '../../base/log.ts'
import { type JwtIssuer, jwtVerifier } from './jwt-verifier.ts'

type Key = Awaited<ReturnType<typeof generateKeyPair>>

const url = 'https://issuer.example'
const issuer: JwtIssuer = {
  url,
  audiences: ['sampan'],
  algorithms: ['ES256'],
  rules: { username: { type: 'claim', claim: 'sub', prefix: '' }, extra: [], claims: [], user: [] },
}
let clock: VirtualClock
let keys: Map<string, Key>
let asked: string[]
let isThere: boolean
let verify: ReturnType<typeof jwtVerifier>

beforeEach(async () => {
  clock = new VirtualClock()
  keys = new Map([['one', await generateKeyPair('ES256')]])
  asked = []
  isThere = true
  verify = jwtVerifier({
    issuer,
    own: ['api'],
    clock,
    log: silentLog,
    async fetchJson(place) {
      asked.push(place)
      if (!isThere) throw new Error('nobody answers')
      if (place !== `${url}/keys`) return { issuer: url, jwks_uri: `${url}/keys` }
      return { keys: await Promise.all([...keys].map(async ([kid, { publicKey }]) => ({ ...(await exportJWK(publicKey)), kid }))) }
    },
  })
})

function tokenOf(kid: string, seconds = 600): Promise<string> {
  const key = keys.get(kid)
  if (!key) throw new Error(`There is no key ${kid}`)
  const exp = Math.floor(clock.now() / 1000) + seconds
  return new SignJWT({ iss: url, sub: 'anna', aud: 'sampan', exp }).setProtectedHeader({ alg: 'ES256', kid }).sign(key.privateKey)
}

const verified = { type: 'verified', user: { name: 'anna' } }

test('a new key is looked for, but not all the time', async () => {
  expect(await verify(await tokenOf('one'), ['api'])).toMatchObject(verified)
  keys.set('two', await generateKeyPair('ES256'))
  const token = await tokenOf('two')
  expect(await verify(token, ['api'])).toMatchObject({ type: 'refused' })
  expect(asked).toHaveLength(2)
  await clock.advance(10_001)
  expect(await verify(token, ['api'])).toMatchObject(verified)
  expect(asked).toHaveLength(4)
})

test('an issuer that is not there is asked again', async () => {
  isThere = false
  const token = await tokenOf('one')
  expect(await verify(token, ['api'])).toEqual({ type: 'refused', why: 'oidc: verify token: authenticator not initialized' })
  isThere = true
  expect(await verify(token, ['api'])).toMatchObject(verified)
})

test('a token that was good is so without waiting, though never beyond its time', async () => {
  const token = await tokenOf('one', 5)
  await verify(token, ['api'])
  expect(verify(token, ['api'])).toMatchObject(verified)
  await clock.advance(5001)
  expect(await verify(token, ['api'])).toMatchObject({ type: 'refused' })
})
