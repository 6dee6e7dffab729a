import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Problem } from '../problem.ts'
import { formats } from './formats.ts'
import { checkLists } from './list-rules.ts'
import { schemaCheck } from './schema-validation.ts'
import { structuralOf } from './structural.ts'

const told = (problems: readonly Problem[]) => problems.map(({ field, message }) => `${field}: ${message}`)

function problems(schema: object, value: unknown, ...old: unknown[]): string[] {
  const found: Problem[] = []
  schemaCheck({ type: 'object', properties: { a: schema } })({ a: value }, '', found, old.length > 0 ? { value: { a: old[0] } } : undefined)
  return told(found)
}

const text = { type: 'string' }
const nested = (schema: object) => ({ type: 'object', properties: { b: schema } })

test.each<[string, object, unknown, string[]]>([
  ['a type', text, 1, ['a: Invalid value: "integer": a in body must be of type string: "integer"']],
  ['a whole number', { type: 'integer' }, 1.5, ['a: Invalid value: "number": a in body must be of type integer: "number"']],
  ['a number that is whole', { type: 'number' }, 1, []],
  ['null', text, null, ['a: Invalid value: "null": a in body must be of type string: "null"']],
  ['null where it may be', { ...text, nullable: true }, null, []],
  ['an integer or a string', { 'x-kubernetes-int-or-string': true }, 'x', []],
  [
    'neither of them',
    { 'x-kubernetes-int-or-string': true },
    true,
    ['a: Invalid value: "boolean": a in body must be of type integer,string: "boolean"'],
  ],
  [
    'an integer that no double holds',
    { type: 'integer', format: 'int64' },
    2 ** 53,
    ['a: Invalid value: 9007199254740992: a in body should be between -9007199254740991 and 9007199254740991'],
  ],
  [
    'an int32',
    { type: 'integer', format: 'int32' },
    2 ** 31,
    ['a: Invalid value: 2147483648: Checked value must be of type integer with format int32 in a'],
  ],
  [
    'a maximum',
    { type: 'integer', maximum: 1_000_000 },
    2_000_000,
    ['a: Invalid value: 2000000: a in body should be less than or equal to 1000000'],
  ],
  [
    'an exclusive minimum',
    { type: 'number', minimum: 1.5, exclusiveMinimum: true },
    1.5,
    ['a: Invalid value: 1.5: a in body should be greater than 1.5'],
  ],
  [
    'a large bound of a fraction',
    { type: 'number', minimum: 1_000_000 },
    0.5,
    ['a: Invalid value: 0.5: a in body should be greater than or equal to 1e+06'],
  ],
  ['a factor', { type: 'integer', multipleOf: 3 }, 4, ['a: Invalid value: 4: a in body should be a multiple of 3']],
  ['a factor that is kept', { type: 'integer', multipleOf: 3 }, 6, []],
  ['a decimal factor that is kept', { type: 'number', multipleOf: 0.1 }, 0.3, []],
  ['a decimal factor that doubles miss by a little', { type: 'number', multipleOf: 0.01 }, 4.35, []],
  ['a decimal factor', { type: 'number', multipleOf: 0.1 }, 0.35, ['a: Invalid value: 0.35: a in body should be a multiple of 0.1']],
  ['the shortest text', { ...text, minLength: 2 }, '😀', ['a: Invalid value: "😀": a in body should be at least 2 chars long']],
  ['the longest text', { ...text, maxLength: 1 }, 'xy', ['a: Too long: may not be more than 1 bytes']],
  ['a pattern', { ...text, pattern: '^a+$' }, 'b', ['a: Invalid value: "b": a in body should match \'^a+$\'']],
  ['a pattern found anywhere', { ...text, pattern: 'a' }, 'bab', []],
  ['a format', { ...text, format: 'ipv4' }, 'x', ['a: Invalid value: "x": a in body must be of type ipv4: "x"']],
  ['an unknown format', { ...text, format: 'whatever' }, 'x', []],
  ['a closed set', { ...text, enum: ['x', 'y'] }, 'z', ['a: Unsupported value: "z": supported values: "x", "y"']],
  ['the fewest items', { type: 'array', minItems: 1, items: text }, [], ['a: Invalid value: 0: a in body should have at least 1 items']],
  ['the most items', { type: 'array', maxItems: 1, items: text }, ['x', 'y'], ['a: Too many: 2: must have at most 1 items']],
  ['an item', { type: 'array', items: text }, ['x', 1], ['a[1]: Invalid value: "integer": a[1] in body must be of type string: "integer"']],
  ['a needed field', { ...nested(text), required: ['b', 'c'] }, { b: 'x' }, ['a.c: Required value']],
  ['a needed field with a default', { ...nested({ ...text, default: 'x' }), required: ['b'] }, {}, []],
  [
    'another field',
    { type: 'object', additionalProperties: text },
    { x: 1 },
    ['a.x: Invalid value: "integer": a.x in body must be of type string: "integer"'],
  ],
  [
    'the fewest fields',
    { type: 'object', minProperties: 1, additionalProperties: text },
    {},
    ['a: Invalid value: 0: a in body should have at least 1 properties'],
  ],
  [
    'the most fields',
    { type: 'object', maxProperties: 1, additionalProperties: text },
    { x: '', y: '' },
    ['a: Too many: 2: must have at most 1 items'],
  ],
  [
    'any of',
    { ...nested(text), anyOf: [{ required: ['b'] }, { required: ['c'] }] },
    {},
    ['<nil>: Invalid value: "": "a" must validate at least one schema (anyOf)', 'a.b: Required value'],
  ],
  [
    'one of, and none is kept',
    { ...text, oneOf: [{ pattern: 'x' }, { pattern: 'y' }] },
    'z',
    [
      '<nil>: Invalid value: "": "a" must validate one and only one schema (oneOf). Found none valid',
      'a: Invalid value: "z": a in body should match \'x\'',
    ],
  ],
  [
    'one of, and both are kept',
    { ...text, oneOf: [{ pattern: 'x' }, { pattern: 'y' }] },
    'xy',
    ['<nil>: Invalid value: "": "a" must validate one and only one schema (oneOf). Found 2 valid alternatives'],
  ],
  [
    'all of',
    { ...text, allOf: [{ pattern: 'x' }, { pattern: 'y' }] },
    'x',
    ['a: Invalid value: "x": a in body should match \'y\'', '<nil>: Invalid value: "": "a" must validate all the schemas (allOf)'],
  ],
  ['not', { ...text, not: { pattern: 'x' } }, 'x', ['<nil>: Invalid value: "": "a" must not validate the schema (not)']],
])('%s', (_, schema, value, expected) => {
  expect(problems(schema, value)).toEqual(expected)
})

