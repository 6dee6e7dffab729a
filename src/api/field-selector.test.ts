import { expect, test } from 'vitest'
import { matchesFields, parseFieldSelector } from './field-selector.ts'

test.each([
  ['', {}, true],
  ['metadata.name=a', { 'metadata.name': 'a' }, true],
  ['metadata.name==a', { 'metadata.name': 'b' }, false],
  ['status.phase!=Running', { 'status.phase': 'Pending' }, true],
  ['spec.nodeName=', { 'spec.nodeName': '' }, true],
  ['spec.nodeName=', {}, true],
  ['a=x\\,y,b=z', { a: 'x,y', b: 'z' }, true],
  ['a=x=y', { a: 'x=y' }, true],
])('%s on %j: %s', (text, values, matches) => {
  expect(matchesFields(parseFieldSelector(text), values)).toBe(matches)
})

test('what cannot be read is refused', () => {
  expect(() => parseFieldSelector('metadata.name')).toThrow("can't understand 'metadata.name'")
})
