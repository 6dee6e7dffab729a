import type { JsonObject } from '../object.ts'
import type { Schema } from '../schema.ts'
import { StatusError } from '../status-error.ts'
import type { ManagedFieldsEntry } from '../types/meta-v1.ts'
import { merged, pruned, statedFields } from './applied.ts'
import { difference, type FieldSet, intersection, pathsOf, sameSet, union } from './field-set.ts'
import { lastAppliedFields, withLastApplied } from './last-applied.ts'
import { compareObjects, entryOf, type FieldWriter, fieldsOf, inOrder, isWriters, ownable, push, type Unowned } from './managed-fields.ts'

export interface Application {
  readonly schema: Schema
  /** Undefined where the object is to be created. */
  readonly live: JsonObject | undefined
  readonly config: JsonObject
  readonly managed: readonly ManagedFieldsEntry[]
  readonly writer: FieldWriter
  readonly unowned: Unowned
  /** Takes over what others own. */
  readonly force: boolean
  /** Leaves out what the configuration says that is nothing to Go (`paused: false`); left out where it says no such thing. */
  readonly withoutZeros?: (object: JsonObject) => JsonObject
}

export interface Applied {
  readonly object: JsonObject
  readonly managed: readonly ManagedFieldsEntry[]
}

/**
 * Server-side apply: lays a configuration over the live object, takes out what the manager's last configuration stated and
 * this one does not, and refuses where that changes what others own. Entries made under another version of the kind are
 * compared by the same paths.
 */
export function applyConfiguration({ schema, live, config, managed, writer, unowned, force, withoutZeros }: Application): Applied {
  const entries = managed.length === 0 && live !== undefined ? beforeFirstApply(schema, live, writer, unowned) : managed
  const stated = ownable(statedFields(schema, config), unowned)
  const mine = entries.find((entry) => isWriters(entry, writer))
  const last = mine && fieldsOf(mine)
  const others = entries.filter((entry) => entry !== mine)
  let object = merged(schema, live, config) as JsonObject
  if (last !== undefined) {
    const kept = others.reduce<FieldSet | undefined>((all, entry) => union(all, fieldsOf(entry)), union(stated, name))
    object = pruned(schema, object, last, kept) as JsonObject
  }
  let { changed, removed } = compareObjects(schema, live, object, unowned)
  if (withoutZeros) {
    object = withoutZeros(object)
    const kept = compareObjects(schema, live, object, unowned)
    // To say that a field is nothing changes it only where it was something.
    changed = intersection(changed, union(kept.changed, kept.removed))
    removed = kept.removed
  }
  // kubectl may take over what it set by client-side apply; under another name one stays out of that.
  const isKubectl = writer.manager === 'kubectl' && live !== undefined
  if (!force) refuseConflicts(others, isKubectl ? difference(changed, lastAppliedFields(schema, live)) : changed)
  const lost = union(changed, removed)
  const after: ManagedFieldsEntry[] = []
  for (const entry of others) push(after, entry, difference(fieldsOf(entry), lost))
  if (stated !== undefined) {
    const isSame = mine !== undefined && lost === undefined && sameSet(stated, last) && mine.apiVersion === writer.apiVersion
    after.push(isSame ? mine : entryOf(writer, stated))
  }
  return { object: isKubectl ? withLastApplied(object, live, config) : object, managed: inOrder(after) }
}

/** Stated by every configuration, and owned by nobody: with it what the server keeps in metadata stays. */
const name: FieldSet = { 'f:metadata': { 'f:name': {} } }

/** Of an object whose owners nobody tracked, all was set before the first apply. */
function beforeFirstApply(schema: Schema, live: JsonObject, writer: FieldWriter, unowned: Unowned): readonly ManagedFieldsEntry[] {
  const { changed } = compareObjects(schema, undefined, live, unowned)
  return changed === undefined ? [] : [entryOf({ ...writer, manager: 'before-first-apply', operation: 'Update', subresource: '' }, changed)]
}

function refuseConflicts(others: readonly ManagedFieldsEntry[], changed: FieldSet | undefined): void {
  const conflicts = others
    .map((entry) => ({ manager: described(entry), paths: pathsOf(intersection(fieldsOf(entry), changed)) }))
    .filter(({ paths }) => paths.length > 0)
    .sort((left, right) => (left.manager < right.manager ? -1 : 1))
  const [first] = conflicts
  if (!first) return
  const causes = conflicts.flatMap(({ manager, paths }) =>
    paths.map((field) => ({ reason: 'FieldManagerConflict', message: `conflict with ${manager}`, field })),
  )
  const list = conflicts.flatMap(({ manager, paths }) => [`conflicts with ${manager}:`, ...paths.map((path) => `- ${path}`)])
  const text =
    causes.length === 1 ? `1 conflict: conflict with ${first.manager}: ${first.paths[0]}` : `${causes.length} conflicts: ${list.join('\n')}`
  throw new StatusError('Conflict', `Apply failed with ${text}`, { causes })
}

function described({ manager = '', operation, apiVersion, subresource }: ManagedFieldsEntry): string {
  const through = subresource === undefined || subresource === '' ? '' : ` with subresource ${JSON.stringify(subresource)}`
  return `${JSON.stringify(manager)}${through}${operation === 'Update' ? ` using ${apiVersion}` : ''}`
}
