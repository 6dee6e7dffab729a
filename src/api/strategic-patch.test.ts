import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { builtinCatalog } from './catalog.ts'
import { isJsonObject } from './merge-patch.ts'
import { type JsonObject, setField } from './object.ts'
import type { Field, Schema } from './schema.ts'
import { strategicPatch } from './strategic-patch.ts'

const text: Schema = { type: 'string' }
const object = (fields: Record<string, Field>): Schema => ({
  type: 'object',
  name: undefined,
  fields: new Map(Object.entries(fields)),
  required: new Set(),
  atomic: false,
  open: false,
})
const plain: Field = { schema: () => text, patchStrategy: [], patchMergeKey: undefined }
const list = (item: Schema, key?: string): Field => ({
  schema: () => ({ type: 'list', item: () => item, list: 'map', keys: [] }),
  patchStrategy: ['merge'],
  patchMergeKey: key,
})
const schema = object({ containers: list(object({ name: plain, image: plain }), 'name'), finalizers: list(text) })
const two = { containers: [{ name: 'a', image: '1' }, { name: 'b' }] }

test.each([
  [two, { containers: [{ name: 'a', image: '2' }] }, { containers: [{ name: 'a', image: '2' }, { name: 'b' }] }],
  [two, { containers: [{ name: 'a', $patch: 'delete' }] }, { containers: [{ name: 'b' }] }],
  [two, { containers: [{ $patch: 'replace' }, { name: 'c' }] }, { containers: [{ name: 'c' }] }],
  [two, { '$setElementOrder/containers': [{ name: 'b' }, { name: 'a' }] }, { containers: [two.containers[1], two.containers[0]] }],
  [{ finalizers: ['x', 'y'] }, { '$deleteFromPrimitiveList/finalizers': ['x'], finalizers: ['z'] }, { finalizers: ['z', 'y'] }],
  [two, { containers: [{ name: 'c' }] }, { containers: [{ name: 'c' }, ...two.containers] }],
  [two, { containers: [{ name: 'b', image: '2' }] }, { containers: [two.containers[0], { name: 'b', image: '2' }] }],
  [
    { finalizers: ['x', 'y', 'z'] },
    { '$setElementOrder/finalizers': ['z', 'x'] },
    // What the server alone knows stays before what it stood before.
    { finalizers: ['y', 'z', 'x'] },
  ],
  [{ a: 1, b: 2 }, { $retainKeys: ['b'], b: 3 }, { b: 3 }],
  [{ a: 1 }, { a: null }, {}],
  // Two with one key, such as a port for TCP and for UDP: only the first is meant.
  [
    { containers: [{ name: 'a', image: '1' }, { name: 'a', image: '2' }, { name: 'b' }] },
    { containers: [{ name: 'b', image: '3' }] },
    {
      containers: [
        { name: 'a', image: '1' },
        { name: 'a', image: '2' },
        { name: 'b', image: '3' },
      ],
    },
  ],
  [
    {
      containers: [
        { name: 'a', image: '1' },
        { name: 'a', image: '2' },
      ],
    },
    { containers: [{ name: 'a', image: '3' }] },
    {
      containers: [
        { name: 'a', image: '3' },
        { name: 'a', image: '2' },
      ],
    },
  ],
  [{ containers: [{ name: 'a', image: '1' }, { name: 'a' }] }, { containers: [{ name: 'a', $patch: 'delete' }] }, { containers: [] }],
  [two, { containers: [{ name: 'a', $patch: 'delete' }, { name: 'a' }] }, { containers: [{ name: 'a' }, { name: 'b' }] }],
])('patches %j with %j', (original, patch, expected) => {
  expect(strategicPatch(schema, original, patch)).toEqual(expected)
})

// Each was looked up in the whole list, which took minutes.
test('many of many primitives are taken out in one pass', () => {
  const finalizers = Array.from({ length: 200_000 }, (_, index) => `x${index}`)
  expect(strategicPatch(schema, { finalizers }, { '$deleteFromPrimitiveList/finalizers': finalizers.toReversed() })).toEqual({
    finalizers: [],
  })
})

test('a list item without its merge key is refused', () => {
  expect(() => strategicPatch(schema, two, { containers: [{ image: 'x' }] })).toThrow('does not contain declared merge key: name')
})

test.each([
  [{ $retainKeys: 'a', a: 1 }, 400, 'invalid patch format of retainKeys'],
  [{ $retainKeys: [1], a: 1 }, 400, 'invalid patch format of retainKeys'],
  [{ $retainKeys: ['b'], a: 1 }, 422, 'the server rejected our request due to an error in our request'],
  [{ '$setElementOrder/finalizers': 'x' }, 400, 'invalid patch format of setElementOrder list'],
  [{ '$deleteFromPrimitiveList/finalizers': 'x' }, 400, 'invalid patch format of primitive list'],
  [
    { finalizers: ['z', 'y'], '$setElementOrder/finalizers': ['y', 'z'] },
    400,
    'The order in patch list:\n["z","y"]\n doesn\'t match $setElementOrder/finalizers list:\n["y","z"]\n',
  ],
  [{ $patch: 'eat' }, 400, 'Unknown patch type: eat'],
])('%j is refused', (patch, code, message) => {
  expect(() => strategicPatch(schema, { finalizers: ['x'] }, patch)).toThrow(expect.objectContaining({ code, message }))
})

