import { jsonPatch } from '../api/json-patch.ts'
import type { Kind } from '../api/kind.ts'
import { isJsonObject, mergePatch } from '../api/merge-patch.ts'
import type { JsonObject } from '../api/object.ts'
import type { Schema } from '../api/schema.ts'
import { StatusError } from '../api/status-error.ts'
import { strategicPatch } from '../api/strategic-patch.ts'
import { unsupportedMediaType } from './routing-errors.ts'

/** How a body of this content type changes a value of this schema. */
export function patchFor(schema: Schema, contentType: string | undefined): (original: unknown, patch: unknown) => unknown {
  const type = mediaType(contentType)
  if (type === 'application/merge-patch+json') return (original, patch) => mergePatch(original, asObject(patch, 'error decoding patch: '))
  if (type === 'application/json-patch+json') return jsonPatch
  if (type === 'application/strategic-merge-patch+json')
    return (original, patch) => strategicPatch(schema, asObject(original), asObject(patch))
  throw unsupportedMediaType()
}

const customPatches = ['application/json-patch+json', 'application/merge-patch+json', 'application/apply-patch+yaml']

/** How a body changes objects of a kind. Nobody says how parts of custom resources are merged strategically. */
export function patchOf(kind: Kind, contentType: string | undefined): ReturnType<typeof patchFor> {
  if (kind.decode && !customPatches.includes(mediaType(contentType) ?? ''))
    throw new StatusError(
      'UnsupportedMediaType',
      `the body of the request was in an unknown format - accepted media types include: ${customPatches.join(', ')}`,
    )
  return patchFor(kind.schema, contentType)
}

const mediaType = (contentType: string | undefined) => contentType?.split(';')[0]?.trim().toLowerCase()

function asObject(value: unknown, before = ''): JsonObject {
  if (isJsonObject(value)) return value
  const shown = Array.isArray(value) ? 'array' : typeof value === 'boolean' ? 'bool' : typeof value
  throw new StatusError('BadRequest', `${before}json: cannot unmarshal ${shown} into Go value of type map[string]interface {}`)
}
