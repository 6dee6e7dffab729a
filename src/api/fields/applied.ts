import { isJsonObject } from '../merge-patch.ts'
import { type JsonObject, setField } from '../object.ts'
import type { Schema } from '../schema.ts'
import { elementsOf, type GranularItems, granular, isEmpty, itemsOf } from './elements.ts'
import { childrenOf, type FieldSet, leafSet, nodeOf, own } from './field-set.ts'

/** The fields that a configuration states: its leaves, and every item of a list and key of a map. */
export function statedFields(schema: Schema, value: unknown): FieldSet | undefined {
  const view = granular(schema, value)
  if (!view) return leafSet
  const children: Record<string, FieldSet> = {}
  if (view.type === 'items') {
    for (const [element, item] of itemsOf(view.list, value)) {
      const stated = statedFields(view.item, item)
      children[element] = nodeOf(true, stated === undefined ? {} : withoutSelf(stated)) ?? leafSet
    }
    return nodeOf(false, children)
  }
  for (const field of Object.keys(value as object)) {
    const at = view.at(field)
    if (!at) continue
    const element = (value as JsonObject)[field]
    const stated = statedFields(at.schema, element)
    const isStated = view.isMap || (isJsonObject(element) && isEmpty(element))
    const node = isStated ? nodeOf(true, stated === undefined ? {} : withoutSelf(stated)) : stated
    if (node !== undefined) children[at.element] = node
  }
  return nodeOf(false, children)
}

function withoutSelf(set: FieldSet): Record<string, FieldSet> {
  const { '.': _, ...children } = set
  return children
}

/** The live value with a configuration laid over it. */
export function merged(schema: Schema, live: unknown, config: unknown): unknown {
  if (live === undefined) return config
  if (config === undefined) return live
  const view = granular(schema, live, config)
  if (!view) return config
  if (view.type === 'items') return mergedItems(view, live, config)
  const object: JsonObject = { ...(live as JsonObject) }
  for (const [field, value] of Object.entries(config as JsonObject)) {
    const at = view.at(field)
    if (at) setField(object, field, merged(at.schema, Object.hasOwn(object, field) ? object[field] : undefined, value))
  }
  return object
}

/**
 * The configuration's items in its order, and between them the live ones that it does not state: each before the same
 * item as it was. Where several live items have one name, nobody can say which is meant: they are replaced as a whole.
 */
function mergedItems({ item, list }: GranularItems, live: unknown, config: unknown): unknown[] {
  const now = elementsOf(list, live)
  const old = new Map<string, unknown>()
  for (const [element, value] of now) old.set(element, old.has(element) ? undefined : value)
  const stated = itemsOf(list, config)
  const order = [...stated]
  const shared = order.filter(([element]) => old.has(element))
  const items: unknown[] = []
  let [given, met] = [0, 0]
  const giveThrough = (last: string | undefined) => {
    for (let next = order[given]; next; next = order[given]) {
      given++
      items.push(merged(item, old.get(next[0]), next[1]))
      if (next[0] === last) return
    }
  }
  for (const [element, value] of now) {
    if (!stated.has(element)) items.push(value)
    else if (element === shared[met]?.[0]) {
      met++
      giveThrough(element)
    }
  }
  giveThrough(undefined)
  return items
}

/** Without what the last configuration stated and nobody (the new one included) states any more. */
export function pruned(schema: Schema, value: unknown, last: FieldSet, kept: FieldSet | undefined): unknown {
  const view = granular(schema, value)
  if (!view) return value
  if (view.type === 'items') {
    return elementsOf(view.list, value).flatMap(([element, item]) => {
      const stated = own(last, element)
      if (stated === undefined) return [item]
      const still = own(kept, element)
      return still === undefined ? [] : [withKeys(view.list.keys, item, pruned(view.item, item, stated, still))]
    })
  }
  const object = value as JsonObject
  const result: JsonObject = {}
  for (const field of Object.keys(object)) {
    const [stated, still] = [own(last, `f:${field}`), own(kept, `f:${field}`)]
    if (stated !== undefined && still === undefined) continue
    const inner = stated === undefined || childrenOf(stated).length === 0 ? undefined : view.at(field)?.schema
    setField(result, field, inner && stated ? pruned(inner, object[field], stated, still) : object[field])
  }
  return result
}

/** An item that stays keeps what names it, whoever stated that. */
function withKeys(keys: readonly string[], item: unknown, left: unknown): unknown {
  if (!isJsonObject(item) || !isJsonObject(left)) return left
  for (const key of keys) if (item[key] !== undefined) left[key] = item[key]
  return left
}
