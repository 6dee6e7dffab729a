import { expect, test } from 'vitest'
import { parseApiServerFlags } from './api-server-flags.ts'

test('flags are read, in several parts or one', () => {
  const read = parseApiServerFlags(['runtime-config=a/v1alpha1=true,b/v1beta1=false', '--runtime-config=c/v1=true'])
  expect(read['runtime-config']).toEqual(
    new Map([
      ['a/v1alpha1', true],
      ['b/v1beta1', false],
      ['c/v1', true],
    ]),
  )
  expect(parseApiServerFlags([])).toEqual({})
})

test.each([
  ['nonsense=1', 'Unknown flag'],
  ['constructor=1', 'Unknown flag'],
  ['runtime-config', 'Unknown flag'],
  ['runtime-config=a=maybe', 'is not KEY=true or KEY=false'],
])('%s is refused', (text, words) => {
  expect(() => parseApiServerFlags([text])).toThrow(words)
})
