import { isJsonObject } from '../merge-patch.ts'
import type { JsonObject } from '../object.ts'
import type { Schema } from '../schema.ts'
import type { ManagedFieldsEntry } from '../types/meta-v1.ts'
import { type Comparison, compareFields } from './compare.ts'
import { granular } from './elements.ts'
import { difference, type FieldSet, nodeOf, sameSet, union } from './field-set.ts'

/** Who writes: what one entry of managedFields is about. */
export interface FieldWriter {
  readonly manager: string
  readonly operation: 'Apply' | 'Update'
  readonly apiVersion: string
  /** '' for the object itself. */
  readonly subresource: string
  /** When, in RFC 3339. */
  readonly time: string
}

/** Fields outside metadata that this write cannot set: those of the other half of an object with a status. */
export type Unowned = ReadonlySet<string>

/** The fields of metadata that are the server's or the object's name. */
const unownedMetadata = new Set([
  'name',
  'namespace',
  'uid',
  'creationTimestamp',
  'selfLink',
  'clusterName',
  'generation',
  'managedFields',
  'resourceVersion',
])
const typeFields = ['apiVersion', 'kind', 'metadata']

/** What differs between two states of an object, but for what nobody owns. `before` is undefined for a create. */
export function compareObjects(schema: Schema, before: JsonObject | undefined, after: JsonObject, unowned: Unowned): Comparison {
  const view = granular(schema, after)
  if (view?.type !== 'fields') return { changed: undefined, removed: undefined }
  // An object that is not there yet has what Go's zero value has.
  const old = before ?? {}
  const whole = compareFields(view, old, after, new Set([...typeFields, ...unowned]))
  const metadata = view.at('metadata')?.schema
  const metadataView = metadata && granular(metadata)
  if (metadataView?.type !== 'fields') return whole
  const inner = compareFields(metadataView, recordOf(old.metadata), recordOf(after.metadata), unownedMetadata)
  return { changed: withMetadata(whole.changed, inner.changed), removed: withMetadata(whole.removed, inner.removed) }
}

const recordOf = (value: unknown): JsonObject => (isJsonObject(value) ? value : {})

function withMetadata(set: FieldSet | undefined, metadata: FieldSet | undefined): FieldSet | undefined {
  return metadata === undefined ? set : nodeOf(false, { ...set, 'f:metadata': metadata })
}

/** What of a set of fields somebody may own. */
export function ownable(set: FieldSet | undefined, unowned: Unowned): FieldSet | undefined {
  const children: Record<string, FieldSet> = {}
  for (const [element, child] of Object.entries(set ?? {})) {
    const field = element.slice(2)
    if (field === 'apiVersion' || field === 'kind' || unowned.has(field)) continue
    const kept =
      field === 'metadata'
        ? nodeOf(false, Object.fromEntries(Object.entries(child).filter(([name]) => !unownedMetadata.has(name.slice(2)))))
        : child
    if (kept !== undefined) children[element] = kept
  }
  return nodeOf(false, children)
}

/** The entries after an update: the writer owns what it changed, and the others no longer do. */
export function trackUpdate(
  managed: readonly ManagedFieldsEntry[],
  { changed, removed }: Comparison,
  writer: FieldWriter,
): readonly ManagedFieldsEntry[] {
  if (changed === undefined && removed === undefined) return managed
  const lost = union(changed, removed)
  const others: ManagedFieldsEntry[] = []
  let owned = changed
  for (const entry of managed) {
    if (isWriters(entry, writer)) {
      const before = difference(fieldsOf(entry), removed)
      // Who only removes keeps the time of what is left.
      if (changed === undefined) push(others, entry, before)
      else owned = union(before, changed)
    } else push(others, entry, difference(fieldsOf(entry), lost))
  }
  if (changed !== undefined) others.push(entryOf(writer, owned))
  return capped(inOrder(others))
}

export function push(entries: ManagedFieldsEntry[], entry: ManagedFieldsEntry, fields: FieldSet | undefined): void {
  if (fields === undefined) return
  entries.push(sameSet(fields, fieldsOf(entry)) ? entry : { ...entry, fieldsV1: fields as unknown as JsonObject })
}

