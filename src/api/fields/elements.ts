import type { JsonObject } from '../object.ts'
import type { ListSchema, Schema } from '../schema.ts'

/** Where the walks over objects agree: what is one value, and how items of lists are named. */

/** Values that merging and ownership look into; all others are owned as a whole. */
export type Granular =
  | {
      readonly type: 'fields'
      readonly schemaOf: (field: string) => Schema | undefined
      readonly alwaysHas: (field: string) => boolean
      readonly isMap: boolean
    }
  | { readonly type: 'items'; readonly item: Schema; readonly list: ListSchema }

const anyValue: Schema = { type: 'any' }
const deduced: Granular = { type: 'fields', schemaOf: () => anyValue, alwaysHas: () => false, isMap: true }
const never = () => false
const views = new WeakMap<Schema, Granular>()

/** How to look into a value of this schema; undefined where it is one value. What has no schema is a map if it looks like one. */
export function granular(schema: Schema, ...values: readonly unknown[]): Granular | undefined {
  switch (schema.type) {
    case 'any':
      return values.some(isRecord) && values.every((value) => value === undefined || isRecord(value)) ? deduced : undefined
    case 'object':
    case 'map':
      return schema.atomic ? undefined : viewOf(schema)
    case 'list':
      return schema.list === 'atomic' ? undefined : viewOf(schema)
    default:
      return undefined
  }
}

function viewOf(schema: Schema): Granular {
  const known = views.get(schema)
  if (known) return known
  const view = makeView(schema)
  views.set(schema, view)
  return view
}

function makeView(schema: Schema): Granular {
  switch (schema.type) {
    case 'object':
      return {
        type: 'fields',
        schemaOf: (field) => schema.fields.get(field)?.schema() ?? (schema.open ? anyValue : undefined),
        alwaysHas: (field) => schema.fields.get(field)?.always ?? false,
        isMap: false,
      }
    case 'map':
      return { type: 'fields', schemaOf: schema.value, alwaysHas: never, isMap: true }
    case 'list':
      return { type: 'items', item: schema.item(), list: schema }
    default:
      return deduced
  }
}

/** The items of a list by their path elements; of two with the same keys the last counts. */
export function itemsOf({ list, keys }: ListSchema, value: unknown): Map<string, unknown> {
  const items = new Map<string, unknown>()
  for (const item of Array.isArray(value) ? value : [])
    items.set(list === 'set' ? `v:${JSON.stringify(item)}` : keyElement(keys, item), item)
  return items
}

function keyElement(keys: readonly string[], item: unknown): string {
  let text = ''
  for (const key of keys) {
    const value = (isRecord(item) ? item[key] : undefined) ?? keyDefaults[key]
    if (value !== undefined) text += `${text === '' ? '' : ','}${JSON.stringify(key)}:${JSON.stringify(value)}`
  }
  return `k:{${text}}`
}

/** Keys that may be left out, and what they are then. */
const keyDefaults: Readonly<Record<string, string>> = { protocol: 'TCP', name: '' }

export const isRecord = (value: unknown): value is JsonObject => typeof value === 'object' && value !== null && !Array.isArray(value)

export const isEmpty = (value: unknown): boolean => {
  if (Array.isArray(value)) return value.length === 0
  for (const _ in value as object) return false
  return true
}
