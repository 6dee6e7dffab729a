import fc from 'fast-check'
import { expect, test } from 'vitest'
import { jsonPatch } from './json-patch.ts'
import { mergePatch } from './merge-patch.ts'

test.each([
  [{ a: [1] }, [{ op: 'add', path: '/a/-', value: 2 }], { a: [1, 2] }],
  [{ a: [1, 2] }, [{ op: 'remove', path: '/a/0' }], { a: [2] }],
  [{ 'a/b': 1 }, [{ op: 'move', from: '/a~1b', path: '/c' }], { c: 1 }],
  [
    { a: 1 },
    [
      { op: 'test', path: '/a', value: 1 },
      { op: 'replace', path: '/a', value: 2 },
    ],
    { a: 2 },
  ],
])('patches %j with %j', (original, patch, expected) => {
  expect(jsonPatch(original, patch)).toEqual(expected)
})

test.each([
  [[{ op: 'test', path: '/a', value: 2 }], 422],
  [[{ op: 'remove', path: '/missing' }], 422],
  [{}, 400],
  [Array(10_001).fill({ op: 'test', path: '/a', value: 1 }), 413],
])('refuses', (patch, code) => {
  expect(() => jsonPatch({ a: 1 }, patch)).toThrow(expect.objectContaining({ code }))
})

test('a patch cannot reach a prototype', () => {
  expect(() => jsonPatch({}, [{ op: 'add', path: '/__proto__/polluted', value: 1 }])).toThrow()
  mergePatch({}, JSON.parse('{"__proto__":{"polluted":1}}'))
  expect(({} as Record<string, unknown>).polluted).toBeUndefined()
})

test('a merge patch is idempotent and leaves its arguments alone', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.dictionary(fc.string(), fc.jsonValue()), (original, patch) => {
      const before = JSON.stringify(original)
      const once = mergePatch(original, patch)
      expect(mergePatch(once, patch)).toEqual(once)
      expect(JSON.stringify(original)).toBe(before)
    }),
  )
})
