import { type Adapt, adaptJson, JsonList, JsonMap } from '../../cel/json-values.ts'
import { parseDuration, parseTimestamp } from '../../cel/times.ts'
import { bool, bytes, type CelType, double, duration, dyn, int, listOf, mapOf, string, timestamp } from '../../cel/types.ts'
import { CelMap, type CelValue } from '../../cel/values.ts'
import type { JsonObject } from '../../object.ts'
import type { Structural } from '../structural.ts'
import { fieldName } from './field-names.ts'

/** What rules know of a part of a schema: its type, how its values are seen, and how big it can be. */
export interface Declared {
  readonly type: CelType
  readonly adapt: Adapt
  /** Characters, items or entries at most; 0 for what has none. */
  readonly maxSize: number
  /** In bytes of JSON, at least. */
  readonly minBytes: number
  /** By the names that expressions use; of objects with declared fields. */
  readonly fields?: ReadonlyMap<string, Declared>
  /** Of lists and maps. */
  readonly element?: Declared
}

/** What one request brings at most. */
export const maxRequestBytes = 3 << 20

const sizes = { duration: { max: 32, min: 3 }, date: { max: 12, min: 12 }, 'date-time': { max: 21, min: 21 } }
const minText = 2
const minBool = 4
const minNumber = 1

/** The declaration of a schema; undefined where rules cannot see what it describes. `name` is what its type is called. */
export function declare(schema: Structural, name: string, isResource: boolean): Declared | undefined {
  if (schema.isIntOrString) return declareEither(schema)
  switch (schema.type) {
    case 'array':
      return declareList(schema, name)
    case 'object':
      return declareObject(schema, name, isResource)
    case 'string':
      return declareText(schema)
    case 'boolean':
      return { type: bool, adapt: adaptJson, maxSize: 0, minBytes: minBool }
    case 'number':
      return { type: double, adapt: adaptNumber, maxSize: 0, minBytes: minNumber }
    case 'integer':
      return { type: int, adapt: adaptJson, maxSize: 0, minBytes: minNumber }
    default:
      return undefined
  }
}

const numberIn = (value: unknown): number | undefined => (typeof value === 'number' ? Math.max(value, 0) : undefined)

/** A length is in characters, of which each may take four bytes. */
function textSize({ node }: Structural): number {
  const length = numberIn(node.maxLength)
  return length === undefined ? maxRequestBytes - 2 : length * 4
}

const declareEither = (schema: Structural): Declared => ({ type: dyn, adapt: adaptJson, maxSize: textSize(schema), minBytes: minNumber })

const adaptNumber: Adapt = (json) => (typeof json === 'number' ? json : adaptJson(json))

function declareText(schema: Structural): Declared {
  const { node } = schema
  switch (node.format) {
    case 'byte':
      return { type: bytes, adapt: adaptBytes, maxSize: numberIn(node.maxLength) ?? maxRequestBytes - 2, minBytes: minText }
    case 'duration':
      return { type: duration, adapt: adaptText(parseDuration), maxSize: sizes.duration.max, minBytes: sizes.duration.min }
    case 'date':
      return {
        type: timestamp,
        adapt: adaptText((text) => parseTimestamp(`${text}T00:00:00Z`)),
        maxSize: sizes.date.max,
        minBytes: sizes.date.min,
      }
    case 'date-time':
      return { type: timestamp, adapt: adaptText(parseTimestamp), maxSize: sizes['date-time'].max, minBytes: sizes['date-time'].min }
    default:
      return { type: string, adapt: adaptJson, maxSize: enumSize(schema) ?? textSize(schema), minBytes: minText }
  }
}

/** The longest of the values that there may be. */
function enumSize({ node }: Structural): number | undefined {
  if (node.maxLength !== undefined || !Array.isArray(node.enum) || node.enum.length === 0) return undefined
  return node.enum.reduce<number>((most, value) => Math.max(most, typeof value === 'string' ? Buffer.byteLength(value) : 0), 0)
}

const adaptText =
  (parse: (text: string) => CelValue | undefined): Adapt =>
  (json) =>
    (typeof json === 'string' ? parse(json) : undefined) ?? adaptJson(json)

const adaptBytes: Adapt = (json) => (typeof json === 'string' ? new Uint8Array(Buffer.from(json, 'base64')) : adaptJson(json))

