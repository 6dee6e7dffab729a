import { expect, test } from 'vitest'
import { patchFor } from './patch-for.ts'

const map = 'into Go value of type map[string]interface {}'

test.each([
  ['merge-patch', [], `error decoding patch: json: cannot unmarshal array ${map}`],
  ['merge-patch', 'x', `error decoding patch: json: cannot unmarshal string ${map}`],
  ['strategic-merge-patch', true, `json: cannot unmarshal bool ${map}`],
])('a %s of %j is refused', (type, patch, message) => {
  const apply = patchFor({ type: 'any' }, `application/${type}+json; charset=utf-8`)
  expect(() => apply({}, patch)).toThrow(message)
})

test('a body that is no patch is refused by its type', () => {
  expect(() => patchFor({ type: 'any' }, 'application/json')).toThrow('415: Unsupported Media Type')
})
