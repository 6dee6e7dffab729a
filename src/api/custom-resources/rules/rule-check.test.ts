import { describe, expect, test } from 'vitest'
import { checkRuleExpressions } from '../../apiextensions/rule-costs.ts'
import type { SchemaNode } from '../../apiextensions/schema-node.ts'
import type { Found } from '../../checks.ts'
import type { JsonObject } from '../../object.ts'
import { compileRules } from './rule-check.ts'

const rules = (...all: (string | object)[]) => ({
  'x-kubernetes-validations': all.map((rule) => (typeof rule === 'string' ? { rule } : rule)),
})
const specOf = (spec: object): SchemaNode => ({ type: 'object', properties: { spec } })
const object = (properties: object, ...all: (string | object)[]) => specOf({ type: 'object', properties, ...rules(...all) })
const integer = { type: 'integer' }
const text = { type: 'string' }

async function problemsOf(schema: SchemaNode, value: object, old?: object): Promise<string[]> {
  const check = compileRules(schema)
  return ((await check?.(value as JsonObject, old as JsonObject | undefined)) ?? []).map(({ field, message }) => `${field}: ${message}`)
}

describe('rules of an object', () => {
  const replicas = { replicas: integer, min: integer }
  test.each<[string, SchemaNode, object, string[]]>([
    ['hold', object(replicas, 'self.min <= self.replicas'), { spec: { min: 1, replicas: 2 } }, []],
    [
      'do not hold',
      object(replicas, 'self.min <= self.replicas'),
      { spec: { min: 3, replicas: 2 } },
      ['spec: Invalid value: "object": failed rule: self.min <= self.replicas'],
    ],
    ['have a message', object(replicas, { rule: 'false', message: ' no ' }), { spec: {} }, ['spec: Invalid value: "object": no']],
    [
      'have an expression for it',
      object(replicas, { rule: 'self.min > 5', message: 'no', messageExpression: '"min is " + string(self.min)' }),
      { spec: { min: 3 } },
      ['spec: Invalid value: "object": min is 3'],
    ],
    [
      'have a message that cannot be made',
      object(replicas, { rule: 'self.min > 5', message: 'no', messageExpression: 'string(self.replicas)' }),
      { spec: { min: 3 } },
      ['spec: Invalid value: "object": no'],
    ],
    [
      'name a field',
      object({ labels: { type: 'object', additionalProperties: text } }, { rule: 'false', message: 'm', fieldPath: ".labels['a.b']" }),
      { spec: {} },
      ['spec.labels[a.b]: Invalid value: "object": m'],
    ],
    [
      'have reasons',
      object(
        {},
        { rule: 'false', message: 'f', reason: 'FieldValueForbidden' },
        { rule: 'false', message: 'r', reason: 'FieldValueRequired' },
        { rule: 'false', message: 'd', reason: 'FieldValueDuplicate' },
      ),
      { spec: {} },
      ['spec: Forbidden: f', 'spec: Required value: r', 'spec: Duplicate value: "object"'],
    ],
    [
      'fail',
      object(replicas, 'self.min > 5'),
      { spec: {} },
      ['spec: Invalid value: "object": no such key: min evaluating rule: self.min > 5'],
    ],
    [
      'are of the root',
      { type: 'object', ...rules("self.metadata.name == 'a' && self.kind == 'K'") },
      { kind: 'K', metadata: { name: 'b' } },
      [`<nil>: Invalid value: "object": failed rule: self.metadata.name == 'a' && self.kind == 'K'`],
    ],
    [
      'are of items, of keys and of nullable parts',
      object({
        list: { type: 'array', items: { ...integer, ...rules('self > 1') } },
        map: { type: 'object', additionalProperties: { ...text, ...rules('self != "x"') } },
        maybe: { ...integer, nullable: true, ...rules('false') },
      }),
      { spec: { list: [1, 2], map: { a: 'x' }, maybe: null } },
      ['spec.list[0]: Invalid value: "integer": failed rule: self > 1', 'spec.map[a]: Invalid value: "string": failed rule: self != "x"'],
    ],
    [
      'see strings as what they are',
      object(
        { at: { ...text, format: 'date-time' }, span: { ...text, format: 'duration' }, data: { ...text, format: 'byte' } },
        'self.at > timestamp("2020-01-01T00:00:00Z") && self.span < duration("2h") && self.data == b"hello"',
      ),
      { spec: { at: '2021-01-01T00:00:00Z', span: '1h', data: 'aGVsbG8=' } },
      [],
    ],
    [
      'see numbers and either as what they are',
      object({ ratio: { type: 'number' }, port: { 'x-kubernetes-int-or-string': true } }, 'self.ratio == 1.0 && type(self.port) == int'),
      { spec: { ratio: 1, port: 80 } },
      [],
    ],
    [
      'name fields that are no words',
      object(
        { 'a-b': integer, namespace: integer, 'x.y/z': integer },
        'self.a__dash__b + self.__namespace__ + self.x__dot__y__slash__z == 6',
      ),
      { spec: { 'a-b': 1, namespace: 2, 'x.y/z': 3 } },
      [],
    ],
    [
      'compare sets whatever their order',
      object(
        {
          one: { type: 'array', items: text, 'x-kubernetes-list-type': 'set' },
          two: { type: 'array', items: text, 'x-kubernetes-list-type': 'set' },
        },
        'self.one == self.two',
      ),
      { spec: { one: ['a', 'b'], two: ['b', 'a'] } },
      [],
    ],
    [
      'join sets and keyed lists as such',
      object(
        {
          set: { type: 'array', items: text, 'x-kubernetes-list-type': 'set' },
          keyed: {
            type: 'array',
            'x-kubernetes-list-type': 'map',
            'x-kubernetes-list-map-keys': ['name'],
            items: { type: 'object', properties: { name: text, a: integer } },
          },
        },
        'size(self.set + ["a", "c"]) == 3 && size(self.keyed + self.keyed) == 2',
      ),
      { spec: { set: ['a', 'b'], keyed: [{ name: 'x' }, { name: 'y' }] } },
      [],
    ],
    [
      'stand under allOf',
      specOf({ type: 'object', properties: { a: integer }, allOf: [{ properties: { a: rules('self > 1') }, ...rules('self.a > 2') }] }),
      { spec: { a: 1 } },
      ['spec: Invalid value: "object": failed rule: self.a > 2', 'spec.a: Invalid value: "integer": failed rule: self > 1'],
    ],
    [
      'meet null where a number is declared',
      object({ a: { ...integer, nullable: true } }, '-self.a < 5'),
      { spec: { a: null } },
      [
        `spec: Invalid value: "object": 'no such overload': call arguments did not match a supported operator, function or macro signature for rule: -self.a < 5`,
      ],
    ],
    ['are none', object({ a: integer }), { spec: { a: 1 } }, []],
  ])('%s', async (_name, schema, value, problems) => {
    expect(await problemsOf(schema, value)).toEqual(problems)
  })

  test('are ended when they cost too much', async () => {
    const many = Array.from({ length: 400 }, (_, index) => index)
    const schema = object(
      { list: { type: 'array', items: integer } },
      'self.list.all(a, self.list.all(b, self.list.all(c, a + b + c >= 0)))',
      'false',
    )
    expect(await problemsOf(schema, { spec: { list: many } })).toEqual([
      `spec: Invalid value: "object": 'operation cancelled: actual cost limit exceeded': no further validation rules will be run due to call cost exceeds limit for rule: self.list.all(a, self.list.all(b, self.list.all(c, a + b + c >= 0)))`,
    ])
  })
})

