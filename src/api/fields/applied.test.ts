import { expect, test } from 'vitest'
import { builtinCatalog } from '../catalog.ts'
import type { JsonObject } from '../object.ts'
import { merged, pruned, statedFields } from './applied.ts'
import type { FieldSet } from './field-set.ts'

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
