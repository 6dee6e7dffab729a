import { expect, test } from 'vitest'
import { parseManifestOrIndex } from './manifest.ts'

const descriptor = { mediaType: 'x', digest: `sha256:${'0'.repeat(64)}`, size: 1 }
const parse = (document: object) => parseManifestOrIndex(Buffer.from(JSON.stringify({ schemaVersion: 2, ...document })))

test.each([
  ['both a manifest and an index', { manifests: [], config: descriptor }, 'an index at once'],
  ['an index with layers', { manifests: [], layers: [descriptor] }, 'an index at once'],
  ['the first schema', { schemaVersion: 1, manifests: [] }, 'schemaVersion 1'],
  ['a size below nothing', { config: { ...descriptor, size: -1 }, layers: [] }, 'size'],
  ['a size that no number holds', { config: { ...descriptor, size: 1e300 }, layers: [] }, 'size'],
  ['a digest that is a path', { config: { ...descriptor, digest: 'sha256:../../etc/passwd' }, layers: [] }, 'not a sha256 digest'],
  ['very many layers', { config: descriptor, layers: Array(600).fill(descriptor) }, '600 layers'],
])('%s is refused', (_, document, message) => {
  expect(() => parse(document)).toThrow(message)
})
