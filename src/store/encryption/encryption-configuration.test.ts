import { expect, test } from 'vitest'
import { parseEncryptionConfiguration } from './encryption-configuration.ts'

const head = 'apiVersion: apiserver.config.k8s.io/v1\nkind: EncryptionConfiguration\n'
const key = (bytes: number) => Buffer.alloc(bytes, 5).toString('base64')
const entry = (resources: string, providers: string) => `${head}resources:\n- {resources: [${resources}], providers: [${providers}]}`
const keyed = (type: string, bytes: number, name = 'k') => `{${type}: {keys: [{name: "${name}", secret: "${key(bytes)}"}]}}`

test('reads providers with their keys, in order', () => {
  expect(
    parseEncryptionConfiguration(entry('secrets, "*.apps"', `${keyed('aesgcm', 16)}, ${keyed('secretbox', 32)}, {identity: {}}`)),
  ).toEqual([
    {
      resources: ['secrets', '*.apps'],
      providers: [
        { type: 'aesgcm', keys: [{ name: 'k', secret: Buffer.alloc(16, 5) }] },
        { type: 'secretbox', keys: [{ name: 'k', secret: Buffer.alloc(32, 5) }] },
        { type: 'identity' },
      ],
    },
  ])
})

test.each([
  ['', 'is no mapping'],
  ['a: [', 'no YAML'],
  ['kind: Secret', 'no EncryptionConfiguration'],
  [head, 'resources: must be a list'],
  [entry('"*"', '{identity: {}}'), 'names no resource'],
  [entry('Secrets', '{identity: {}}'), 'names no resource'],
  [entry('secrets, secrets', '{identity: {}}'), 'stands twice'],
  [entry('secrets', ''), 'providers: must be a list'],
  [entry('secrets', '{kms: {}}'), 'the provider "kms" is not known'],
  [entry('secrets', '{identity: {}, aesgcm: {}}'), 'exactly one provider'],
  [entry('secrets', '{aesgcm: {}}'), 'aesgcm.keys: must be a list'],
  [entry('secrets', keyed('aesgcm', 17)), 'has 17 bytes; expected 16 or 24 or 32'],
  [entry('secrets', keyed('secretbox', 16)), 'has 16 bytes; expected 32'],
  [entry('secrets', keyed('aesgcm', 16, 'a:b')), 'without ":"'],
  [entry('secrets', '{aesgcm: {keys: [{name: a, secret: "?"}]}}'), 'must be base64'],
  [`${entry('"*.*"', '{identity: {}}')}\n- {resources: [secrets], providers: [{identity: {}}]}`, 'secrets is taken by *.*'],
  [`${entry('"*.apps"', '{identity: {}}')}\n- {resources: [deployments.apps], providers: [{identity: {}}]}`, 'taken by *.apps'],
])('what is wrong is refused: %#', (text, why) => {
  expect(() => parseEncryptionConfiguration(text)).toThrow(why)
})

test('no key is ever shown', () => {
  const secret = key(17)
  expect(() => parseEncryptionConfiguration(entry('secrets', keyed('aesgcm', 17)))).toThrow(expect.not.stringContaining(secret) as never)
  expect(() => parseEncryptionConfiguration(`secret: "${secret}\n  b: [`)).toThrow(/no YAML$/)
})
