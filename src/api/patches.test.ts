import { describe, expect, test } from 'vitest'
import { jsonPatch } from './json-patch.ts'
import { mergePatch } from './merge-patch.ts'

describe('a merge patch (RFC 7386, appendix A)', () => {
  test.each([
    [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
    [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }],
    [{ a: 'b' }, { a: null }, {}],
    [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
    [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
    [['a', 'b'], ['c'], ['c']],
    [{ a: 'foo' }, null, null],
    [{ e: null }, { a: 1 }, { e: null, a: 1 }],
    [[1, 2], { a: 'b', c: null }, { a: 'b' }],
    [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
  ])('%j patched with %j is %j', (original, patch, result) => {
    expect(mergePatch(original, patch)).toEqual(result)
  })

  test('keys are plain data', () => {
    const result = mergePatch({}, JSON.parse('{"__proto__":{"polluted":1}}'))
    expect(JSON.stringify(result)).toBe('{"__proto__":{"polluted":1}}')
    expect(({} as Record<string, unknown>).polluted).toBeUndefined()
  })
})

describe('a JSON patch', () => {
  test('applies its operations in order and leaves the original', () => {
    const original = { list: [1, 2], object: { a: 1 } }
    const patch = [
      { op: 'test', path: '/object/a', value: 1 },
      { op: 'add', path: '/list/-', value: 3 },
      { op: 'remove', path: '/list/0' },
      { op: 'replace', path: '/object/a', value: 2 },
      { op: 'copy', from: '/list', path: '/object/b' },
    ]
    expect(jsonPatch(original, patch)).toEqual({ list: [2, 3], object: { a: 2, b: [2, 3] } })
    expect(original).toEqual({ list: [1, 2], object: { a: 1 } })
  })

  test.each([
    [{}, 'json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp'],
    [[{ op: 'add' }], 'needs a path'],
    [[{ op: 'test', path: '/a', value: 2 }], 'the server rejected our request'],
    [[{ op: 'remove', path: '/none' }], 'the server rejected our request'],
    [[{ op: 'add', path: '/__proto__/polluted', value: 1 }], 'the server rejected our request'],
    [Array.from({ length: 10_001 }, () => ({ op: 'test', path: '/a', value: 1 })), 'maximum operations'],
  ])('%# is refused', (patch, message) => {
    expect(() => jsonPatch({ a: 1 }, patch)).toThrow(message)
  })
})
