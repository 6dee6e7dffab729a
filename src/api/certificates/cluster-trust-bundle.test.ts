import { expect, test } from 'vitest'
import { kindUnderTest } from '../kind-under-test.ts'

const kind = kindUnderTest('certificates.k8s.io', 'v1beta1', 'ClusterTrustBundle')
const trustBundle = '-----BEGIN CERTIFICATE-----\nMAIFAA==\n-----END CERTIFICATE-----\n'
const named = (name: string, spec: object = {}) => ({ metadata: { name }, spec: { trustBundle, ...spec } })
const signerName = 'example.com/mine'

test.each([
  [named('a'), []],
  [named('example.com:mine:a', { signerName }), []],
  [named('a:b'), ['metadata.name: Invalid value: "a:b": ClusterTrustBundle without signer name must not have ":" in its name']],
  [
    named('a', { signerName }),
    ['metadata.name: Invalid value: "a": ClusterTrustBundle for signerName example.com/mine must be named with prefix example.com:mine:'],
  ],
  [named('a', { trustBundle: '' }), ['spec.trustBundle: Invalid value: "<value omitted>": at least one trust anchor must be provided']],
  [
    named('a', { trustBundle: 'x' }),
    ['spec.trustBundle: Invalid value: "<value omitted>": must contain at least one CERTIFICATE PEM block'],
  ],
])('%#: %j', (given, problems) => {
  expect(kind.problems(given)).toEqual(problems)
})

test('stays its signer’s', () => {
  expect(kind.updateProblems(named('a'), named('a', { signerName: 'x.y/z' })).at(-1)).toBe(
    'spec.signerName: Invalid value: "x.y/z": field is immutable',
  )
})
