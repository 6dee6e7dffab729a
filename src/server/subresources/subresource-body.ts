import { DecodeError, decodeObject } from '../../api/decode.ts'
import type { Subresource } from '../../api/kind.ts'
import { isJsonObject } from '../../api/merge-patch.ts'
import type { JsonObject } from '../../api/object.ts'
import { apiVersionOf } from '../../api/resource-ref.ts'
import type { Schema } from '../../api/schema.ts'
import { type Definitions, schemaSource } from '../../api/schema-of.ts'
import { shownText } from '../../api/shown-text.ts'
import { StatusError } from '../../api/status-error.ts'
import { parseBody } from '../body.ts'
import type { SubresourceCall } from './subresource.ts'

/** Decodes what a subresource speaks, whose kinds (Scale, Eviction, …) are no resources of their own. */
export interface SubresourceBody {
  /** The request's body, or another value in its place. */
  (call: SubresourceCall, value?: unknown): JsonObject
  decode(subresource: Subresource, value: unknown): JsonObject
  schema(call: SubresourceCall): Schema
}

/** Versions that are no longer served and still understood: clients up to 1.21 evict so. */
const olderVersions: ReadonlyMap<string, string> = new Map([['policy/v1/Eviction', 'policy/v1beta1']])

export function subresourceBody(definitions: Definitions): SubresourceBody {
  const schemaOf = schemaSource(definitions)
  const schemas = new Map<string, Schema>()
  const read = (call: SubresourceCall, value: unknown = parseBody(call.request)) => decode(call.subresource, value)
  return Object.assign(read, { decode, schema: ({ subresource }: SubresourceCall) => schemaFor(subresource) })

  function decode(subresource: Subresource, value: unknown): JsonObject {
    const { kind, ...groupVersion } = subresource.kind
    const apiVersion = apiVersionOf(groupVersion)
    if (!isJsonObject(value)) throw new StatusError('BadRequest', 'the body of the request is not an object')
    const given = value.apiVersion ?? apiVersion
    const isVersion = given === apiVersion || given === olderVersions.get(`${apiVersion}/${kind}`)
    const isOther = !isVersion || (value.kind ?? kind) !== kind
    if (isOther) {
      const type = `${shownText(value.apiVersion)}, Kind=${shownText(value.kind)}`
      throw new StatusError('BadRequest', `${type} cannot be handled as a ${kind} (${apiVersion})`)
    }
    try {
      return { ...decodeObject(schemaFor(subresource), value, kind).object, apiVersion, kind }
    } catch (cause) {
      if (!(cause instanceof DecodeError)) throw cause
      throw new StatusError(
        'BadRequest',
        `${kind} in version "${groupVersion.version}" cannot be handled as a ${kind}: ${cause.message}`,
        undefined,
        {
          cause,
        },
      )
    }
  }

  function schemaFor({ kind }: Subresource): Schema {
    const id = `${kind.group}/${kind.version}/${kind.kind}`
    const known = schemas.get(id)
    if (known) return known
    const name = Object.keys(definitions).find((candidate) =>
      definitions[candidate]?.['x-kubernetes-group-version-kind']?.some(
        ({ group, version, kind: named }) => group === kind.group && version === kind.version && named === kind.kind,
      ),
    )
    const schema = schemaOf(name ?? '')
    schemas.set(id, schema)
    return schema
  }
}