const { schema: podSchema } = builtinCatalog().byResource('', 'v1', 'pods') ?? { schema }

/** The patch that leads from one object to another, as clients make it: what is gone is named, and lists say their order. */
function patchBetween(of: Schema, before: JsonObject, after: JsonObject): JsonObject {
  const patch: JsonObject = {}
  for (const name of Object.keys(before)) if (!Object.hasOwn(after, name)) setField(patch, name, null)
  for (const [name, value] of Object.entries(after)) {
    const old = Object.hasOwn(before, name) ? before[name] : undefined
    if (isDeepStrictEqual(old, value)) continue
    const field = of.type === 'object' ? of.fields.get(name) : undefined
    const inner = field?.schema() ?? (of.type === 'map' ? of.value() : undefined)
    if (!inner || old === undefined || !field?.patchStrategy.includes('merge')) {
      const isNested = inner && isJsonObject(old) && isJsonObject(value)
      setField(patch, name, isNested ? patchBetween(inner, old, value) : value)
      continue
    }
    const [was, is] = [old as readonly unknown[], value as readonly unknown[]]
    const key = field.patchMergeKey
    if (key === undefined || inner.type !== 'list') {
      patch[name] = is.filter((item) => !was.includes(item))
      patch[`$setElementOrder/${name}`] = is
      patch[`$deleteFromPrimitiveList/${name}`] = was.filter((item) => !is.includes(item))
      continue
    }
    const keyed = (items: readonly unknown[]) => new Map((items as JsonObject[]).map((item) => [item[key], item]))
    const [left, right] = [keyed(was), keyed(is)]
    const changed = [...right].map(([id, item]) => ({ ...patchBetween(inner.item(), left.get(id) ?? {}, item), [key]: id }))
    const gone = [...left.keys()].filter((id) => !right.has(id)).map((id) => ({ $patch: 'delete', [key]: id }))
    patch[name] = [...changed, ...gone]
    patch[`$setElementOrder/${name}`] = [...right.keys()].map((id) => ({ [key]: id }))
  }
  return patch
}

const value = fc.constantFrom('1', '2')
const named = <T>(more: Record<string, fc.Arbitrary<T>>) =>
  fc.record({ name: fc.constantFrom('a', 'b', 'c', 'd'), ...more }, { requiredKeys: ['name'] })
const unique = <T extends { name: unknown }>(item: fc.Arbitrary<T>) =>
  fc.uniqueArray(item, { maxLength: 4, selector: ({ name }) => String(name) })
const pod = fc.record(
  {
    metadata: fc.record({
      labels: fc.dictionary(fc.constantFrom('l', 'm', '__proto__'), value),
      finalizers: fc.uniqueArray(fc.constantFrom('f', 'g', 'h', 'i'), { maxLength: 4 }),
    }),
    spec: fc.record(
      {
        containers: unique(named<unknown>({ image: value, env: unique(named({ value })), args: fc.array(value, { maxLength: 2 }) })),
        hostname: value,
        nodeSelector: fc.dictionary(fc.constantFrom('s', 't'), value),
      },
      { requiredKeys: ['containers'] },
    ),
  },
  { requiredKeys: ['metadata', 'spec'] },
)

test('the patch between two objects makes the one of the other', () => {
  fc.assert(
    fc.property(pod, pod, (before, after) => {
      const [left, right] = [before as unknown as JsonObject, after as unknown as JsonObject]
      const patch = patchBetween(podSchema, left, right)
      const untouched = JSON.stringify([left, patch])
      const patched = strategicPatch(podSchema, left, patch)
      expect(patched).toEqual(right)
      expect(JSON.stringify([left, patch])).toBe(untouched)
      // Once more it changes nothing.
      expect(strategicPatch(podSchema, patched, patch)).toEqual(right)
    }),
    { numRuns: 500 },
  )
})

test('what a patch replaces is replaced whole, at every level', () => {
  fc.assert(
    fc.property(pod, pod, (before, after) => {
      const { metadata, spec } = after as unknown as { metadata: JsonObject; spec: JsonObject }
      const containers = [...(spec.containers as unknown[]), { $patch: 'replace' }]
      const patch = { metadata: { ...metadata, $patch: 'replace' }, spec: { ...spec, containers, $patch: 'merge' } }
      const patched = strategicPatch(podSchema, before as unknown as JsonObject, patch) as { metadata: unknown; spec: JsonObject }
      expect(patched.metadata).toEqual(metadata)
      expect(patched.spec.containers).toEqual(spec.containers)
    }),
  )
})
