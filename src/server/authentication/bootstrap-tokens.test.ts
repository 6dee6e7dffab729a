import { expect, test } from 'vitest'
import type { Secret } from '../../api/types/core-v1.ts'
import { bootstrapGroups } from './bootstrap-tokens.ts'

const nowMs = Date.parse('2026-01-01T00:00:00Z')
const token = { id: 'abcdef', secret: '0123456789abcdef' }
const good = { 'token-id': token.id, 'token-secret': token.secret, 'usage-bootstrap-authentication': 'true' }

function groupsOf(data: Record<string, string>, more: Partial<Secret> = {}): readonly string[] | undefined {
  const encoded = Object.fromEntries(Object.entries(data).map(([key, value]) => [key, Buffer.from(value).toString('base64')]))
  const metadata = { name: 'bootstrap-token-abcdef', namespace: 'kube-system' }
  return bootstrapGroups(
    { apiVersion: 'v1', kind: 'Secret', type: 'bootstrap.kubernetes.io/token', metadata, data: encoded, ...more },
    token,
    nowMs,
  )
}

const usual = ['system:bootstrappers', 'system:authenticated']

test.each([
  ['that is whole', good, usual],
  ['with a time to come', { ...good, expiration: '2026-01-01T00:00:01Z' }, usual],
  [
    'with groups',
    { ...good, 'auth-extra-groups': 'system:bootstrappers:kubeadm:default-node-token' },
    ['system:bootstrappers', 'system:bootstrappers:kubeadm:default-node-token', 'system:authenticated'],
  ],
  ['whose time is over', { ...good, expiration: '2026-01-01T00:00:00Z' }, undefined],
  ['whose time is no time', { ...good, expiration: 'soon' }, undefined],
  ['of another secret', { ...good, 'token-secret': '0123456789abcdee' }, undefined],
  ['of another id', { ...good, 'token-id': 'abcdeg' }, undefined],
  ['for signing alone', { ...good, 'usage-bootstrap-authentication': 'false' }, undefined],
  ['that reaches for more', { ...good, 'auth-extra-groups': 'system:bootstrappers:a,system:masters' }, undefined],
])('a Secret %s', (_, data, groups) => {
  expect(groupsOf(data)).toEqual(groups)
})

test('a Secret of another type, or that is being deleted, is none', () => {
  expect(groupsOf(good, { type: 'Opaque' })).toBeUndefined()
  expect(groupsOf(good, { metadata: { name: 'a', deletionTimestamp: '2026-01-01T00:00:00Z' } })).toBeUndefined()
})
