import type { JsonObject } from '../object.ts'
import type { Schema } from '../schema.ts'
import { type FieldView, type GranularFields, type GranularItems, granular, isEmpty, itemElement, itemsOf } from './elements.ts'
import { type FieldSet, leafSet, nodeOf } from './field-set.ts'

export interface Comparison {
  /** Added or with another value. */
  readonly changed: FieldSet | undefined
  readonly removed: FieldSet | undefined
}

const nothing: Comparison = { changed: undefined, removed: undefined }
const added: Comparison = { changed: leafSet, removed: undefined }

/**
 * What differs between two values of a schema. A struct that Go always writes is there, empty, also where JSON lacks it:
 * only what is new in it was added, not the struct itself.
 */
export function compare(schema: Schema, before: unknown, after: unknown): Comparison {
  if (before === after) return nothing
  if (before === undefined) return { changed: allFields(schema, after), removed: undefined }
  if (after === undefined) return { changed: undefined, removed: allFields(schema, before) }
  const view = granular(schema, before, after)
  if (!view || (isEmpty(before) && isEmpty(after))) return sameValue(before, after) ? nothing : added
  return view.type === 'fields' ? compareFields(view, before as JsonObject, after as JsonObject) : compareItems(view, before, after)
}

/** Everything in a value that is new or goes as a whole, the value itself included. */
function allFields(schema: Schema, value: unknown): FieldSet {
  const view = granular(schema, value)
  if (!view) return leafSet
  let set: Record<string, FieldSet> | undefined
  if (view.type === 'items') {
    const { item, list } = view
    for (const element of value as readonly unknown[]) {
      set ??= { '.': leafSet }
      set[itemElement(list.list, list.keys, element)] = allFields(item, element)
    }
  } else {
    for (const field in value as JsonObject) {
      const at = view.at(field)
      if (!at) continue
      set ??= { '.': leafSet }
      set[at.element] = allFields(at.schema, (value as JsonObject)[field])
    }
  }
  return set ?? leafSet
}

/** `without` names fields that are nobody's. */
export function compareFields(view: GranularFields, before: JsonObject, after: JsonObject, without?: ReadonlySet<string>): Comparison {
  const changed: Record<string, FieldSet> = {}
  const removed: Record<string, FieldSet> = {}
  const look = (field: string) => {
    const at = without?.has(field) ? undefined : view.at(field)
    if (at) note(changed, removed, at.element, compare(at.schema, fieldIn(before, field, at), fieldIn(after, field, at)))
  }
  for (const field in after) look(field)
  for (const field in before) if (!Object.hasOwn(after, field)) look(field)
  return { changed: nodeOf(false, changed), removed: nodeOf(false, removed) }
}

function fieldIn(object: JsonObject, field: string, { always, schema }: FieldView): unknown {
  if (Object.hasOwn(object, field)) return object[field]
  return always ? (schema.type === 'list' ? noItems : noFields) : undefined
}

const noItems: readonly unknown[] = Object.freeze([])
const noFields = Object.freeze({})

function compareItems({ item, list }: GranularItems, before: unknown, after: unknown): Comparison {
  const changed: Record<string, FieldSet> = {}
  const removed: Record<string, FieldSet> = {}
  const [old, now] = [itemsOf(list, before), itemsOf(list, after)]
  for (const [element, value] of now) note(changed, removed, element, compare(item, old.get(element), value))
  for (const [element, value] of old) if (!now.has(element)) note(changed, removed, element, compare(item, value, undefined))
  return { changed: nodeOf(false, changed), removed: nodeOf(false, removed) }
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
