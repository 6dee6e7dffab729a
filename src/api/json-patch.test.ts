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
  [{ a: [1, 2] }, [{ op: 'add', path: '/a/1', value: 3 }], { a: [1, 3, 2] }],
  [{ a: [1, 2] }, [{ op: 'remove', path: '/a/-1' }], { a: [1] }],
  [{ a: { b: 1 } }, [{ op: 'copy', from: '/a', path: '/c' }], { a: { b: 1 }, c: { b: 1 } }],
  [{ a: null }, [{ op: 'replace', path: '/a', value: 1 }], { a: 1 }],
  [{ a: 1 }, [{ op: 'test', path: '/none', value: null }], { a: 1 }],
  [{ a: 1 }, [{ op: 'replace', path: '', value: { b: 2 } }], { b: 2 }],
  [{ labels: {} }, [{ op: 'add', path: '/labels/constructor', value: 'x' }], { labels: JSON.parse('{"constructor":"x"}') }],
  [{ labels: {} }, [{ op: 'add', path: '/labels/__proto__', value: 'x' }], { labels: JSON.parse('{"__proto__":"x"}') }],
])('patches %j with %j', (original, patch, expected) => {
  expect(jsonPatch(original, patch)).toEqual(expected)
})

test.each([
  [[{ op: 'test', path: '/a', value: 2 }], 422],
  [[{ op: 'remove', path: '/missing' }], 422],
  [[{ op: 'replace', path: '/missing', value: 1 }], 422],
  [[{ op: 'add', path: '/missing/a', value: 1 }], 422],
  [[{ op: 'add', path: '/list/2', value: 1 }], 422],
  [[{ op: 'add', path: '/list/-3', value: 1 }], 422],
  [[{ op: 'remove', path: '/list/first' }], 422],
  [[{ op: 'remove', path: '' }], 422],
  [[{ op: 'copy', from: '/missing', path: '/b' }], 422],
  [[{ op: 'add', path: '/b' }], 422],
  [[{ op: 'move', path: '/b' }], 422],
  [[{ op: 'eat', path: '/a' }], 422],
  [[{ op: 'test', path: 'a', value: 1 }], 422],
  [[{ op: 'test' }], 400],
  [[{ op: 'add', path: '/b', value: JSON.parse('['.repeat(200) + ']'.repeat(200)) }], 400],
  [{}, 400],
  [Array(10_001).fill({ op: 'test', path: '/a', value: 1 }), 413],
])('refuses', (patch, code) => {
  expect(() => jsonPatch({ a: 1, list: [0] }, patch)).toThrow(expect.objectContaining({ code }))
})

test.each([
  { op: 'add', path: '/__proto__/polluted', value: 1 },
  { op: 'add', path: '/constructor/prototype/polluted', value: 1 },
  { op: 'add', path: '/toString/polluted', value: 1 },
  { op: 'copy', from: '/toString', path: '/a' },
  { op: 'move', from: '/__proto__/valueOf', path: '/a' },
  { op: 'remove', path: '/toString/call' },
])('nothing is found that the document does not hold: %j', (operation) => {
  expect(() => jsonPatch({}, [operation])).toThrow(expect.objectContaining({ code: 422 }))
})

test('copies do not grow without bound', () => {
  const doubling = Array.from({ length: 40 }, (_, index) => ({ op: 'copy', from: '/a', path: `/a/${index}` }))
  expect(() => jsonPatch({ a: { text: 'x'.repeat(100) } }, doubling)).toThrow(expect.objectContaining({ code: 422 }))
})

// A comparison that looks for the shortest way from one list to the other takes minutes here.
test('a long list is tested in one pass', () => {
  const list = Array.from({ length: 20_000 }, (_, index) => index)
  expect(() => jsonPatch({ list }, [{ op: 'test', path: '/list', value: list.toReversed() }])).toThrow()
})

test('many operations on a long list end before they take seconds', () => {
  const moves = Array.from({ length: 9_999 }, () => ({ op: 'move', from: '/list/0', path: '/list/500000' }))
  const patch = [{ op: 'add', path: '/list', value: Array(1_000_000).fill(0) }, ...moves]
  const before = performance.now()
  expect(() => jsonPatch({}, patch)).toThrow(expect.objectContaining({ code: 422 }))
  expect(performance.now() - before).toBeLessThan(1000)
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