describe('what has not changed is not checked again', () => {
  const keyed = {
    type: 'array',
    'x-kubernetes-list-type': 'map',
    'x-kubernetes-list-map-keys': ['k'],
    items: { type: 'object', properties: { k: text, v: { ...text, maxLength: 1 } } },
  }
  const atomic = { type: 'array', items: { ...text, maxLength: 1 } }

  test.each<[string, object, unknown, unknown, number]>([
    ['a value', { ...text, maxLength: 1 }, 'long', 'long', 0],
    ['another value', { ...text, maxLength: 1 }, 'longer', 'long', 1],
    [
      'a field beside one that changes',
      { type: 'object', properties: { b: { ...text, maxLength: 1 }, c: text } },
      { b: 'long', c: 'y' },
      { b: 'long', c: 'x' },
      0,
    ],
    ['an item of a keyed list', keyed, [{ k: 'x' }, { k: 'y', v: 'long' }], [{ k: 'y', v: 'long' }], 0],
    ['an item of a keyed list that changes', keyed, [{ k: 'y', v: 'longer' }], [{ k: 'y', v: 'long' }], 1],
    ['an item of another list', atomic, ['long', 'x'], ['long'], 1],
    ['what was not there', { ...text, maxLength: 1 }, 'long', undefined, 1],
  ])('%s', (_, schema, value, old, count) => {
    expect(problems(schema, value, old)).toHaveLength(count)
  })
})

