import { compareObjects, entriesFrom, type FieldWriter, trackUpdate, type Unowned } from '../api/fields/managed-fields.ts'
import type { Kind } from '../api/kind.ts'
import type { JsonObject, KubeObject } from '../api/object.ts'
import { apiVersionOf } from '../api/resource-ref.ts'
import type { ManagedFieldsEntry } from '../api/types/meta-v1.ts'
import type { WriteOptions } from './registry.ts'

const nothing: Unowned = new Set()
const statusAlone: Unowned = new Set(['status'])

/** Fields that a write through this subresource leaves as they are, so that nobody comes to own them by it. */
export function unownedFields(kind: Kind, subresource: string): Unowned {
  if (!kind.subresources.has('status')) return nothing
  if (subresource === '') return statusAlone
  if (subresource !== 'status' || kind.schema.type !== 'object') return nothing
  return new Set([...kind.schema.fields.keys()].filter((field) => field !== 'status' && field !== 'metadata'))
}

export const fieldWriter = (
  kind: Kind,
  subresource: string,
  operation: FieldWriter['operation'],
  { fieldManager, user }: WriteOptions,
  time: string,
): FieldWriter => ({
  manager: fieldManager ?? componentOf(user.name),
  operation,
  apiVersion: apiVersionOf(kind),
  subresource,
  time,
})

/** Components that do not say who they are go by their user: `system:kube-scheduler`, `system:node:NAME`. */
const componentOf = (user: string) => (user.startsWith('system:node:') ? 'kubelet' : user.replace(/^system:/, ''))

/** metadata.managedFields of an object that is created. */
export function ownersOfNew(kind: Kind, draft: JsonObject, options: WriteOptions, time: string): readonly ManagedFieldsEntry[] {
  const writer = fieldWriter(kind, '', 'Update', options, time)
  return trackUpdate([], compareObjects(kind.schema, undefined, draft, unownedFields(kind, '')), writer)
}

/** metadata.managedFields after an update; an object whose owners nobody tracked (or whose client asked to forget them) stays so until an apply. */
export function ownersAfter(
  { kind, subresource, changed, old }: { kind: Kind; subresource: string; changed: JsonObject; old: KubeObject },
  options: WriteOptions,
  time: string,
): readonly ManagedFieldsEntry[] {
  const { managedFields: sent } = changed.metadata as JsonObject
  const entries = entriesFrom(old.metadata.managedFields ?? [], sent, subresource)
  if (entries.length === 0) return entries
  const found = compareObjects(kind.schema, old as unknown as JsonObject, changed, unownedFields(kind, subresource))
  return trackUpdate(entries, found, fieldWriter(kind, subresource, 'Update', options, time))
}
