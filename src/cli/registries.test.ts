import { expect, test } from 'vitest'
import { parseRegistries } from './registries.ts'

test('mirrors, plain HTTP and an authority are read; an empty file says nothing', () => {
  const pem = '-----BEGIN CERTIFICATE-----\nMII=\n-----END CERTIFICATE-----\n'
  const text = JSON.stringify({ mirrors: { 'docker.io': ['http://127.0.0.1:5000'] }, plainHttp: ['a:5000'], certificateAuthority: pem })
  expect(parseRegistries(text)).toEqual({
    mirrors: { 'docker.io': ['http://127.0.0.1:5000'] },
    plainHttp: ['a:5000'],
    certificateAuthority: pem,
  })
  expect(parseRegistries('')).toEqual({ mirrors: {}, plainHttp: [] })
})

test.each([
  ['mirrors: [', 'not YAML'],
  ['- a', 'not a map'],
  ['mirror: {}', 'unknown field: mirror'],
  ['mirrors: { docker.io: "http://x" }', 'mirrors.docker.io: a list of http or https URLs'],
  ['mirrors: { docker.io: [ftp://x] }', 'mirrors.docker.io: a list of http or https URLs'],
  ['plainHttp: 5000', 'plainHttp: a list'],
  ['certificateAuthority: /etc/ca.pem', 'certificateAuthority: certificates in PEM'],
])('%s is refused', (text, words) => {
  expect(() => parseRegistries(text)).toThrow(words)
})
