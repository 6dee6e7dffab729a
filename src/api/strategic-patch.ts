import { isJsonObject } from './merge-patch.ts'
import { type JsonObject, setField } from './object.ts'
import type { Field, Schema } from './schema.ts'
import { shownText } from './shown-text.ts'
import { StatusError } from './status-error.ts'

const orderPrefix = '$setElementOrder/'
const deletePrefix = '$deleteFromPrimitiveList/'

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
  if (directive !== undefined && directive !== 'merge') throw new StatusError('BadRequest', `Unknown patch type: ${shownText(directive)}`)
  const kept = retained === undefined ? undefined : retainedKeys(retained, changes)
  const result = kept ? Object.fromEntries(Object.entries(original).filter(([name]) => kept.has(name))) : { ...original }
  for (const [name, value] of Object.entries(changes)) {
    if (name.startsWith(orderPrefix)) continue
    if (name.startsWith(deletePrefix)) deletePrimitives(result, name.slice(deletePrefix.length), value)
    else if (value === null) delete result[name]
    else setField(result, name, mergeValue(fieldOf(schema, name), Object.hasOwn(result, name) ? result[name] : undefined, value))
  }
  for (const [name, order] of Object.entries(changes)) {
    if (name.startsWith(orderPrefix)) arrange(schema, result, { original, changes }, name.slice(orderPrefix.length), order)
  }
  return result
}

/** What stays of a map, which must name all that the patch itself sets. */
function retainedKeys(retained: unknown, changes: JsonObject): ReadonlySet<string> {
  if (!isTexts(retained)) throw new StatusError('BadRequest', 'invalid patch format of retainKeys')
  const kept = new Set(retained)
  const isSet = (name: string) => changes[name] !== null && !name.startsWith('$')
  if (Object.keys(changes).every((name) => !isSet(name) || kept.has(name))) return kept
  throw new StatusError(
    'Invalid',
    'the server rejected our request due to an error in our request',
    {},
    {
      cause: new Error("patch content doesn't match retainKeys list"),
    },
  )
}

const isTexts = (value: unknown): value is string[] => Array.isArray(value) && value.every((item) => typeof item === 'string')

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
  const both = [...new Set([...old, ...value])]
  return ordered(both, value, old, (entry) => entry)
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
  const isDelete = (item: unknown) => isJsonObject(item) && item.$patch === 'delete'
  const gone = new Set(patch.filter(isDelete).map((item) => keyOfItem(item, mergeKey)))
  const merged = old.filter((item) => !gone.has(keyOfItem(item, mergeKey)))
  // The first of a key is the one that is meant; others of it (a port for TCP and for UDP) stay as they are.
  const places = new Map<unknown, number>()
  const place = (key: unknown, index: number) => places.has(key) || places.set(key, index)
  for (const [index, item] of merged.entries()) place(keyOfItem(item, mergeKey), index)
  for (const item of patch) {
    const key = keyOfItem(item, mergeKey)
    if (!isJsonObject(item) || isDelete(item)) continue
    place(key, merged.length)
    const index = places.get(key) ?? merged.length
    const before = merged[index]
    merged[index] = mergeObject(schema, isJsonObject(before) ? before : {}, item)
  }
  return ordered(merged, patch, old, (item) => keyOfItem(item, mergeKey))
}

/**
 * Items that the patch names, in its order, between those that the server alone knows, in theirs. A pair that the server
 * has already keeps its order; what is new goes before what the server alone knows, as upstream.
 */
function ordered(
  items: readonly unknown[],
  patch: readonly unknown[],
  old: readonly unknown[],
  identity: (item: unknown) => unknown,
): unknown[] {
  const wanted = new Map(patch.map((item, index) => [identity(item), index]))
  const known = new Map(old.map((item, index) => [identity(item), index]))
  const place = (places: ReadonlyMap<unknown, number>, item: unknown) => places.get(identity(item)) ?? -1
  const sorted = (places: ReadonlyMap<unknown, number>, chosen: readonly unknown[]) =>
    [...chosen].sort((left, right) => place(places, left) - place(places, right))
  const named = sorted(
    wanted,
    items.filter((item) => wanted.has(identity(item))),
  )
  const others = sorted(
    known,
    items.filter((item) => !wanted.has(identity(item))),
  )
  const result: unknown[] = []
  let at = 0
  for (const item of named) {
    const until = place(known, item)
    while (at < others.length && until >= 0 && place(known, others[at]) < until) result.push(others[at++])
    result.push(item)
  }
  return [...result, ...others.slice(at)]
}

function deletePrimitives(result: JsonObject, name: string, gone: unknown): void {
  const list = Object.hasOwn(result, name) ? result[name] : undefined
  if (!Array.isArray(gone)) throw new StatusError('BadRequest', 'invalid patch format of primitive list')
  if (!Array.isArray(list)) return
  const excluded = new Set<unknown>(gone)
  setField(
    result,
    name,
    list.filter((item) => !excluded.has(item)),
  )
}

/** Puts the listed items in the asked order, in which what the patch sets of the list has to be. */
function arrange(
  schema: Schema | undefined,
  result: JsonObject,
  { original, changes }: { original: JsonObject; changes: JsonObject },
  name: string,
  order: unknown,
): void {
  if (!Array.isArray(order)) throw new StatusError('BadRequest', 'invalid patch format of setElementOrder list')
  const list = Object.hasOwn(result, name) ? result[name] : undefined
  if (!Array.isArray(list)) return
  const before = Object.hasOwn(original, name) ? original[name] : undefined
  const mergeKey = fieldOf(schema, name)?.patchMergeKey
  const identity = (item: unknown) => (mergeKey === undefined ? item : keyOfItem(item, mergeKey))
  const set = Object.hasOwn(changes, name) ? changes[name] : undefined
  if (Array.isArray(set)) checkOrder(name, set, order, identity)
  setField(result, name, ordered(list, order, Array.isArray(before) ? before : [], identity))
}

function checkOrder(name: string, set: readonly unknown[], order: readonly unknown[], identity: (item: unknown) => unknown): void {
  const kept = set.filter((item) => !(isJsonObject(item) && item.$patch !== undefined))
  let at = 0
  for (const item of order) if (at < kept.length && identity(kept[at]) === identity(item)) at++
  if (at === kept.length) return
  throw new StatusError(
    'BadRequest',
    `The order in patch list:\n${JSON.stringify(set)}\n doesn't match ${orderPrefix}${name} list:\n${JSON.stringify(order)}\n`,
  )
}
