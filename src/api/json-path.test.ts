import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseJsonPath } from './json-path.ts'

const value = {
  spec: {
    colour: 'red',
    'a.b': 1,
    list: [1, 2, 3],
    nested: [
      { name: 'x', n: 1 },
      { name: 'y', n: 2 },
    ],
  },
  status: {
    conditions: [
      { type: 'Ready', status: 'True' },
      { type: 'Other', status: 'False' },
    ],
  },
}

test.each<[string, unknown[]]>([
  ['.spec.colour', ['red']],
  ['.spec.none', []],
  ['.spec.colour.x', []],
  ['.spec.a\\.b', [1]],
  [".spec['a.b']", [1]],
  ['.spec["a.b"]', [1]],
  ['.spec.list[0]', [1]],
  ['.spec.list[-1]', [3]],
  ['.spec.list[7]', []],
  ['.spec.list[0:2]', [1, 2]],
  ['.spec.list[::2]', [1, 3]],
  ['.spec.list[0,2]', [1, 3]],
  ['.spec.list[*]', [1, 2, 3]],
  ['.spec.nested[*].name', ['x', 'y']],
  ['.status.conditions[?(@.type=="Ready")].status', ['True']],
  [".status.conditions[?(@.type=='Ready')].status", ['True']],
  ['.status.conditions[?(@.type != "Ready")].type', ['Other']],
  ['.spec.nested[?(@.n>1)].name', ['y']],
  ['.spec.nested[?(@.none)].name', []],
  ['..name', ['x', 'y']],
  ['.', [value]],
])('%s', (path, expected) => {
  expect(parseJsonPath(path)?.(value)).toEqual(expected)
})

test.each(['spec', '.spec[', '.a[x]', '.a[?(x)]', '.a[?(@.b == )]', '.a b', '.[', '.a[0:1:-1]'])('%s is no path', (path) => {
  expect(parseJsonPath(path)).toBeUndefined()
})

test('any text is read without fail', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(...'.a[]()?@*"\'\\,:=0 '), maxLength: 40 }), (path) => {
      const found = parseJsonPath(path)?.(value)
      expect(found === undefined || Array.isArray(found)).toBe(true)
    }),
    { numRuns: 1000 },
  )
})