describe('rules that compare with what was there', () => {
  const immutable = object({ a: { ...integer, ...rules('self == oldSelf') } })
  test.each<[string, SchemaNode, object, object | undefined, string[]]>([
    ['are left aside for what is new', immutable, { spec: { a: 1 } }, undefined, []],
    ['are left aside for what was not there', immutable, { spec: { a: 1 } }, { spec: {} }, []],
    ['hold', immutable, { spec: { a: 1 } }, { spec: { a: 1 } }, []],
    ['do not hold', immutable, { spec: { a: 2 } }, { spec: { a: 1 } }, ['spec.a: Invalid value: "integer": failed rule: self == oldSelf']],
    [
      'see nothing where they may',
      object({ a: { ...integer, ...rules({ rule: 'oldSelf.hasValue() || self > 1', optionalOldSelf: true }) } }),
      { spec: { a: 1 } },
      undefined,
      ['spec.a: Invalid value: "integer": failed rule: oldSelf.hasValue() || self > 1'],
    ],
    [
      'know items by their keys',
      object({
        list: {
          type: 'array',
          'x-kubernetes-list-type': 'map',
          'x-kubernetes-list-map-keys': ['name'],
          items: { type: 'object', properties: { name: text, a: integer }, ...rules('self.a >= oldSelf.a') },
        },
      }),
      {
        spec: {
          list: [
            { name: 'y', a: 1 },
            { name: 'x', a: 5 },
          ],
        },
      },
      {
        spec: {
          list: [
            { name: 'x', a: 1 },
            { name: 'y', a: 2 },
          ],
        },
      },
      ['spec.list[0]: Invalid value: "object": failed rule: self.a >= oldSelf.a'],
    ],
    [
      'let what was wrong stay',
      object({ a: integer, b: { ...integer, ...rules('self > 5') } }),
      { spec: { a: 2, b: 1 } },
      { spec: { a: 1, b: 1 } },
      [],
    ],
    [
      'let nothing wrong come',
      object({ b: { ...integer, ...rules('self > 5') } }),
      { spec: { b: 2 } },
      { spec: { b: 1 } },
      ['spec.b: Invalid value: "integer": failed rule: self > 5'],
    ],
  ])('%s', async (_name, schema, value, old, problems) => {
    expect(await problemsOf(schema, value, old)).toEqual(problems)
  })
})

