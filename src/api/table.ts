import type { Column, Kind } from './kind.ts'
import type { KubeObject } from './object.ts'
import type { ListMeta } from './types/meta-v1.ts'

/** How much of each object a row carries (`includeObject`). */
export type IncludeObject = 'None' | 'Metadata' | 'Object'

export interface TableInput {
  readonly kind: Pick<Kind, 'columns' | 'rowOrder'>
  readonly objects: readonly KubeObject[]
  /** The list's metadata, or for one object its resourceVersion. */
  readonly metadata: ListMeta
  readonly includeObject: IncludeObject
  /** A watch tells the columns in its first event only. */
  readonly withColumns: boolean
  /** Milliseconds since the epoch, for ages. */
  readonly nowMs: number
}

/** The objects as a `meta.k8s.io/v1` Table, as kubectl prints them. */
export function tableOf({ kind, objects, metadata, includeObject, withColumns, nowMs }: TableInput) {
  return {
    kind: 'Table',
    apiVersion: 'meta.k8s.io/v1',
    metadata,
    columnDefinitions: withColumns ? kind.columns.map(columnDefinition) : null,
    rows: (kind.rowOrder ? [...objects].sort(kind.rowOrder) : objects).map((object) => ({
      cells: kind.columns.map((column) => column.cell(object, nowMs)),
      ...(includeObject !== 'None' && { object: includeObject === 'Object' ? object : partialObjectMetadata(object) }),
    })),
  }
}

/** An object as its metadata only. */
export const partialObjectMetadata = ({ metadata }: KubeObject) => ({
  kind: 'PartialObjectMetadata',
  apiVersion: 'meta.k8s.io/v1',
  metadata,
})

export const partialObjectMetadataList = (objects: readonly KubeObject[], metadata: ListMeta) => ({
  kind: 'PartialObjectMetadataList',
  apiVersion: 'meta.k8s.io/v1',
  metadata,
  items: objects.map(partialObjectMetadata),
})

const columnDefinition = ({ name, type, format, description, priority }: Column) => ({
  name,
  type,
  format: format ?? '',
  description,
  priority,
})
