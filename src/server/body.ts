import type { Catalog } from '../api/catalog.ts'
import { copy, DecodeError, decodeObject } from '../api/decode.ts'
import type { ApiRequest } from '../api/exchange.ts'
import { countKeys, duplicateFields, scanJson } from '../api/json-scan.ts'
import { jsonSyntaxProblem } from '../api/json-syntax.ts'
import type { Kind } from '../api/kind.ts'
import type { JsonObject } from '../api/object.ts'
import { apiVersionOf } from '../api/resource-ref.ts'
import { StatusError } from '../api/status-error.ts'
import { parseYamlText } from '../api/yaml-text.ts'
import { checkType } from './body-type.ts'
import type { FieldValidation } from './write-options.ts'

/** Deeper values are refused before anything recurses into them. */
const maxDepth = 1000

interface Body {
  readonly value: unknown
  /** What strict decoding says of keys that stand twice. */
  readonly duplicates: readonly string[]
}

/** What is said of bytes that cannot be read; `problem` says why. */
type Unreadable = (problem: string, body: Uint8Array) => string

/** The JSON value of a body: JSON or YAML from a socket, a copy of the object of an in-process caller. */
export const parseBody = (request: ApiRequest): unknown => readBody(request, (problem) => problem).value

function readBody({ body = new Uint8Array(), headers }: ApiRequest, unreadable: Unreadable): Body {
  if (!(body instanceof Uint8Array)) return { value: copied(body), duplicates: [] }
  const type = (headers['content-type'] ?? 'application/json').split(';')[0]?.trim().toLowerCase()
  try {
    if (type === 'application/yaml' || type === 'application/apply-patch+yaml') return parseYaml(body)
    if (type === 'application/json' || type?.endsWith('+json')) return parseJson(body)
  } catch (cause) {
    if (!(cause instanceof SyntaxProblem)) throw cause
    throw new StatusError('BadRequest', unreadable(cause.message, body), undefined, { cause })
  }
  throw new StatusError(
    'UnsupportedMediaType',
    'the body of the request was in an unknown format - accepted media types include: application/json, application/yaml, application/vnd.kubernetes.protobuf',
  )
}

/** Bytes that are no JSON, or no YAML. */
class SyntaxProblem extends Error {}

export const textOf = (body: Uint8Array) => Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString()

function copied(body: object): unknown {
  try {
    return copy(body)
  } catch (cause) {
    if (cause instanceof DecodeError) throw new StatusError('BadRequest', cause.message, undefined, { cause })
    throw cause
  }
}

/** An object of the kind, pruned and normalised, with a warning for every unknown or doubled field (or a refusal, as asked). */
export function decodeBody(
  kind: Kind,
  request: ApiRequest,
  validation: FieldValidation,
  catalog: Pick<Catalog, 'byKind'>,
  keepsZeros = false,
): { draft: JsonObject; warnings: readonly string[]; unknownFields: readonly string[]; hasZeros: boolean } {
  const { value, duplicates } = readBody(request, (problem, body) => unrecognized(kind, problem, body))
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new StatusError('BadRequest', 'the body of the request is not an object')
  const given = value as JsonObject
  checkType(kind, given, catalog)
  const { object, unknownFields, hasZeros } = decodeFor(kind, given, keepsZeros)
  const complaints = [...unknownFields.map((field) => `unknown field "${field}"`), ...duplicates]
  if (validation === 'Strict' && complaints.length > 0)
    throw new StatusError('BadRequest', `${described(kind)}: strict decoding error: ${complaints.join(', ')}`)
  object.apiVersion = apiVersionOf(kind)
  object.kind = kind.kind
  return { draft: object, warnings: validation === 'Warn' ? complaints : [], unknownFields, hasZeros }
}

export interface Patch {
  readonly body: unknown
  /** What a patched value is as an object of the kind; throws, or warns, of fields that the patch brought and nobody knows. */
  decode(patched: JsonObject): JsonObject
  readonly warnings: Set<string>
}

