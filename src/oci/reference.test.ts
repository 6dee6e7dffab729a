import { expect, test } from 'vitest'
import { familiarName, formatReference, indexName, parseReference } from './reference.ts'

const digest = `sha256:${'a'.repeat(64)}`

test.each([
  ['nginx', 'docker.io/library/nginx:latest'],
  ['nginx:1.27', 'docker.io/library/nginx:1.27'],
  ['index.docker.io/nginx', 'docker.io/library/nginx:latest'],
  ['someone/tool', 'docker.io/someone/tool:latest'],
  ['localhost/tool', 'localhost/tool:latest'],
  ['localhost:5000/tool', 'localhost:5000/tool:latest'],
  ['[::1]:5000/a/b:t', '[::1]:5000/a/b:t'],
  [`quay.io/a/b@${digest}`, `quay.io/a/b@${digest}`],
  [`quay.io/a/b:t@${digest}`, `quay.io/a/b:t@${digest}`],
])('%s is %s', (text, whole) => {
  expect(formatReference(parseReference(text))).toBe(whole)
  expect(parseReference(whole)).toEqual(parseReference(text))
})

test.each(['', 'a b', 'docker.io/Nginx', 'a/../b', 'a:', 'a@sha256:12', '/a', 'a//b', `a:${'t'.repeat(129)}`, 'x'.repeat(2000)])(
  '%j is refused',
  (text) => {
    expect(() => parseReference(text)).toThrow('failed to parse reference')
  },
)

test('the index keeps an image under its digest where it has one', () => {
  expect(indexName(parseReference(`quay.io/a/b:t@${digest}`))).toBe(`quay.io/a/b@${digest}`)
  expect(indexName(parseReference('a'))).toBe('docker.io/library/a:latest')
})

test.each([
  ['docker.io/library/nginx:1.27', 'nginx:1.27'],
  ['docker.io/someone/tool:latest', 'someone/tool:latest'],
  // `a/b` alone would be docker.io/a/b.
  ['docker.io/library/a/b:1', 'library/a/b:1'],
  ['quay.io/library/a:1', 'quay.io/library/a:1'],
  ['docker.io.example.com/library/a:1', 'docker.io.example.com/library/a:1'],
])('%s is shown as %s', (name, shown) => {
  expect(familiarName(name)).toBe(shown)
  expect(indexName(parseReference(shown))).toBe(name)
})
