import { expect, test } from 'vitest'
import { builtinCatalog } from '../catalog.ts'
import type { JsonObject } from '../object.ts'
import { merged, pruned, statedFields } from './applied.ts'
import type { FieldSet } from './field-set.ts'
import { compareObjects } from './managed-fields.ts'

const { schema } = builtinCatalog().byResource('', 'v1', 'pods') ?? { schema: { type: 'any' } as const }
const pod = (names: string, value?: string): JsonObject => ({
  spec: { containers: [{ name: 'c', env: names.split('').map((name) => ({ name, ...(value !== undefined && { value }) })) }] },
})
const namesIn = (object: unknown) =>
  (object as ReturnType<typeof pod> & { spec: { containers: [{ env: { name: string }[] }] } }).spec.containers[0].env
    .map(({ name }) => name)
    .join('')

// Variables refer to those before them: their order has a meaning.
test.each([
  ['abc', 'abc', 'abc'],
  ['abc', 'cab', 'cab'],
  ['', 'ab', 'ab'],
  ['ab', '', 'ab'],
  ['ax', 'na', 'nax'],
  ['abc', 'ca', 'bca'],
  ['xay', 'an', 'xayn'],
  ['axb', 'ba', 'xba'],
  ['abcd', 'xdb', 'acxdb'],
])('a list of %s under a configuration of %s becomes %s', (live, config, expected) => {
  expect(namesIn(merged(schema, pod(live), pod(config)))).toBe(expected)
})

test('items of one name stay as they are, unless the configuration states that name', () => {
  expect(namesIn(merged(schema, pod('aabb'), pod('c')))).toBe('aabbc')
  expect(merged(schema, pod('axaa', 'live'), pod('a', 'mine'))).toEqual({
    spec: {
      containers: [
        {
          name: 'c',
          env: [
            { name: 'a', value: 'mine' },
            { name: 'x', value: 'live' },
          ],
        },
      ],
    },
  })
  const last = statedFields(schema, pod('bz')) as FieldSet
  expect(namesIn(pruned(schema, pod('aabz'), last, statedFields(schema, pod('b'))))).toBe('aab')
})

// Custom resources may hold null where their schema has a struct or a list.
test.each([null, { containers: null }, { containers: [null] }])('a null is one value: %j', (spec) => {
  const object = { spec } as JsonObject
  expect(merged(schema, pod('a'), object)).toBeDefined()
  expect(namesIn(merged(schema, { spec: spec && { ...spec, containers: null } } as JsonObject, pod('a')))).toBe('a')
  const stated = statedFields(schema, object)
  expect(pruned(schema, object, stated as FieldSet, stated)).toEqual(object)
  const empty = new Set<string>()
  for (const [before, after] of [
    [undefined, object],
    [object, pod('a')],
    [pod('a'), object],
  ] as const)
    expect(compareObjects(schema, before, after, empty).changed).toBeDefined()
})

test('a null is stated where there was nothing, and can be taken back', () => {
  const object = merged(schema, { metadata: {} }, { spec: null })
  expect(object).toEqual({ metadata: {}, spec: null })
  expect(pruned(schema, object, { 'f:spec': { 'f:hostname': {} } }, { 'f:spec': {} })).toEqual(object)
})
