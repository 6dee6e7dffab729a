import { expect, test } from 'vitest'
import type { Field, Schema } from './schema.ts'
import { strategicPatch } from './strategic-patch.ts'

const text: Schema = { type: 'string' }
const object = (fields: Record<string, Field>): Schema => ({
  type: 'object',
  name: undefined,
  fields: new Map(Object.entries(fields)),
  required: new Set(),
  atomic: false,
  open: false,
})
const plain: Field = { schema: () => text, patchStrategy: [], patchMergeKey: undefined }
const list = (item: Schema, key?: string): Field => ({
  schema: () => ({ type: 'list', item: () => item, list: 'map', keys: [] }),
  patchStrategy: ['merge'],
  patchMergeKey: key,
})
const schema = object({ containers: list(object({ name: plain, image: plain }), 'name'), finalizers: list(text) })
const two = { containers: [{ name: 'a', image: '1' }, { name: 'b' }] }

test.each([
  [two, { containers: [{ name: 'a', image: '2' }] }, { containers: [{ name: 'a', image: '2' }, { name: 'b' }] }],
  [two, { containers: [{ name: 'a', $patch: 'delete' }] }, { containers: [{ name: 'b' }] }],
  [two, { containers: [{ $patch: 'replace' }, { name: 'c' }] }, { containers: [{ name: 'c' }] }],
  [two, { '$setElementOrder/containers': [{ name: 'b' }, { name: 'a' }] }, { containers: [two.containers[1], two.containers[0]] }],
  [{ finalizers: ['x', 'y'] }, { '$deleteFromPrimitiveList/finalizers': ['x'], finalizers: ['z'] }, { finalizers: ['z', 'y'] }],
  [two, { containers: [{ name: 'c' }] }, { containers: [{ name: 'c' }, ...two.containers] }],
  [two, { containers: [{ name: 'b', image: '2' }] }, { containers: [two.containers[0], { name: 'b', image: '2' }] }],
  [
    { finalizers: ['x', 'y', 'z'] },
    { '$setElementOrder/finalizers': ['z', 'x'] },
    // What the server alone knows stays before what it stood before.
    { finalizers: ['y', 'z', 'x'] },
  ],
  [{ a: 1, b: 2 }, { $retainKeys: ['b'], b: 3 }, { b: 3 }],
  [{ a: 1 }, { a: null }, {}],
  // Two with one key, such as a port for TCP and for UDP: only the first is meant.
  [
    { containers: [{ name: 'a', image: '1' }, { name: 'a', image: '2' }, { name: 'b' }] },
    { containers: [{ name: 'b', image: '3' }] },
    {
      containers: [
        { name: 'a', image: '1' },
        { name: 'a', image: '2' },
        { name: 'b', image: '3' },
      ],
    },
  ],
  [
    {
      containers: [
        { name: 'a', image: '1' },
        { name: 'a', image: '2' },
      ],
    },
    { containers: [{ name: 'a', image: '3' }] },
    {
      containers: [
        { name: 'a', image: '3' },
        { name: 'a', image: '2' },
      ],
    },
  ],
  [{ containers: [{ name: 'a', image: '1' }, { name: 'a' }] }, { containers: [{ name: 'a', $patch: 'delete' }] }, { containers: [] }],
  [two, { containers: [{ name: 'a', $patch: 'delete' }, { name: 'a' }] }, { containers: [{ name: 'a' }, { name: 'b' }] }],
])('patches %j with %j', (original, patch, expected) => {
  expect(strategicPatch(schema, original, patch)).toEqual(expected)
})

// Each was looked up in the whole list, which took minutes.
test('many of many primitives are taken out in one pass', () => {
  const finalizers = Array.from({ length: 200_000 }, (_, index) => `x${index}`)
  expect(strategicPatch(schema, { finalizers }, { '$deleteFromPrimitiveList/finalizers': finalizers.toReversed() })).toEqual({
    finalizers: [],
  })
})

test('a list item without its merge key is refused', () => {
  expect(() => strategicPatch(schema, two, { containers: [{ image: 'x' }] })).toThrow('does not contain declared merge key: name')
})
