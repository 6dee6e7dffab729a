import { createHmac } from 'node:crypto'
import { expect, test } from 'vitest'
import type { Secret } from '../api/types/core-v1.ts'
import { signedInfo } from './bootstrap-signer.ts'

const nowMs = Date.parse('2026-01-01T00:00:00Z')
const token = (id: string, more: Record<string, string> = {}): Secret => ({
  apiVersion: 'v1',
  kind: 'Secret',
  type: 'bootstrap.kubernetes.io/token',
  metadata: { name: `bootstrap-token-${id}`, namespace: 'kube-system' },
  data: Object.fromEntries(
    Object.entries({ 'token-id': id, 'token-secret': 'sesame', 'usage-bootstrap-signing': 'true', ...more }).map(([key, value]) => [
      key,
      Buffer.from(value).toString('base64'),
    ]),
  ),
})

test('what is told to who joins is signed by each token that is for it', () => {
  const secrets = [
    token('aaaaaa'),
    token('bbbbbb', { 'usage-bootstrap-signing': 'false' }),
    token('cccccc', { expiration: '2025-12-31T23:59:59Z' }),
  ]
  const signed = signedInfo({ kubeconfig: 'the config', other: 'x', 'jws-kubeconfig-gone00': 'old' }, secrets, nowMs)
  expect(Object.keys(signed)).toEqual(['kubeconfig', 'other', 'jws-kubeconfig-aaaaaa'])
  const [header = '', body, signature] = signed['jws-kubeconfig-aaaaaa']?.split('.') ?? []
  expect(JSON.parse(Buffer.from(header, 'base64url').toString())).toEqual({ alg: 'HS256', kid: 'aaaaaa' })
  expect(body).toBe('')
  const whole = `${header}.${Buffer.from('the config').toString('base64url')}`
  expect(signature).toBe(createHmac('sha256', 'sesame').update(whole).digest('base64url'))
})

test('nothing is signed where there is nothing to sign', () => {
  expect(signedInfo({ other: 'x' }, [token('aaaaaa')], nowMs)).toEqual({ other: 'x' })
})