function declareList({ items, listType, listKeys, node }: Structural, name: string): Declared | undefined {
  const schema = items()
  const element = schema && declare(schema, `${name}.@items`, schema.isEmbedded)
  if (!element) return undefined
  const order = listType === 'set' ? 'set' : listType === 'map' ? listKeys.flatMap((key) => fieldName(key) ?? []) : undefined
  return {
    type: listOf(element.type),
    adapt: (json) => (Array.isArray(json) ? new JsonList(json, element.adapt, order) : adaptJson(json)),
    maxSize: numberIn(node.maxItems) ?? Math.floor((maxRequestBytes - 2) / (element.minBytes + 1)),
    minBytes: 2,
    element,
  }
}

const isObject = (json: unknown): json is JsonObject => typeof json === 'object' && json !== null && !Array.isArray(json)

function declareObject(schema: Structural, name: string, isResource: boolean): Declared | undefined {
  const others = schema.additional()
  if (typeof others === 'object') {
    const element = declare(others, `${name}.@values`, others.isEmbedded)
    if (!element) return undefined
    return {
      type: mapOf(string, element.type),
      adapt: (json) => (isObject(json) ? new JsonMap(json, element.adapt) : adaptJson(json)),
      maxSize: numberIn(schema.node.maxProperties) ?? Math.floor((maxRequestBytes - 2) / (element.minBytes + 6)),
      minBytes: 2,
      element,
    }
  }
  const fields = new Map<string, Declared>()
  const places = new Map<string, string>()
  const needed = new Set(Array.isArray(schema.node.required) ? schema.node.required : [])
  let minBytes = 2
  const put = (property: string, declared: Declared) => {
    const field = fieldName(property)
    if (field === undefined) return
    fields.set(field, declared)
    places.set(field, property)
  }
  for (const [property, part] of schema.properties()) {
    const declared = declare(part, `${name}.${property}`, part.isEmbedded)
    if (!declared) continue
    put(property, declared)
    if (needed.has(property) && part.default === undefined) minBytes += property.length + declared.minBytes + 4
  }
  if (isResource) {
    put('apiVersion', plainText)
    put('kind', plainText)
    if (!isFullMetadata(fields.get('metadata'))) put('metadata', metadata(`${name}.metadata`))
  }
  return objectDeclaration(name, fields, places, minBytes)
}

const plainText: Declared = { type: string, adapt: adaptJson, maxSize: maxRequestBytes - 2, minBytes: minText }

const isFullMetadata = (declared: Declared | undefined) =>
  declared?.fields?.get('name')?.type.kind === 'string' && declared.fields.get('generateName')?.type.kind === 'string'

/** What of metadata rules may rely on. */
function metadata(name: string): Declared {
  const names = ['name', 'generateName']
  return objectDeclaration(name, new Map(names.map((field) => [field, plainText])), new Map(names.map((field) => [field, field])), 2)
}

function objectDeclaration(
  name: string,
  fields: ReadonlyMap<string, Declared>,
  places: ReadonlyMap<string, string>,
  minBytes: number,
): Declared {
  return {
    type: { kind: 'object', name, field: (field) => fields.get(field)?.type },
    adapt: (json) => (isObject(json) ? new DeclaredObject(name, json, fields, places) : adaptJson(json)),
    maxSize: 0,
    minBytes,
    fields,
  }
}

/** An object of which declared fields alone are seen. */
class DeclaredObject extends CelMap {
  readonly #name: string
  readonly #json: JsonObject
  readonly #fields: ReadonlyMap<string, Declared>
  readonly #places: ReadonlyMap<string, string>

  constructor(name: string, json: JsonObject, fields: ReadonlyMap<string, Declared>, places: ReadonlyMap<string, string>) {
    super()
    this.#name = name
    this.#json = json
    this.#fields = fields
    this.#places = places
  }

  override get typeName() {
    return this.#name
  }

  get size() {
    return [...this.keys()].length
  }

  has(key: CelValue) {
    const place = typeof key === 'string' ? this.#places.get(key) : undefined
    return place !== undefined && Object.hasOwn(this.#json, place) && this.#json[place] !== undefined
  }

  get(key: CelValue) {
    if (typeof key !== 'string' || !this.has(key)) return undefined
    return this.#fields.get(key)?.adapt(this.#json[this.#places.get(key) ?? ''])
  }

  *keys() {
    for (const key of this.#fields.keys()) if (this.has(key)) yield key
  }
}
