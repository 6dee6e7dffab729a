import type { JsonObject } from '../object.ts'
import type { Schema } from '../schema.ts'
import { type Granular, granular, isEmpty, itemsOf } from './elements.ts'
import { type FieldSet, leafSet, nodeOf } from './field-set.ts'

export interface Comparison {
  /** Added or with another value. */
  readonly changed: FieldSet | undefined
  readonly removed: FieldSet | undefined
}

const nothing: Comparison = { changed: undefined, removed: undefined }
const added: Comparison = { changed: leafSet, removed: undefined }
const gone: Comparison = { changed: undefined, removed: leafSet }

/**
 * What differs between two values of a schema. A struct that Go always writes is there, empty, also where JSON lacks it:
 * only what is new in it was added, not the struct itself.
 */
export function compare(schema: Schema, before: unknown, after: unknown): Comparison {
  if (before === after) return nothing
  const view = granular(schema, before, after)
  if (!view || ((before === undefined || isEmpty(before)) && (after === undefined || isEmpty(after)))) return compareWhole(before, after)
  return view.type === 'fields'
    ? compareFields(view, before as JsonObject | undefined, after as JsonObject | undefined)
    : compareItems(view, before, after)
}

function compareWhole(before: unknown, after: unknown): Comparison {
  if (before === undefined) return added
  if (after === undefined) return gone
  return sameValue(before, after) ? nothing : added
}

type Fields = Extract<Granular, { type: 'fields' }>
type Items = Extract<Granular, { type: 'items' }>

/** `without` names fields that are nobody's. */
export function compareFields(
  view: Fields,
  before: JsonObject | undefined,
  after: JsonObject | undefined,
  without?: ReadonlySet<string>,
): Comparison {
  const changed: Record<string, FieldSet> = {}
  const removed: Record<string, FieldSet> = {}
  const look = (field: string) => {
    const schema = without?.has(field) ? undefined : view.schemaOf(field)
    if (schema)
      note(changed, removed, `f:${field}`, compare(schema, fieldIn(view, schema, before, field), fieldIn(view, schema, after, field)))
  }
  for (const field in after) look(field)
  for (const field in before) if (after === undefined || !Object.hasOwn(after, field)) look(field)
  return { changed: nodeOf(before === undefined, changed), removed: nodeOf(after === undefined, removed) }
}

function fieldIn(view: Fields, schema: Schema, object: JsonObject | undefined, field: string): unknown {
  if (object === undefined) return undefined
  if (Object.hasOwn(object, field)) return object[field]
  return view.alwaysHas(field) ? (schema.type === 'list' ? noItems : noFields) : undefined
}

const noItems: readonly unknown[] = Object.freeze([])
const noFields = Object.freeze({})

function compareItems({ item, list }: Items, before: unknown, after: unknown): Comparison {
  const changed: Record<string, FieldSet> = {}
  const removed: Record<string, FieldSet> = {}
  const [old, now] = [itemsOf(list, before), itemsOf(list, after)]
  for (const [element, value] of now) note(changed, removed, element, compare(item, old.get(element), value))
  for (const [element, value] of old) if (!now.has(element)) note(changed, removed, element, compare(item, value, undefined))
  return { changed: nodeOf(before === undefined, changed), removed: nodeOf(after === undefined, removed) }
}

function note(changed: Record<string, FieldSet>, removed: Record<string, FieldSet>, element: string, found: Comparison): void {
  if (found.changed !== undefined) changed[element] = found.changed
  if (found.removed !== undefined) removed[element] = found.removed
}

function sameValue(left: unknown, right: unknown): boolean {
  if (left === right) return true
  if (typeof left !== 'object' || typeof right !== 'object' || left === null || right === null) return false
  if (Array.isArray(left) !== Array.isArray(right)) return false
  const names = Object.keys(left)
  if (names.length !== Object.keys(right).length) return false
  return names.every((name) => Object.hasOwn(right, name) && sameValue((left as JsonObject)[name], (right as JsonObject)[name]))
}
