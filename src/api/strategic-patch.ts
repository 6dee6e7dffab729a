import { isJsonObject } from './merge-patch.ts'
import type { JsonObject } from './object.ts'
import type { Field, Schema } from './schema.ts'
import { StatusError } from './status-error.ts'

const orderPrefix = '$setElementOrder/'
const deletePrefix = '$deleteFromPrimitiveList/'

/** Sets an own property, also one called `__proto__`, which plain assignment would take for the prototype. */
function setField(target: JsonObject, field: string, value: unknown): void {
  Object.defineProperty(target, field, { value, writable: true, enumerable: true, configurable: true })
}

/** The field of a schema; values of maps have no patch strategy of their own. */
function fieldOf(schema: Schema | undefined, name: string): Field | undefined {
  if (schema?.type === 'object') return schema.fields.get(name)
  if (schema?.type === 'map') return { schema: schema.value, patchStrategy: [], patchMergeKey: undefined }
  return undefined
}

/**
 * Upstream's strategic merge patch: lists merge by the merge key that the schema names. `$patch`, `$retainKeys`,
 * `$setElementOrder/…` and `$deleteFromPrimitiveList/…` are understood. Arguments do not change. Throws StatusError BadRequest.
 */
export function strategicPatch(schema: Schema, original: JsonObject, patch: JsonObject): JsonObject {
  return mergeObject(schema, original, patch)
}

function mergeObject(schema: Schema | undefined, original: JsonObject, patch: JsonObject): JsonObject {
  const { $patch: directive, $retainKeys: retained, ...changes } = patch
  if (directive === 'delete') return {}
  if (directive === 'replace') return changes
  if (directive !== undefined && directive !== 'merge') throw new StatusError('BadRequest', `Unknown patch type: ${String(directive)}`)
  const result = Array.isArray(retained)
    ? Object.fromEntries(Object.entries(original).filter(([name]) => retained.includes(name)))
    : { ...original }
  for (const [name, value] of Object.entries(changes)) {
    if (name.startsWith(orderPrefix)) continue
    if (name.startsWith(deletePrefix)) deletePrimitives(result, name.slice(deletePrefix.length), value)
    else if (value === null) delete result[name]
    else setField(result, name, mergeValue(fieldOf(schema, name), Object.hasOwn(result, name) ? result[name] : undefined, value))
  }
  for (const [name, order] of Object.entries(changes)) {
    if (name.startsWith(orderPrefix)) arrange(schema, result, name.slice(orderPrefix.length), order)
  }
  return result
}

function mergeValue(field: Field | undefined, before: unknown, value: unknown): unknown {
  const schema = field?.schema()
  if (isJsonObject(value)) {
    if (field?.patchStrategy.includes('replace')) return value
    return mergeObject(schema, isJsonObject(before) ? before : {}, value)
  }
  if (!Array.isArray(value)) return value
  if (!field?.patchStrategy.includes('merge')) return value
  const old = Array.isArray(before) ? before : []
  const item = schema?.type === 'list' ? schema.item() : undefined
  if (field.patchMergeKey !== undefined) return mergeList(item, field.patchMergeKey, old, value)
  return [...old, ...value.filter((entry, index) => !old.includes(entry) && value.indexOf(entry) === index)]
}

function keyOfItem(item: unknown, mergeKey: string): unknown {
  if (!isJsonObject(item)) throw new StatusError('BadRequest', 'expected a map in a list with a merge key')
  if (!Object.hasOwn(item, mergeKey))
    throw new StatusError('BadRequest', `map: ${JSON.stringify(item)} does not contain declared merge key: ${mergeKey}`)
  return item[mergeKey]
}

function mergeList(schema: Schema | undefined, mergeKey: string, old: readonly unknown[], patch: readonly unknown[]): unknown[] {
  const isReplace = (item: unknown) => isJsonObject(item) && item.$patch === 'replace'
  if (patch.some(isReplace)) return patch.filter((item) => !isReplace(item))
  const merged = new Map<unknown, unknown>(old.map((item) => [keyOfItem(item, mergeKey), item]))
  for (const item of patch) {
    const key = keyOfItem(item, mergeKey)
    if (!isJsonObject(item)) continue
    if (item.$patch === 'delete') merged.delete(key)
    else {
      const before = merged.get(key)
      merged.set(key, mergeObject(schema, isJsonObject(before) ? before : {}, item))
    }
  }
  return [...merged.values()]
}

function deletePrimitives(result: JsonObject, name: string, gone: unknown): void {
  const list = Object.hasOwn(result, name) ? result[name] : undefined
  if (!Array.isArray(gone)) throw new StatusError('BadRequest', `${deletePrefix}${name} must be a list`)
  if (Array.isArray(list))
    setField(
      result,
      name,
      list.filter((item) => !gone.includes(item)),
    )
}

/** Puts the listed items in the asked order; an item that only the server knows stays behind the item it followed. */
function arrange(schema: Schema | undefined, result: JsonObject, name: string, order: unknown): void {
  const list = Object.hasOwn(result, name) ? result[name] : undefined
  if (!Array.isArray(order)) throw new StatusError('BadRequest', `${orderPrefix}${name} must be a list`)
  if (!Array.isArray(list)) return
  const mergeKey = fieldOf(schema, name)?.patchMergeKey
  const identity = (item: unknown) => (mergeKey === undefined ? item : keyOfItem(item, mergeKey))
  const places = new Map(order.map((item, index) => [identity(item), index]))
  let last = -1
  const placed = list.map((item) => {
    const place = places.get(identity(item))
    if (place !== undefined) last = place
    return { item, place: place ?? last, known: place !== undefined ? 0 : 1 }
  })
  const arranged = placed.sort((left, right) => left.place - right.place || left.known - right.known).map(({ item }) => item)
  setField(result, name, arranged)
}
