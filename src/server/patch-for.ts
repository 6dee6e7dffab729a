import { jsonPatch } from '../api/json-patch.ts'
import { isJsonObject, mergePatch } from '../api/merge-patch.ts'
import type { JsonObject } from '../api/object.ts'
import type { Schema } from '../api/schema.ts'
import { StatusError } from '../api/status-error.ts'
import { strategicPatch } from '../api/strategic-patch.ts'

/** How a body of this content type changes a value of this schema. */
export function patchFor(schema: Schema, contentType: string | undefined): (original: unknown, patch: unknown) => unknown {
  const type = contentType?.split(';')[0]?.trim().toLowerCase()
  if (type === 'application/merge-patch+json') return mergePatch
  if (type === 'application/json-patch+json') return jsonPatch
  if (type === 'application/strategic-merge-patch+json')
    return (original, patch) => strategicPatch(schema, asObject(original), asObject(patch))
  throw new StatusError(
    'UnsupportedMediaType',
    'the body of the request was in an unknown format - accepted media types include: application/json-patch+json, application/merge-patch+json, application/strategic-merge-patch+json',
  )
}

function asObject(value: unknown): JsonObject {
  if (isJsonObject(value)) return value
  throw new StatusError('BadRequest', 'error decoding patch: the patch is not an object')
}
