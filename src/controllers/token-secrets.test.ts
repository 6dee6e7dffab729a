import { expect, test } from 'vitest'
import type { Secret, ServiceAccount } from '../api/types/core-v1.ts'
import { planTokenSecret } from './token-secrets.ts'

const base64 = (text: string) => Buffer.from(text).toString('base64')
const account: ServiceAccount = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'web', uid: '7' } }
const full = { 'ca.crt': base64('PEM'), namespace: base64('default'), token: base64('jwt') }

function planFor(data: Record<string, string>, uid?: string) {
  const annotations = { own: 'x', ...(uid !== undefined && { 'kubernetes.io/service-account.uid': uid }) }
  const secret: Secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 's', namespace: 'default', annotations }, data }
  return planTokenSecret(secret, account, 'PEM')
}

const annotations = { own: 'x', 'kubernetes.io/service-account.uid': '7' }

test.each([
  ['that is new', {}, undefined, true],
  ['whose token was taken away', { ...full, token: '' }, '7', true],
  ['with another authority', { ...full, 'ca.crt': base64('old') }, '7', false],
  ['without the account’s uid', full, undefined, false],
])('a token Secret %s is filled', (_, data, uid, needsToken) => {
  const plan = planFor({ extra: 'eA==', ...data }, uid)
  expect(plan).toMatchObject({ needsToken, annotations, data: { extra: 'eA==', 'ca.crt': full['ca.crt'], namespace: full.namespace } })
})

test('a token Secret that is whole stays as it is', () => {
  expect(planFor({ extra: 'eA==', ...full }, '7')).toBeUndefined()
})