/** The body of a patch, and how strictly its outcome is read. */
export function readPatch(kind: Kind, request: ApiRequest, validation: FieldValidation): Patch {
  const { value: body, duplicates } = readBody(request, (problem) => `error decoding patch: ${problem.slice(problem.indexOf(': ') + 2)}`)
  const warnings = new Set<string>()
  return {
    body,
    warnings,
    decode(patched) {
      const { object, unknownFields } = decodeFor(kind, patched)
      const complaints = [...unknownFields.map((field) => `unknown field "${field}"`), ...duplicates]
      if (validation === 'Strict' && complaints.length > 0) {
        const message = `Invalid value: ${JSON.stringify(JSON.stringify(body))}: strict decoding error: ${complaints.join(', ')}`
        throw new StatusError('Invalid', ` "" is invalid: patch: ${message}`, {
          causes: [{ reason: 'FieldValueInvalid', message, field: 'patch' }],
        })
      }
      if (validation === 'Warn') for (const complaint of complaints) warnings.add(complaint)
      return object
    },
  }
}

/** Decoding whose errors are the API's. */
export function decodeFor(kind: Kind, value: JsonObject, keepsZeros = false): ReturnType<typeof decodeObject> {
  try {
    return kind.decode?.(value) ?? decodeObject(kind.schema, value, kind.kind, keepsZeros)
  } catch (cause) {
    if (cause instanceof DecodeError) throw new StatusError('BadRequest', `${described(kind)}: ${cause.message}`, undefined, { cause })
    throw cause
  }
}

const described = (kind: Kind) => `${kind.kind} in version "${kind.version}" cannot be handled as a ${kind.kind}`

const unrecognized = ({ kind }: Kind, problem: string, body: Uint8Array) =>
  `the object provided is unrecognized (must be of type ${kind}): ${problem} (${summary(body)})`

/** The beginning of a body: as it is where it looks like JSON, else in hexadecimal digits. */
function summary(body: Uint8Array): string {
  if (body.length === 0) return '<empty>'
  const start = Buffer.from(body.subarray(0, summaryBytes))
  const shown = start[0] === openBrace ? start.toString() : start.toString('hex')
  return body.length > summaryBytes ? `${shown} ...` : shown
}

const summaryBytes = 30
const openBrace = '{'.charCodeAt(0)

function parseJson(body: Uint8Array): Body {
  const { keys, depth } = scanJson(body)
  if (depth > maxDepth) throw badJson('exceeded max depth')
  const text = textOf(body)
  try {
    const value: unknown = JSON.parse(text)
    const duplicates = keys > countKeys(value) ? duplicateFields(text).map((field) => `duplicate field "${field}"`) : []
    return { value, duplicates }
  } catch (cause) {
    if (cause instanceof SyntaxError) throw badJson(jsonSyntaxProblem(Buffer.from(body).toString('latin1')) ?? cause.message, cause)
    throw cause
  }
}

const badJson = (problem: string, cause?: Error) => new SyntaxProblem(`couldn't get version/kind; json parse error: ${problem}`, { cause })

/** Of bodies that are JSON by now, what was told when they were read as YAML. */
const doubledInYaml = new WeakMap<Uint8Array, readonly string[]>()

/** Tells `decodeBody` of keys that stood twice in what the bytes were made of. */
export function rememberDoubled(json: Uint8Array, doubled: readonly string[]): void {
  if (doubled.length > 0) doubledInYaml.set(json, doubled)
}

const told = (doubled: readonly string[]) => (doubled.length > 0 ? [`yaml: unmarshal errors:\n${doubled.join('\n')}`] : [])

/** Many send JSON as YAML (kubectl applies so), and JSON is read a hundred times faster. */
function parseYaml(body: Uint8Array): Body {
  const text = textOf(body)
  const doubledBefore = doubledInYaml.get(body)
  if (doubledBefore) return { ...parseJson(body), duplicates: told(doubledBefore) }
  if (/^\s*\{/.test(text)) {
    try {
      return parseJson(body)
    } catch (cause) {
      // A flow mapping of YAML that is no JSON.
      if (!(cause instanceof SyntaxProblem)) throw cause
    }
  }
  try {
    const { value, doubled } = parseYamlText(text)
    return { value, duplicates: told(doubled) }
  } catch (cause) {
    if (cause instanceof DecodeError) throw new SyntaxProblem(`error converting YAML to JSON: ${cause.message}`, { cause })
    throw cause
  }
}
