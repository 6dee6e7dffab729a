import { expect, test } from 'vitest'
import type { KubeObject } from './object.ts'
import { tableOf } from './table.ts'
import { ageColumn, nameColumn } from './table-columns.ts'

const object = {
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'a', namespace: 'n', creationTimestamp: '2026-01-01T00:00:00Z' },
  data: { k: 'v' },
}
const input = {
  kind: { columns: [nameColumn, ageColumn] },
  objects: [object],
  metadata: { resourceVersion: '7' },
  withColumns: true,
  nowMs: Date.parse('2026-01-01T00:03:20Z'),
}

test('a row has its cells and as much of the object as was asked for', () => {
  const [row] = tableOf({ ...input, includeObject: 'Metadata' }).rows
  expect(row).toEqual({
    cells: ['a', '3m20s'],
    object: { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: object.metadata },
  })
  expect(tableOf({ ...input, includeObject: 'Object' }).rows[0]?.object).toBe(object)
  expect(tableOf({ ...input, includeObject: 'None' }).rows[0]).toEqual({ cells: ['a', '3m20s'] })
})

test('later events of a watch leave the columns out', () => {
  expect(tableOf({ ...input, includeObject: 'None' }).columnDefinitions?.map(({ name }) => name)).toEqual(['Name', 'Age'])
  expect(tableOf({ ...input, includeObject: 'None', withColumns: false }).columnDefinitions).toBeNull()
})

test('rows may have an order of their own', () => {
  const objects = ['b', 'a'].map((name) => ({ ...object, metadata: { ...object.metadata, name } }))
  const names = (rowOrder?: (one: KubeObject, other: KubeObject) => number) =>
    tableOf({ ...input, kind: { ...input.kind, ...(rowOrder && { rowOrder }) }, objects, includeObject: 'None' }).rows.map(
      ({ cells }) => cells[0],
    )
  expect(names()).toEqual(['b', 'a'])
  expect(names((one, other) => (one.metadata.name < other.metadata.name ? -1 : 1))).toEqual(['a', 'b'])
  expect(objects.map(({ metadata }) => metadata.name)).toEqual(['b', 'a'])
})
