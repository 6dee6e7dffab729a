import { isJsonObject } from '../merge-patch.ts'
import type { ListSchema, Schema } from '../schema.ts'

/** Where the walks over objects agree: what is one value, and how items of lists are named. */

/** Values that merging and ownership look into; all others are owned as a whole. */
export type Granular = GranularFields | GranularItems

export interface GranularFields {
  readonly type: 'fields'
  /** Undefined for a field that there is not. */
  readonly at: (field: string) => FieldView | undefined
  /** Its fields are keys of a map, each owned by itself. */
  readonly isMap: boolean
}

export interface FieldView {
  /** Its name in sets of fields. */
  readonly element: string
  readonly schema: Schema
  readonly always: boolean
}

export interface GranularItems {
  readonly type: 'items'
  readonly item: Schema
  readonly list: ListSchema
}

const anyValue: Schema = { type: 'any' }
const mapOf = (value: () => Schema): GranularFields => ({
  type: 'fields',
  at: (field) => ({ element: `f:${field}`, schema: value(), always: false }),
  isMap: true,
})
const deduced = mapOf(() => anyValue)
const views = new WeakMap<Schema, Granular>()

/**
 * How to look into a value of this schema; undefined where it is one value, as null is of whatever schema. What has no schema
 * is a map if it looks like one.
 */
export function granular(schema: Schema, ...values: readonly unknown[]): Granular | undefined {
  for (const value of values) if (value === null) return undefined
  switch (schema.type) {
    case 'any':
      return values.some(isJsonObject) && values.every((value) => value === undefined || isJsonObject(value)) ? deduced : undefined
    case 'object':
    case 'map':
      return schema.atomic || !values.every(isObjectOrNothing) ? undefined : viewOf(schema)
    case 'list':
      return schema.list === 'atomic' || !values.every(isListOrNothing) ? undefined : viewOf(schema)
    default:
      return undefined
  }
}

/** Custom resources may have null, or what is still to be refused, in any place. */
const isObjectOrNothing = (value: unknown) => value === undefined || isJsonObject(value)
const isListOrNothing = (value: unknown) => value === undefined || Array.isArray(value)

function viewOf(schema: Schema): Granular {
  const known = views.get(schema)
  if (known) return known
  const view = makeView(schema)
  views.set(schema, view)
  return view
}

function makeView(schema: Schema): Granular {
  switch (schema.type) {
    case 'object': {
      const known = new Map<string, FieldView>()
      const at = (field: string): FieldView | undefined => {
        const found = known.get(field)
        if (found) return found
        const fact = schema.fields.get(field)
        if (!fact) return schema.open ? deduced.at(field) : undefined
        const view = { element: `f:${field}`, schema: fact.schema(), always: fact.always ?? false }
        known.set(field, view)
        return view
      }
      return { type: 'fields', at, isMap: false }
    }
    case 'map':
      return mapOf(schema.value)
    case 'list':
      return { type: 'items', item: schema.item(), list: schema }
    default:
      return deduced
  }
}

/** The items of a list with their path elements, which need not differ. */
export const elementsOf = ({ list, keys }: ListSchema, value: unknown): readonly (readonly [element: string, item: unknown])[] =>
  Array.isArray(value) ? value.map((item: unknown) => [itemElement(list, keys, item), item]) : []

/** The items of a list by their path elements; of two with the same keys the last counts. */
export function itemsOf({ list, keys }: ListSchema, value: unknown): Map<string, unknown> {
  const items = new Map<string, unknown>()
  for (const item of Array.isArray(value) ? value : []) items.set(itemElement(list, keys, item), item)
  return items
}

export const itemElement = (list: ListSchema['list'], keys: readonly string[], item: unknown): string =>
  list === 'set' ? `v:${JSON.stringify(item)}` : keyElement(keys, item)

function keyElement(keys: readonly string[], item: unknown): string {
  let text = ''
  for (const key of keys) {
    const value = (isJsonObject(item) ? item[key] : undefined) ?? keyDefaults[key]
    if (value !== undefined) text += `${text === '' ? '' : ','}${JSON.stringify(key)}:${JSON.stringify(value)}`
  }
  return `k:{${text}}`
}

/** Keys that may be left out, and what they are then. */
const keyDefaults: Readonly<Record<string, string>> = { protocol: 'TCP', name: '' }

export const isEmpty = (value: unknown): boolean => {
  if (Array.isArray(value)) return value.length === 0
  for (const _ in value as object) return false
  return true
}
