import { expect, test } from 'vitest'
import { globMatcher, parseIgnore } from './ignore.ts'

test.each([
  ['a', 'a', true],
  ['a', 'a/b/c', true],
  ['a', 'b/a', false],
  ['a/b', 'a/b/c', true],
  ['a/b', 'a', false],
  ['**/b', 'a/c/b/d', true],
  ['a/**', 'a/b', true],
  ['**', 'anything', true],
  ['*.md', 'README.md', true],
  ['*.md', 'docs/README.md', false],
  ['/a/../b/', 'b/c', true],
  ['*\n!kept', 'kept/file', false],
  ['*\n!kept\nkept/secret', 'kept/secret/key', true],
  ['# a\n\n', 'a', false],
])('of the pattern %j and the path %s: left out %s', (text, path, expected) => {
  expect(parseIgnore(text).excludes(path)).toBe(expected)
})

test('a pattern of COPY matches whole paths', () => {
  expect(['a', 'a/b', 'x'].map(globMatcher('[a-c]'))).toEqual([true, false, false])
})

test('many patterns and a deep path take no longer than both together', () => {
  const { excludes } = parseIgnore('**/a\n'.repeat(1000))
  const before = performance.now()
  expect(excludes(`${'b/'.repeat(500)}c`)).toBe(false)
  expect(performance.now() - before).toBeLessThan(5000)
})