/** An entry belongs to one manager and operation; updates through different versions are kept apart. */
export function isWriters(entry: ManagedFieldsEntry, writer: FieldWriter): boolean {
  return (
    entry.manager === writer.manager &&
    entry.operation === writer.operation &&
    (entry.subresource ?? '') === writer.subresource &&
    (writer.operation === 'Apply' || entry.apiVersion === writer.apiVersion)
  )
}

export const fieldsOf = ({ fieldsV1 }: ManagedFieldsEntry): FieldSet | undefined =>
  fieldsV1 === undefined ? undefined : nodeOf(false, fieldsV1 as Record<string, FieldSet>)

export const entryOf = (
  { manager, operation, apiVersion, subresource, time }: FieldWriter,
  fields: FieldSet | undefined,
): ManagedFieldsEntry => ({
  manager,
  operation,
  apiVersion,
  time,
  fieldsType: 'FieldsV1',
  fieldsV1: (fields ?? {}) as unknown as JsonObject,
  ...(subresource !== '' && { subresource }),
})

/** Appliers first, then by time. */
export function inOrder(entries: readonly ManagedFieldsEntry[]): readonly ManagedFieldsEntry[] {
  if (entries.length < 2) return entries
  return [...entries].sort(
    (left, right) =>
      order(left.operation, right.operation) ||
      order(left.time, right.time) ||
      order(left.manager, right.manager) ||
      order(left.subresource, right.subresource),
  )
}

const order = (left = '', right = '') => (left < right ? -1 : left > right ? 1 : 0)

const maxUpdaters = 10
const ancient = 'ancient-changes'

/**
 * Beyond ten updaters, the oldest are taken together, each with those of its version: the first of a version stays as it is
 * until a second one comes. Entries are in order, so that the oldest updaters come first.
 */
function capped(entries: readonly ManagedFieldsEntry[]): readonly ManagedFieldsEntry[] {
  const updaters = entries.filter(({ operation }) => operation === 'Update')
  let count = updaters.length
  if (count <= maxUpdaters) return entries
  const left = new Set(entries)
  const firsts = new Map<string, ManagedFieldsEntry>()
  for (const entry of updaters) {
    if (count <= maxUpdaters) break
    const { apiVersion = '' } = entry
    const first = firsts.get(apiVersion)
    if (first) {
      const { subresource: _, ...rest } = entry
      const fieldsV1 = (union(fieldsOf(first), fieldsOf(entry)) ?? {}) as unknown as JsonObject
      const together: ManagedFieldsEntry = { ...rest, manager: ancient, fieldsV1 }
      left.delete(first)
      left.delete(entry)
      left.add(together)
      firsts.set(apiVersion, together)
      count--
    } else firsts.set(apiVersion, entry)
  }
  return inOrder([...left])
}

/**
 * The entries that a write starts from. A client that leaves them out, or sends what cannot be read, keeps the live ones;
 * a single empty entry asks to forget them; one that sends others (kubectl when it migrates from client-side apply) sets them.
 */
export function entriesFrom(live: readonly ManagedFieldsEntry[], sent: unknown, subresource: string): readonly ManagedFieldsEntry[] {
  if (subresource !== '' || !Array.isArray(sent) || sent.length === 0) return live
  if (sent.length === 1 && isJsonObject(sent[0]) && Object.keys(sent[0]).length === 0) return []
  return sent.every(isReadable) ? (sent as ManagedFieldsEntry[]) : live
}

function isReadable(entry: unknown): boolean {
  if (!isJsonObject(entry)) return false
  const { operation, apiVersion, fieldsType, fieldsV1 } = entry
  return (operation === 'Apply' || operation === 'Update') && Boolean(apiVersion) && fieldsType === 'FieldsV1' && isFieldSet(fieldsV1)
}

function isFieldSet(value: unknown): boolean {
  if (!isJsonObject(value)) return false
  return Object.entries(value).every(([element, below]) => (element === '.' || isElement(element)) && isFieldSet(below))
}

function isElement(element: string): boolean {
  if (element.startsWith('f:')) return true
  if (!/^[kvi]:/.test(element)) return false
  try {
    const parsed: unknown = JSON.parse(element.slice(2))
    return element[0] !== 'k' || isJsonObject(parsed)
  } catch (cause) {
    if (cause instanceof SyntaxError) return false
    throw cause
  }
}
