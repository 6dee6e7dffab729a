import { copy, DecodeError, decodeObject } from '../decode.ts'
import { maxComplaints, maxPathLength } from '../json-scan.ts'
import { isJsonObject } from '../merge-patch.ts'
import { type JsonObject, setField } from '../object.ts'
import type { Schema } from '../schema.ts'
import { metaFields, type Structural } from './structural.ts'

const maxDepth = 100

/**
 * A copy of an object without the fields that its schema does not know. `unknown` takes their paths, the first of many.
 * Metadata is read as that of any object; its wrong types are the only thing that is refused here.
 */
export function pruned(schema: Structural, value: JsonObject, metadata: Schema, unknown: string[] = []): JsonObject {
  return prunedFields({ metadata, unknown }, schema, value, '', 0, true)
}

/** The same of a value anywhere in an object, where metadata is taken as it is. */
export const prunedValue = (schema: Structural, value: unknown): unknown =>
  prunedBelow({ metadata: undefined, unknown: [] }, schema, value, '', 0)

interface Pass {
  readonly metadata: Schema | undefined
  readonly unknown: string[]
}

function prunedBelow(pass: Pass, schema: Structural, value: unknown, path: string, depth: number): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (depth > maxDepth) throw new DecodeError('exceeded max depth')
  if (!Array.isArray(value)) return prunedFields(pass, schema, value as JsonObject, path, depth, schema.isEmbedded)
  const item = schema.items()
  // A list where none belongs stays, and is refused for it.
  return item ? value.map((element, index) => prunedBelow(pass, item, element, `${path}[${index}]`, depth + 1)) : copy(value, depth)
}

function prunedFields(pass: Pass, schema: Structural, value: JsonObject, path: string, depth: number, isObject: boolean): JsonObject {
  const object: JsonObject = {}
  const properties = schema.properties()
  const additional = schema.additional()
  for (const name of Object.keys(value)) {
    const element = value[name]
    const at = path === '' ? name : `${path}.${name}`
    if (isObject && metaFields.has(name)) {
      setField(object, name, name === 'metadata' ? prunedMetadata(pass, element, at) : copy(element, depth))
      continue
    }
    const property = properties.get(name)
    if (property) setField(object, name, prunedBelow(pass, property, element, at, depth + 1))
    else if (typeof additional === 'object') setField(object, name, prunedBelow(pass, additional, element, at, depth + 1))
    else if (additional || schema.keepsUnknown) setField(object, name, copy(element, depth + 1))
    else if (pass.unknown.length < maxComplaints) pass.unknown.push(at.slice(0, maxPathLength))
  }
  return object
}

function prunedMetadata({ metadata, unknown }: Pass, value: unknown, path: string): unknown {
  if (!metadata) return copy(value)
  if (!isJsonObject(value)) {
    // An embedded object is refused by its schema; one without metadata has none.
    if (path !== 'metadata' || value === null || value === undefined) return value ?? {}
    throw new DecodeError(`json: cannot unmarshal ${typeName(value)} into Go struct field .metadata of type v1.ObjectMeta`)
  }
  const { object, unknownFields } = decodeObject(metadata, value, 'ObjectMeta')
  for (const field of unknownFields) if (unknown.length < maxComplaints) unknown.push(`${path}.${field}`.slice(0, maxPathLength))
  return object
}

const typeName = (value: unknown) => (Array.isArray(value) ? 'array' : typeof value === 'boolean' ? 'bool' : typeof value)
