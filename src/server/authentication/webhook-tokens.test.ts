import { expect, test } from 'vitest'
import { VirtualClock } from '../../base/clock.ts'
import { silentLog } from '../../base/log.ts'
import { verdictOf, webhookTokenVerifier } from './webhook-tokens.ts'

const own = ['api']
const user = { username: 'anna', uid: '7', groups: ['dev'], extra: { scopes: ['a'] } }
const anna = { name: 'anna', uid: '7', groups: ['dev', 'system:authenticated'], extra: { scopes: ['a'] } }

test.each([
  ['knows it', { authenticated: true, user, audiences: ['vault', 'api'] }, ['api'], { type: 'verified', user: anna, audiences: ['api'] }],
  ['says nothing of audiences', { authenticated: true, user }, ['api'], { type: 'verified', user: anna, audiences: ['api'] }],
  ['says nothing of another audience', { authenticated: true, user }, ['vault'], undefined],
  ['does not know it', { authenticated: false }, ['api'], undefined],
  ['says why not', { error: 'too old' }, ['api'], { type: 'refused', why: 'too old' }],
  ['names nobody', { authenticated: true, user: {} }, ['api'], { type: 'refused', why: 'the webhook names no user' }],
])('whose a token is when the webhook %s', (_, status, asked, verdict) => {
  expect(verdictOf(status, asked, own)).toEqual(verdict)
})

test('the webhook is asked once in a while', async () => {
  const clock = new VirtualClock()
  const asked: object[] = []
  let isThere = true
  const verify = webhookTokenVerifier({
    ask: async (review) => {
      asked.push(review)
      if (!isThere) throw new Error('it is not there')
      return { status: { authenticated: true, user } }
    },
    version: 'v1',
    cacheMs: 1000,
    own,
    clock,
    log: silentLog,
  })
  expect(await verify('secret', own)).toMatchObject({ type: 'verified' })
  expect(asked).toEqual([
    { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', metadata: {}, spec: { token: 'secret', audiences: ['api'] } },
  ])
  expect(verify('secret', own)).toMatchObject({ type: 'verified' })
  await clock.advance(1001)
  isThere = false
  expect(await verify('secret', own)).toEqual({ type: 'refused', why: 'it is not there' })
  // What nobody answered is asked again.
  isThere = true
  expect(await verify('secret', own)).toMatchObject({ type: 'verified' })
  expect(asked).toHaveLength(3)
})