describe('a definition with rules', () => {
  const at = 'f.properties[spec]'
  const dear = 'try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are declared'
  const struct = (rule: string, more = '') =>
    `apiextensions.ValidationRule{Rule:${JSON.stringify(rule)}, Message:"", MessageExpression:"${more}", Reason:(*apiextensions.FieldValueErrorReason)(nil), FieldPath:"", OptionalOldSelf:(*bool)(nil)}`
  const problems = (schema: SchemaNode) => {
    const found: Found = []
    checkRuleExpressions(found, 'f', schema)
    return found.map(({ field, message }) => `${field}: ${message}`)
  }
  const list = (more: object = {}) => ({ type: 'array', items: text, ...more })

  test.each<[SchemaNode, unknown[]]>([
    [object({ a: integer }, 'self.a > 1'), []],
    [
      object({ a: integer }, 'self.b > 1'),
      [
        `${at}.x-kubernetes-validations[0].rule: Invalid value: ${struct('self.b > 1')}: compilation failed: ERROR: <input>:1:5: undefined field 'b'\n | self.b > 1\n | ....^`,
      ],
    ],
    [
      object({ a: integer }, 'self.a'),
      [`${at}.x-kubernetes-validations[0].rule: Invalid value: ${struct('self.a')}: cel expression must evaluate to a bool`],
    ],
    [
      object({ a: integer }, { rule: 'true', messageExpression: '1' }),
      [
        `${at}.x-kubernetes-validations[0].messageExpression: Invalid value: ${struct('true', '1')}: messageExpression must evaluate to a string`,
      ],
    ],
    [
      object({ a: integer }, { rule: 'true', optionalOldSelf: true }),
      [`${at}.x-kubernetes-validations[0].optionalOldSelf: Invalid value: true: may not be set if oldSelf is not used in rule`],
    ],
    [
      object({ a: integer }, { rule: 'true', fieldPath: '.b' }),
      [`${at}.x-kubernetes-validations[0].fieldPath: Invalid value: ".b": fieldPath must be a valid path: does not refer to a valid field`],
    ],
    [
      object({ list: { type: 'array', items: { ...integer, ...rules('self == oldSelf') } } }),
      [
        `${at}.properties[list].items.x-kubernetes-validations[0].rule: Invalid value: "self == oldSelf": oldSelf cannot be used on the uncorrelatable portion of the schema within ${at}.properties[list]`,
      ],
    ],
    [
      object({ list: list({ maxItems: 10, items: { ...text, maxLength: 10 } }) }, 'self.list.all(x, self.list.all(y, x != y || x == y))'),
      [],
    ],
    [
      object({ list: list() }, 'self.list.all(x, self.list.all(y, x == y))'),
      [
        `${at}.x-kubernetes-validations[0].rule: Forbidden: estimated rule cost exceeds budget by factor of more than 100x (${dear})`,
        `${at}.x-kubernetes-validations[0].rule: Forbidden: contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema`,
        `f: Forbidden: x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema exceeds budget by factor of more than 100x (${dear})`,
      ],
    ],
    [
      specOf({
        type: 'object',
        'x-kubernetes-preserve-unknown-fields': true,
        properties: { any: { 'x-kubernetes-preserve-unknown-fields': true, ...rules('true') } },
      }),
      [
        `${at}.properties[any].x-kubernetes-validations: Internal error: rule declared on schema that does not support validation rules type: '' x-kubernetes-preserve-unknown-fields: 'true'`,
      ],
    ],
    // Nobody knows how long the text of a number is.
    [
      object({ a: integer }, { rule: 'self.a > 1', messageExpression: '"a is " + string(self.a)' }),
      [
        `${at}.x-kubernetes-validations[0].messageExpression: Forbidden: estimated messageExpression cost exceeds budget by factor of more than 100x (${dear})`,
        `${at}.x-kubernetes-validations[0].messageExpression: Forbidden: contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema`,
        `f: Forbidden: x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema exceeds budget by factor of more than 100x (${dear})`,
      ],
    ],
  ])('%#', (schema, wanted) => {
    expect(problems(schema)).toEqual(wanted)
  })

  test('bounds how often a rule can run', () => {
    const rule = rules('self.matches("^[a-z]+$")')
    const bounded = (maxItems?: number) =>
      object({ list: { type: 'array', ...(maxItems && { maxItems }), items: { ...text, maxLength: 64, ...rule } } })
    expect(problems(bounded(10))).toEqual([])
    expect(problems(bounded())).toEqual([expect.stringContaining('estimated rule cost exceeds budget by factor of')])
  })
})
