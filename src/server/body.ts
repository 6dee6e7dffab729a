import { parseAllDocuments } from 'yaml'
import { copy, DecodeError, decodeObject } from '../api/decode.ts'
import type { ApiRequest } from '../api/exchange.ts'
import type { Kind } from '../api/kind.ts'
import type { JsonObject } from '../api/object.ts'
import { apiVersionOf } from '../api/resource-ref.ts'
import { StatusError } from '../api/status-error.ts'

export type FieldValidation = 'Ignore' | 'Warn' | 'Strict'

/** The JSON value of a body: JSON or YAML from a socket, a copy of the object of an in-process caller. */
export function parseBody({ body, headers }: ApiRequest): unknown {
  if (body === undefined) throw new StatusError('BadRequest', 'unexpected end of JSON input')
  if (!(body instanceof Uint8Array)) return copy(body)
  const type = (headers['content-type'] ?? 'application/json').split(';')[0]?.trim().toLowerCase()
  const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString()
  if (type === 'application/yaml' || type === 'application/apply-patch+yaml') return parseYaml(text)
  if (type === 'application/json' || type?.endsWith('+json')) return parseJson(text)
  throw new StatusError(
    'UnsupportedMediaType',
    `the body of the request was in an unknown format - accepted media types include: application/json, application/yaml`,
  )
}

/** An object of the kind, pruned and normalised, with a warning for every unknown field (or a refusal, as asked). */
export function decodeBody(
  kind: Kind,
  request: ApiRequest,
  validation: FieldValidation,
): { draft: JsonObject; warnings: readonly string[] } {
  const value = parseBody(request)
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new StatusError('BadRequest', 'the body of the request is not an object')
  const given = value as JsonObject
  checkType(kind, given)
  const { object, unknownFields } = decodeFor(kind, given)
  const complaints = unknownFields.map((field) => `unknown field "${field}"`)
  if (validation === 'Strict' && complaints.length > 0)
    throw new StatusError('BadRequest', `${described(kind)}: strict decoding error: ${complaints.join(', ')}`)
  object.apiVersion = apiVersionOf(kind)
  object.kind = kind.kind
  return { draft: object, warnings: validation === 'Warn' ? complaints : [] }
}

/** Decoding whose errors are the API's. */
export function decodeFor(kind: Kind, value: JsonObject): ReturnType<typeof decodeObject> {
  try {
    return decodeObject(kind.schema, value, kind.kind)
  } catch (cause) {
    if (cause instanceof DecodeError) throw new StatusError('BadRequest', `${described(kind)}: ${cause.message}`, undefined, { cause })
    throw cause
  }
}

const described = (kind: Kind) => `${kind.kind} in version "${kind.version}" cannot be handled as a ${kind.kind}`

function checkType(kind: Kind, { apiVersion, kind: name }: JsonObject): void {
  const expected = apiVersionOf(kind)
  if (apiVersion !== undefined && apiVersion !== expected) {
    throw new StatusError(
      'BadRequest',
      `the API version in the data (${String(apiVersion)}) does not match the expected API version (${expected})`,
    )
  }
  if (name !== undefined && name !== kind.kind) {
    throw new StatusError('BadRequest', `the kind in the data (${String(name)}) does not match the expected kind (${kind.kind})`)
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new StatusError(
      'BadRequest',
      `couldn't get version/kind; json parse error: ${cause instanceof Error ? cause.message : String(cause)}`,
      undefined,
      { cause },
    )
  }
}

function parseYaml(text: string): unknown {
  const [document, ...more] = parseAllDocuments(text, { version: '1.1', schema: 'core', maxAliasCount: 100 } as Parameters<
    typeof parseAllDocuments
  >[1])
  if (!document || more.length > 0) throw new StatusError('BadRequest', 'error converting YAML to JSON: exactly one document is expected')
  const [problem] = document.errors
  if (problem) throw new StatusError('BadRequest', `error converting YAML to JSON: ${problem.message}`)
  try {
    return document.toJS({ maxAliasCount: 100 })
  } catch (cause) {
    throw new StatusError(
      'BadRequest',
      `error converting YAML to JSON: ${cause instanceof Error ? cause.message : String(cause)}`,
      undefined,
      { cause },
    )
  }
}
