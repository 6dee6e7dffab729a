import { expect, test } from 'vitest'
import { copy } from './decode.ts'
import { adoptStored, decodeStored, encodeStored, freezeStored, spliceRevision, withoutRevision } from './encode.ts'
import type { KubeObject } from './object.ts'

const managedFields = [
  { manager: 'a}],"b\\', operation: 'Update', fieldsV1: { 'f:data': { 'v:["x"]': {}, 'k:{"name":"]"}': { '.': {} } } } },
  { manager: 'é', operation: 'Apply', fieldsV1: {} },
]
const object = (metadata: object) =>
  ({ kind: 'ConfigMap', apiVersion: 'v1', metadata: { name: 'ä', uid: 'u', ...metadata }, data: { x: '"metadata":{' } }) as KubeObject
const stored = (metadata: object) => spliceRevision(encodeStored(object(metadata)), 7)

test.each([
  ['with owners', { managedFields }],
  ['without', {}],
  ['with no entries', { managedFields: [] }],
])('an object comes back from its bytes, %s', (_, metadata) => {
  const expected = object({ ...metadata, resourceVersion: '7' })
  const decoded = freezeStored(decodeStored(stored(metadata)))
  expect(JSON.parse(JSON.stringify(decoded))).toEqual(expected)
  expect(copy(decoded)).toEqual(expected)
  expect({ ...decoded.metadata }).toEqual(expected.metadata)
  expect(JSON.parse(stored(metadata).toString())).toEqual(expected)
})

test('what is decoded is frozen, metadata too', () => {
  const decoded = freezeStored(decodeStored(stored({ managedFields, labels: { a: 'b' } })))
  for (const part of [decoded, decoded.metadata, decoded.metadata.labels]) expect(Object.isFrozen(part)).toBe(true)
})

test('nobody can change what others read of owners', () => {
  const decoded = freezeStored(decodeStored(stored({ managedFields })))
  decoded.metadata.managedFields?.pop()
  expect(decoded.metadata.managedFields).toEqual(managedFields)
})

test.each([
  ['with owners', { managedFields }],
  ['without', { resourceVersion: '3' }],
])('an object that is adopted is as it would be decoded, %s', (_, metadata) => {
  const source = object(metadata)
  const bytes = spliceRevision(encodeStored(source), 7)
  const adopted = adoptStored(source, bytes, 7)
  expect(adopted).toEqual(freezeStored(decodeStored(bytes)))
  expect(JSON.parse(JSON.stringify(adopted))).toEqual(JSON.parse(bytes.toString()))
  expect(Object.isFrozen(adopted)).toBe(true)
  expect(Object.isFrozen((adopted as unknown as { data: object }).data)).toBe(true)
})

test('an object with what JSON leaves out is decoded instead', () => {
  const source = object({ labels: undefined })
  expect(adoptStored(source, spliceRevision(encodeStored(source), 7), 7)).toBeUndefined()
})

test.each([{ managedFields }, {}])('a revision is taken out as it was put in', (metadata) => {
  expect(withoutRevision(stored(metadata), 7)).toEqual(encodeStored(object(metadata)))
  const bare = Buffer.from('{"kind":"A","apiVersion":"v1","metadata":{}}')
  expect(withoutRevision(spliceRevision(bare, 12), 12)).toEqual(bare)
})
