import fc from 'fast-check'
import { expect, test } from 'vitest'
import { builtinCatalog } from '../catalog.ts'
import { copy } from '../decode.ts'
import type { JsonObject } from '../object.ts'
import { fillDefaults } from './defaulting.ts'
import { pruned } from './pruning.ts'
import { structuralOf } from './structural.ts'

const configMap = builtinCatalog().byResource('', 'v1', 'configmaps')?.schema
const metadata = (configMap?.type === 'object' && configMap.fields.get('metadata')?.schema()) || { type: 'any' as const }
const rootOf = (spec: object) => structuralOf({ type: 'object', properties: { spec } })

function prune(spec: object, value: unknown): { spec: unknown; unknown: string[] } {
  const unknown: string[] = []
  const object = pruned(rootOf(spec), { apiVersion: 'x', kind: 'X', metadata: {}, spec: value }, metadata, unknown)
  return { spec: object.spec, unknown }
}

const text = { type: 'string' }
const one = { type: 'object', properties: { a: text } }
const keeping = { 'x-kubernetes-preserve-unknown-fields': true }

test.each<[string, object, unknown, unknown, string[]]>([
  ['unknown fields', one, { a: 'x', b: 1 }, { a: 'x' }, ['spec.b']],
  ['in lists', { type: 'array', items: one }, [{ b: 1 }], [{}], ['spec[0].b']],
  ['in maps', { type: 'object', additionalProperties: one }, { m: { b: 1 } }, { m: {} }, ['spec.m.b']],
  ['kept', { ...one, ...keeping }, { b: { c: 1 } }, { b: { c: 1 } }, []],
  [
    'kept, but for what is described',
    { type: 'object', ...keeping, properties: { d: one } },
    { d: { b: 1 }, e: { b: 1 } },
    { d: {}, e: { b: 1 } },
    ['spec.d.b'],
  ],
  [
    'of embedded objects',
    { ...one, 'x-kubernetes-embedded-resource': true },
    { apiVersion: 'v1', kind: 'X', metadata: { name: 'n', z: 1 }, b: 1 },
    { apiVersion: 'v1', kind: 'X', metadata: { name: 'n' } },
    ['spec.metadata.z', 'spec.b'],
  ],
  ['of objects without any', { type: 'object' }, { a: 1 }, {}, ['spec.a']],
  ['with JavaScript’s own names', one, JSON.parse('{"__proto__":{"a":1},"constructor":1}'), {}, ['spec.__proto__', 'spec.constructor']],
  ['that may be anything', { type: 'object', additionalProperties: true }, { a: { b: 1 } }, { a: { b: 1 } }, []],
])('pruning %s', (_, schema, value, expected, unknown) => {
  expect(prune(schema, value)).toEqual({ spec: expected, unknown })
})

test('pruning keeps what stands as an own field, whatever its name', () => {
  const value = JSON.parse('{"__proto__":{"a":"x"}}')
  expect(JSON.stringify(prune({ type: 'object', ...keeping }, value).spec)).toBe('{"__proto__":{"a":"x"}}')
})

const withDefaults = (spec: object, value: unknown) => {
  const object = { spec: copy(value) }
  fillDefaults(rootOf(spec), object)
  return object.spec
}

test.each<[string, object, unknown, unknown]>([
  ['a missing field', { type: 'object', properties: { a: { ...text, default: 'x' } } }, {}, { a: 'x' }],
  [
    'nothing in what is missing',
    { type: 'object', properties: { o: { type: 'object', properties: { a: { ...text, default: 'x' } } } } },
    {},
    {},
  ],
  [
    'what a default leaves out',
    { type: 'object', properties: { o: { type: 'object', default: {}, properties: { a: { ...text, default: 'x' } } } } },
    {},
    { o: { a: 'x' } },
  ],
  [
    'items',
    { type: 'array', items: { type: 'object', properties: { a: { ...text, default: 'x' } } } },
    [{}, { a: 'y' }],
    [{ a: 'x' }, { a: 'y' }],
  ],
  [
    'values of maps',
    { type: 'object', additionalProperties: { type: 'object', properties: { a: { ...text, default: 'x' } } } },
    { m: {} },
    { m: { a: 'x' } },
  ],
  [
    'null',
    { type: 'object', properties: { a: { ...text, default: 'x' }, b: text, c: { ...text, nullable: true, default: 'x' } } },
    { a: null, b: null, c: null },
    { a: 'x', c: null },
  ],
])('defaults of %s', (_, schema, value, expected) => {
  expect(withDefaults(schema, value)).toEqual(expected)
})

/** Structural schemas and values that meet them now and then. */
const names = fc.constantFrom('a', 'b', '__proto__', 'constructor')
const { schema: schemas } = fc.letrec<{ schema: object }>((tie) => ({
  schema: fc.oneof(
    { depthSize: 'small' },
    fc.record({ type: fc.constant('string'), default: fc.constantFrom('x', 'y'), nullable: fc.boolean() }, { requiredKeys: ['type'] }),
    fc.record({ type: fc.constant('integer'), default: fc.constant(1) }, { requiredKeys: ['type'] }),
    fc.record(
      {
        type: fc.constant('object'),
        properties: fc.dictionary(names, tie('schema'), { maxKeys: 3 }),
        'x-kubernetes-preserve-unknown-fields': fc.constant(true),
        default: fc.constant({}),
      },
      { requiredKeys: ['type', 'properties'] },
    ),
    fc.record({ type: fc.constant('object'), additionalProperties: tie('schema') }),
    fc.record({ type: fc.constant('array'), items: tie('schema') }),
  ),
}))
const { value: values } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    fc.constantFrom('x', 1, null, true),
    fc.dictionary(names, tie('value'), { maxKeys: 3 }),
    fc.array(tie('value'), { maxLength: 3 }),
  ),
}))

test('pruning and defaulting are idempotent, and pruned values stay so when defaults are filled in', () => {
  fc.assert(
    fc.property(schemas, values, (schema, value) => {
      const once = prune(schema, value).spec
      expect(prune(schema, once)).toEqual({ spec: once, unknown: [] })
      const filled = withDefaults(schema, once)
      expect(withDefaults(schema, filled)).toEqual(filled)
      expect(prune(schema, filled)).toEqual({ spec: filled, unknown: [] })
    }),
    { numRuns: 500 },
  )
  expect(({} as JsonObject).a).toBeUndefined()
})
