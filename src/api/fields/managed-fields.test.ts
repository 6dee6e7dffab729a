import { describe, expect, test } from 'vitest'
import { builtinCatalog } from '../catalog.ts'
import type { JsonObject } from '../object.ts'
import type { ManagedFieldsEntry } from '../types/meta-v1.ts'
import { compareObjects, entriesFrom, type FieldWriter, trackUpdate } from './managed-fields.ts'

const { schema } = builtinCatalog().byResource('', 'v1', 'configmaps') ?? { schema: { type: 'any' } as const }
const writer = (manager: string, time = '2026-01-01T00:00:00Z'): FieldWriter => ({
  manager,
  operation: 'Update',
  apiVersion: 'v1',
  subresource: '',
  time,
})
const none = new Set<string>()
const configMap = (data: JsonObject): JsonObject => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' }, data })
const changed = (before: JsonObject | undefined, after: JsonObject) =>
  compareObjects(schema, before && configMap(before), configMap(after), none)

describe('after an update', () => {
  const first = trackUpdate([], changed(undefined, { a: '1', b: '1' }), writer('one'))

  test('nothing changes where nothing changed', () => {
    expect(trackUpdate(first, changed({ a: '1' }, { a: '1' }), writer('two'))).toBe(first)
  })

  test('an entry without fields is gone', () => {
    const [entry, ...more] = trackUpdate(
      first,
      { changed: { 'f:data': { '.': {}, 'f:a': {}, 'f:b': {} } }, removed: undefined },
      writer('two'),
    )
    expect(more).toEqual([])
    expect(entry).toMatchObject({ manager: 'two' })
  })

  test('who only removes keeps the time of what is left', () => {
    const [entry] = trackUpdate(first, changed({ a: '1', b: '1' }, { a: '1' }), writer('one', '2027-01-01T00:00:00Z'))
    expect(entry).toMatchObject({ time: '2026-01-01T00:00:00Z', fieldsV1: { 'f:data': { '.': {}, 'f:a': {} } } })
  })

  test('of more than ten updaters the oldest are taken together', () => {
    let entries = first
    for (let index = 0; index < 15; index++) {
      const comparison = changed({}, { [`key${index}`]: '1' })
      entries = trackUpdate(entries, comparison, writer(`m${index}`, `2026-01-02T00:00:${String(index).padStart(2, '0')}Z`))
    }
    expect(entries).toHaveLength(10)
    expect(entries[0]).toMatchObject({ manager: 'ancient-changes', fieldsV1: { 'f:data': { 'f:a': {}, 'f:key0': {}, 'f:key5': {} } } })
  })
})

describe('entries that a client sends', () => {
  const live: ManagedFieldsEntry[] = [{ manager: 'one', operation: 'Update', fieldsV1: { 'f:data': {} } }]
  const entry = { operation: 'Apply', apiVersion: 'v1', fieldsType: 'FieldsV1' }
  const other: ManagedFieldsEntry[] = [{ manager: 'two', ...entry, fieldsV1: { 'f:data': { 'k:{"a":1}': {} } } }]

  test.each([
    ['none: the live ones stay', undefined, '', live],
    ['an empty list: the live ones stay', [], '', live],
    ['one empty entry: all is forgotten', [{}], '', []],
    ['readable ones are taken', other, '', other],
    ['through a subresource the live ones stay', other, 'status', live],
    ['an unknown operation: the live ones stay', [{ ...entry, operation: 'Steal', fieldsV1: {} }], '', live],
    ['fields that are none: the live ones stay', [{ ...entry, fieldsV1: { 'k:nope': {} } }], '', live],
    ['of no version: the live ones stay', [{ ...entry, apiVersion: undefined, fieldsV1: {} }], '', live],
    ['of another format: the live ones stay', [{ ...entry, fieldsType: 'FieldsV2', fieldsV1: {} }], '', live],
  ])('%s', (_, sent, subresource, expected) => {
    expect(entriesFrom(live, sent, subresource)).toEqual(expected)
  })
})
