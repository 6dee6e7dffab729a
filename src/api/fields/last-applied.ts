import { isJsonObject } from '../merge-patch.ts'
import type { JsonObject } from '../object.ts'
import type { Schema } from '../schema.ts'
import { statedFields } from './applied.ts'

import { difference, type FieldSet } from './field-set.ts'
import { compareObjects } from './managed-fields.ts'

const annotation = 'kubectl.kubernetes.io/last-applied-configuration'
/** Upstream's limit of all annotations together. */
const maxBytes = 256 << 10
const nothing = new Set<string>()

const annotationsOf = ({ metadata }: JsonObject): JsonObject | undefined =>
  isJsonObject(metadata) && isJsonObject(metadata.annotations) ? metadata.annotations : undefined

/**
 * What kubectl's client-side apply last set and nobody changed since, as its annotation says: kubectl's server-side apply
 * takes that over without a conflict.
 */
export function lastAppliedFields(schema: Schema, live: JsonObject): FieldSet | undefined {
  const text = annotationsOf(live)?.[annotation]
  if (typeof text !== 'string') return undefined
  const last = parsed(text)
  if (last === undefined) return undefined
  const { changed, removed } = compareObjects(schema, last, live, nothing)
  return difference(difference(statedFields(schema, last), changed), removed)
}

function parsed(text: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return isJsonObject(value) ? value : undefined
  } catch (cause) {
    // A user may have written anything there.
    if (cause instanceof SyntaxError) return undefined
    throw cause
  }
}

/** Keeps the annotation true where there is one, so that a client-side apply that follows sees what was applied. */
export function withLastApplied(object: JsonObject, live: JsonObject, config: JsonObject): JsonObject {
  const before = annotationsOf(live)
  if (typeof before?.[annotation] !== 'string') return object
  const { metadata } = config
  const { annotations, ...rest } = isJsonObject(metadata) ? metadata : {}
  const { [annotation]: _, ...others } = isJsonObject(annotations) ? annotations : {}
  const text = JSON.stringify({ ...config, metadata: { ...rest, ...(Object.keys(others).length > 0 && { annotations: others }) } })
  const kept = { ...annotationsOf(object) }
  if (text.length > maxBytes) delete kept[annotation]
  else kept[annotation] = `${text}\n`
  return { ...object, metadata: { ...(object.metadata as JsonObject), annotations: kept } }
}
