import fc from 'fast-check'
import { expect, test } from 'vitest'
import { builtinCatalog } from '../catalog.ts'
import { decodeCbor, encodeCbor } from '../cbor.ts'
import { decodeObject } from '../decode.ts'
import type { JsonObject } from '../object.ts'
import { apiVersionOf } from '../resource-ref.ts'
import type { Schema } from '../schema.ts'
import { protobufCodec } from './envelope.ts'

const catalog = builtinCatalog(new Map([['api/all', true]]))
const codec = protobufCodec(catalog.definitions, catalog.messages)
const maxDepth = 9

/** Numbers from 0 to 1, always the same from one seed. */
function numbersFrom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
}

/** A value that a schema allows: each field is there or not, empty or zero as often as not. */
function anyOf(schema: Schema, random: () => number, depth: number): unknown {
  const pick = <T>(...choices: readonly T[]): T => choices[Math.floor(random() * choices.length)] as T
  switch (schema.type) {
    case 'object': {
      const object: JsonObject = {}
      // The type of an object in another one is nothing to protobuf.
      const isObject = schema.fields.has('metadata')
      for (const [name, field] of schema.fields)
        if (!(isObject && (name === 'apiVersion' || name === 'kind')) && random() < (depth > 3 ? 0.25 : 0.5) && depth < maxDepth)
          object[name] = anyOf(field.schema(), random, depth + 1)
      return object
    }
    case 'map':
      return Object.fromEntries(
        Array.from({ length: depth < maxDepth ? pick(0, 1, 2) : 0 }, () => [
          pick('a', 'b/c', '__proto__', ''),
          anyOf(schema.value(), random, depth + 1),
        ]),
      )
    case 'list':
      return Array.from({ length: depth < maxDepth ? pick(0, 1, 3) : 0 }, () => anyOf(schema.item(), random, depth + 1))
    case 'string':
      return pick('', 'a', 'text é \u{1f600}', '0')
    case 'bytes':
      return pick('', 'AAH/')
    case 'integer':
      return schema.format === 'int64'
        ? pick(0, 1, -1, 300, 2 ** 53 - 1, -(2 ** 53) + 1)
        : pick(0, 1, -1, 127, 128, 2 ** 31 - 1, -(2 ** 31))
    case 'number':
      return pick(0, 1.5, -1e300)
    case 'boolean':
      return pick(true, false)
    case 'int-or-string':
      return pick<unknown>(0, 8080, -1, '25%', '')
    case 'quantity':
      return pick('0', '1500m', '1Gi')
    case 'time':
      return pick('2026-11-24T08:30:00Z', '1970-01-01T00:00:01Z')
    case 'micro-time':
      return pick('2026-11-24T08:30:00.000123Z', '2026-11-24T08:30:00.000000Z')
    case 'any':
      return pick<unknown>({ any: [1, 'two', null, { b: {} }] }, { a: 'b' })
  }
}

/** What an empty list, map or struct says is nothing in protobuf. */
function withoutEmpty(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutEmpty)
  if (typeof value !== 'object' || value === null) return value
  const kept = Object.entries(value)
    .map(([key, element]) => [key, withoutEmpty(element)] as const)
    .filter(([, element]) => typeof element !== 'object' || element === null || Object.keys(element).length > 0)
  return Object.fromEntries(kept)
}

test('whatever an object of any kind holds, protobuf and CBOR bring it back as JSON has it', () => {
  // What a definition's schemas hold is of types that their own schema leaves open.
  const kinds = catalog.kinds.filter(({ kind }) => kind !== 'CustomResourceDefinition')
  fc.assert(
    fc.property(fc.nat(kinds.length - 1), fc.integer(), (index, seed) => {
      const kind = kinds[index]
      if (!kind) return
      const type = { apiVersion: apiVersionOf(kind), kind: kind.kind }
      const given = { ...(anyOf(kind.schema, numbersFrom(seed), 0) as JsonObject), ...type }
      const { object } = decodeObject(kind.schema, given, kind.kind)
      expect(decodeCbor(encodeCbor(object))).toEqual(JSON.parse(JSON.stringify(object)))
      if (!codec.knows(type)) return
      const turned = codec.decode(codec.encode(object) ?? Buffer.alloc(0))
      expect(withoutEmpty(decodeObject(kind.schema, turned, kind.kind).object)).toEqual(withoutEmpty(object))
      // A list says the same of it.
      const head = { apiVersion: type.apiVersion, kind: kind.listKind, metadata: { resourceVersion: '7' } }
      const encoding = codec.listEncoding(head)
      if (!encoding) return
      const item = encoding.item(object)
      const list = codec.decode(Buffer.concat([encoding.opening(item.length), item, encoding.closing]))
      const { apiVersion: _, kind: __, ...bare } = turned
      expect(list).toEqual({ ...head, items: [bare] })
    }),
    { numRuns: 600 },
  )
})
