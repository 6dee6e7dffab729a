import { assert } from '../../base/assert.ts'
import { WireWriter } from '../protobuf/wire-writer.ts'

/** How many paths or definitions make a piece: about a millisecond's worth. */
const pieceLength = 20

/**
 * A Swagger document as kubectl up to 1.26 reads it: gnostic's messages for OpenAPI v2 (package openapi.v2 of
 * github.com/google/gnostic-models). Only what documents of this server hold is known here; anything else is a bug.
 * In pieces, so that others are answered between them: readers of protobuf join what stands twice.
 */
export function* openApiV2Pieces({ paths, definitions, ...head }: OpenApiV2): Generator<Uint8Array> {
  yield encoded(head)
  for (const some of inPieces(paths)) yield encoded({ paths: some })
  for (const some of inPieces(definitions)) yield encoded({ definitions: some })
}

export interface OpenApiV2 {
  readonly swagger: string
  readonly info: object
  readonly paths: object
  readonly definitions: object
}

function encoded(part: Json): Uint8Array {
  const writer = new WireWriter()
  wholeDocument(writer, part)
  return writer.take()
}

function* inPieces(map: object): Generator<object> {
  const entries = Object.entries(map)
  for (let first = 0; first < entries.length; first += pieceLength) yield Object.fromEntries(entries.slice(first, first + pieceLength))
}

type Json = { readonly [field: string]: unknown }
/** The content of a message. */
type Content<T> = (writer: WireWriter, value: T) => void
/** A field of this number, or nothing. The writer goes from the end to the beginning: what comes last is written first. */
type Field<T> = (writer: WireWriter, number: number, value: T) => void

const text: Field<string> = (writer, number, value) => {
  const before = writer.length
  writer.string(value)
  writer.close(number, before)
}

const flag: Field<boolean> = (writer, number, value) => {
  if (!value) return
  writer.integer(1)
  writer.tag(number, 0)
}

const message =
  <T>(content: Content<T>): Field<T> =>
  (writer, number, value) => {
    const before = writer.length
    content(writer, value)
    writer.close(number, before)
  }

const many =
  <T>(field: Field<T>): Field<readonly T[]> =>
  (writer, number, values) => {
    for (const value of [...values].reverse()) field(writer, number, value)
  }

/** A message with one field. */
const only = <T>(number: number, field: Field<T>): Field<T> => message((writer, value) => field(writer, number, value))

/** A map as pairs of a name and a value. */
const named = <T>(value: Field<T>): Field<Readonly<Record<string, T>>> => {
  const pair = message<readonly [string, T]>((writer, [name, content]) => {
    value(writer, 2, content)
    text(writer, 1, name)
  })
  return (writer, number, map) => many(pair)(writer, number, Object.entries(map))
}

/** A value of any shape, as YAML; which JSON is. */
const any: Field<unknown> = message((writer, value) => text(writer, 2, JSON.stringify(value)))
const extension = named(any)

/** Fields by their names in JSON; what begins with `x-` goes into the field `extensions`. */
function object(known: () => Readonly<Record<string, readonly [number: number, field: Field<never>]>>, extensions: number): Content<Json> {
  return (writer, value) => {
    const fields = known()
    for (const [name, part] of Object.entries(value).reverse()) {
      const found = Object.hasOwn(fields, name) ? fields[name] : undefined
      if (found) found[1](writer, found[0], part as never)
      else {
        assert(name.startsWith('x-'), `a document has the unknown field ${name}`)
        extension(writer, extensions, { [name]: part })
      }
    }
  }
}

const schema: Field<Json> = message(
  object(
    () => ({
      $ref: [1, text],
      format: [2, text],
      description: [4, text],
      default: [5, any],
      required: [19, many(text)],
      enum: [20, many(any)],
      additionalProperties: [21, only(1, schema)],
      type: [22, only(1, text)],
      items: [23, only(1, schema)],
      properties: [25, only(1, named(schema))],
    }),
    31,
  ),
)

const parameterFields = (description: number, type: number) =>
  object(() => ({ required: [1, flag], in: [2, text], description: [3, text], name: [4, text], type: [type, text] }), description)
const inQuery = only(2, only(3, message(parameterFields(23, 6))))
const inPath = only(2, only(4, message(parameterFields(22, 5))))
/** A parameter, which is none of a body, in the query or in the path. */
const parameter: Field<Json> = (writer, number, value) => {
  assert(value.in === 'query' || value.in === 'path', 'parameters of documents are in the query or in the path')
  only(1, value.in === 'query' ? inQuery : inPath)(writer, number, value)
}

const response = only(1, message(object(() => ({ description: [1, text] }), 5)))
const operation: Field<Json> = message(
  object(
    () => ({
      description: [3, text],
      operationId: [5, text],
      parameters: [8, many(parameter)],
      responses: [9, only(1, named(response))],
    }),
    13,
  ),
)
const pathItem: Field<Json> = message(
  object(
    () => ({
      get: [2, operation],
      put: [3, operation],
      post: [4, operation],
      delete: [5, operation],
      patch: [8, operation],
      parameters: [9, many(parameter)],
    }),
    10,
  ),
)
const info: Field<Json> = message(object(() => ({ title: [1, text], version: [2, text] }), 7))
const wholeDocument = object(
  () => ({ swagger: [1, text], info: [2, info], paths: [8, only(2, named(pathItem))], definitions: [9, only(1, named(schema))] }),
  16,
)