test('no pattern blocks others for long', () => {
  const began = process.threadCpuUsage()
  const many = problems(
    { type: 'array', items: { ...text, pattern: '^(?:a?){400}$' } },
    Array.from({ length: 40 }, () => 'a'.repeat(50_000)),
  )
  const { user } = process.threadCpuUsage(began)
  expect(many[0]).toBe('a[0]: Invalid value: "": matching the patterns of the schema would take too long')
  expect(user / 1000).toBeLessThan(500)
})

test('alternatives within alternatives are each tried once', () => {
  let schema: object = { pattern: 'x' }
  for (let depth = 0; depth < 60; depth++) schema = { anyOf: [schema] }
  expect(problems({ ...text, ...schema }, 'y')).toHaveLength(61)
})

test.each<[string, readonly string[], readonly string[]]>([
  ['date', ['2024-02-29'], ['2023-02-29', '24-1-1']],
  ['date-time', ['2024-01-01T10:00:00Z', '2024-01-01T10:00:00.5+01:00'], ['2024-01-01', '2024-01-01T25:00:00Z']],
  ['duration', ['1h30m', '0', '3 days', '1.5s'], ['x', '1', '']],
  ['email', ['a@b.c'], ['a', '@b', 'a@']],
  ['hostname', ['a.b-c', 'x'], ['-a', 'a..b', '']],
  ['cidr', ['10.0.0.0/8', '::1/128'], ['10.0.0.0/33', '10.0.0.0', '1/2/3']],
  ['ipv6', ['::1'], ['1.2.3.4', '::g']],
  ['mac', ['01:23:45:67:89:ab'], ['01:23']],
  ['uuid', ['123e4567-e89b-12d3-a456-426614174000'], ['x']],
  ['uuid4', ['123e4567-e89b-42d3-a456-426614174000'], ['123e4567-e89b-12d3-a456-426614174000']],
  ['isbn', ['0-306-40615-2', '978-0-306-40615-7'], ['0-306-40615-3']],
  ['creditcard', ['4111 1111 1111 1111'], ['4111111111111112']],
  ['byte', ['YQ=='], ['Y', '***']],
  ['uri', ['https://example.org/a', '/a'], ['a b', 'x']],
  ['hexcolor', ['#fff', 'a0b1c2'], ['#ff']],
  ['rgbcolor', ['rgb(1, 2, 255)'], ['rgb(1,2,256)']],
  ['k8s-short-name', ['a-b'], ['a.b', 'A']],
  ['k8s-long-name', ['a.b'], ['a..b']],
])('the format %s', (format, good, bad) => {
  const keeps = formats.get(format)
  expect(good.filter((value) => !keeps?.(value))).toEqual([])
  expect(bad.filter((value) => keeps?.(value))).toEqual([])
})

test('formats never throw, whatever the text', () => {
  fc.assert(
    fc.property(fc.constantFrom(...formats.keys()), fc.string({ unit: 'binary', maxLength: 50 }), (format, value) => {
      expect(typeof formats.get(format)?.(value)).toBe('boolean')
    }),
  )
})

test.each<[string, object, unknown, string[]]>([
  [
    'a set',
    { type: 'array', 'x-kubernetes-list-type': 'set', items: { type: 'object', 'x-kubernetes-map-type': 'atomic' } },
    [
      { a: 1, b: 2 },
      { b: 2, a: 1 },
    ],
    ['a[1]: Duplicate value: {"b":2,"a":1}'],
  ],
  [
    'a keyed list',
    { type: 'array', 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['k'], items: nested(text) },
    [{ k: 'x' }, { k: 'y' }, { k: 'x', b: 'z' }],
    ['a[2]: Duplicate value: {"k":"x"}'],
  ],
  [
    'a list of lists',
    { type: 'array', items: { type: 'array', 'x-kubernetes-list-type': 'set', items: text } },
    [['x'], ['y', 'y']],
    ['a[1][1]: Duplicate value: "y"'],
  ],
  [
    'a map of lists',
    { type: 'object', additionalProperties: { type: 'array', 'x-kubernetes-list-type': 'set', items: text } },
    { m: ['y', 'y'] },
    ['a[m][1]: Duplicate value: "y"'],
  ],
])('doubled items of %s', (_, schema, value, expected) => {
  const found: Problem[] = []
  checkLists(found, structuralOf({ type: 'object', properties: { a: schema } }), { a: value })
  expect(told(found)).toEqual(expected)
})
