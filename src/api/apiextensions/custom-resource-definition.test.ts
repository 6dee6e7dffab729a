import { describe, expect, test } from 'vitest'
import { kindUnderTest } from '../kind-under-test.ts'
import type { CustomResourceDefinition } from '../types/apiextensions-v1.ts'
import { unknownFormats } from './unknown-formats.ts'

const { defaulted, created, updated, problems, updateProblems, columns } = kindUnderTest(
  'apiextensions.k8s.io',
  'v1',
  'CustomResourceDefinition',
)

const schema = { openAPIV3Schema: { type: 'object', properties: { spec: { type: 'object' }, status: { type: 'object' } } } }
const version = { name: 'v1', served: true, storage: true, schema }
const spec = { group: 'example.org', scope: 'Namespaced', names: { plural: 'foos', kind: 'Foo' }, versions: [version] }
const metadata = { name: 'foos.example.org' }
const definition = (changes: object = {}) => ({ metadata, spec: { ...spec, ...changes } })
const withSchema = (root: object, more: object = {}) =>
  definition({ versions: [{ ...version, schema: { openAPIV3Schema: root }, ...more }] })
const withSpec = (node: object) => withSchema({ type: 'object', properties: { spec: node } })
const at = 'spec.validation.openAPIV3Schema'
const atSpec = `${at}.properties[spec]`

test('defaults', () => {
  expect(defaulted(definition()).spec).toEqual({
    ...spec,
    names: { plural: 'foos', kind: 'Foo', singular: 'foo', listKind: 'FooList' },
    conversion: { strategy: 'None' },
  })
  const webhook = { clientConfig: { service: { namespace: 'a', name: 'b' } }, conversionReviewVersions: ['v1'] }
  expect(defaulted(definition({ conversion: { strategy: 'Webhook', webhook } }))).toHaveProperty(
    'spec.conversion.webhook.clientConfig.service.port',
    443,
  )
})

test('a status that is enabled is kept, though it says nothing', () => {
  const kept = defaulted(definition({ versions: [{ ...version, subresources: { status: {} } }] }))
  expect(kept).toHaveProperty('spec.versions.0.subresources', { status: {} })
})

test('the status is what the server says', () => {
  const status = { storedVersions: ['v9'], acceptedNames: { plural: 'x', kind: 'X' } }
  expect(created({ ...definition(), status }).status).toEqual({ acceptedNames: { plural: '', kind: '' }, storedVersions: ['v1'] })
  const stored = { acceptedNames: { plural: 'foos', kind: 'Foo' }, storedVersions: ['v1'] }
  const next = definition({
    versions: [
      { ...version, storage: false },
      { ...version, name: 'v2' },
    ],
  })
  expect(updated({ ...definition(), status: stored }, next).status).toEqual({ ...stored, storedVersions: ['v1', 'v2'] })
  expect(updated({ ...definition(), status: stored }, { ...definition(), status: {} }).status).toEqual(stored)
})

test('formats that nobody knows are told of', () => {
  const known = { type: 'string', format: 'date-time' }
  const items = { type: 'array', items: { type: 'string', format: 'colour' } }
  const { spec: written } = withSpec({ type: 'object', properties: { known, items, number: { type: 'integer', format: 'int64' } } })
  expect(unknownFormats(written as CustomResourceDefinition['spec'])).toEqual(['colour'])
})

test('columns are those of things without any of their own', () => expect(columns).toBe('Name Created At'))

describe('validation', () => {
  const nested = { type: 'object', properties: { a: { type: 'string' } } }
  test.each<[string, object, string[]]>([
    ['a good one', definition(), []],
    [
      'another name',
      { ...definition(), metadata: { name: 'x' } },
      ['metadata.name: Invalid value: "x": must be spec.names.plural+"."+spec.group'],
    ],
    [
      'a group without a dot',
      { metadata: { name: 'foos.example' }, spec: { ...spec, group: 'example' } },
      ['spec.group: Invalid value: "example": should be a domain with at least one dot'],
    ],
    [
      'a group of Kubernetes',
      { metadata: { name: 'foos.x.k8s.io' }, spec: { ...spec, group: 'x.k8s.io' } },
      [
        'metadata.annotations[api-approved.kubernetes.io]: Required value: protected groups must have approval annotation "api-approved.kubernetes.io", see https://github.com/kubernetes/enhancements/pull/1111',
      ],
    ],
    [
      'an approval that is none',
      { metadata: { name: 'foos.x.k8s.io', annotations: { 'api-approved.kubernetes.io': 'yes' } }, spec: { ...spec, group: 'x.k8s.io' } },
      [
        'metadata.annotations[api-approved.kubernetes.io]: Invalid value: "yes": protected groups must have approval annotation "api-approved.kubernetes.io" with either a URL or a reason starting with "unapproved", see https://github.com/kubernetes/enhancements/pull/1111',
      ],
    ],
    [
      'an approval',
      {
        metadata: { name: 'foos.x.k8s.io', annotations: { 'api-approved.kubernetes.io': 'https://example.org/1' } },
        spec: { ...spec, group: 'x.k8s.io' },
      },
      [],
    ],
    [
      'an unknown scope',
      definition({ scope: 'World' }),
      ['spec.scope: Unsupported value: "World": supported values: "Cluster", "Namespaced"'],
    ],
    [
      'no storage version',
      definition({ versions: [{ ...version, storage: false }] }),
      [
        'spec.versions: Invalid value: [{"name":"v1","served":true,"storage":false,"schema":{"openAPIV3Schema":{"type":"object","properties":{"spec":{"type":"object"},"status":{"type":"object"}}}}}]: must have exactly one version marked as storage version',
        'status.storedVersions: Invalid value: []: must have at least one stored version',
      ],
    ],
    [
      'no schema',
      definition({ versions: [{ name: 'v1', served: true, storage: true }] }),
      ['spec.versions[0].schema.openAPIV3Schema: Required value: schemas are required'],
    ],
    [
      'names',
      definition({ names: { plural: 'foos', kind: 'Foo', listKind: 'Foo', singular: 'A', shortNames: ['B'], categories: ['_'] } }),
      [
        expect.stringMatching(/^spec.names.singular: Invalid value: "A": a DNS-1035 label must/),
        expect.stringMatching(/^spec.names.shortNames\[0\]: Invalid value: "B": a DNS-1035/),
        'spec.names.listKind: Invalid value: "Foo": kind and listKind may not be the same',
        expect.stringMatching(/^spec.names.categories\[0\]: Invalid value: "_": a DNS-1035/),
      ],
    ],
    [
      'a version without a name',
      definition({ versions: [version, { ...version, name: '', storage: false }] }),
      [expect.stringMatching(/^spec.versions\[1\].name: Invalid value: "": a DNS-1035 label/)],
    ],
    [
      'a deprecation of what is not deprecated',
      definition({ versions: [{ ...version, deprecationWarning: 'old' }] }),
      ['spec.versions[0].deprecationWarning: Invalid value: "old": can only be set for deprecated versions'],
    ],
    [
      'a deprecation that cannot be printed',
      definition({ versions: [{ ...version, deprecated: true, deprecationWarning: 'ä\tb' }] }),
      [
        'spec.versions[0].deprecationWarning: Invalid value: "ä\\tb": must only contain printable UTF-8 characters; non-printable character found at index 2',
      ],
    ],
    [
      'columns',
      definition({ versions: [{ ...version, additionalPrinterColumns: [{ name: 'A', type: 'text', jsonPath: 'spec.a' }] }] }),
      [
        'spec.additionalPrinterColumns[0].type: Invalid value: "text": must be one of boolean,date,integer,number,string',
        'spec.additionalPrinterColumns[0].JSONPath: Invalid value: "spec.a": must be a simple json path starting with .',
      ],
    ],
    [
      'paths of a scale',
      definition({
        versions: [
          { ...version, subresources: { scale: { specReplicasPath: '.a', statusReplicasPath: '.status.n', labelSelectorPath: '.b' } } },
        ],
      }),
      [
        'spec.subresources.scale.specReplicasPath: Invalid value: ".a": should be a json path under .spec',
        'spec.subresources.scale.labelSelectorPath: Invalid value: ".b": should be a json path under either .spec or .status',
      ],
    ],
    [
      'fields to select by',
      withSchema(
        { type: 'object', properties: { spec: { type: 'object', properties: { a: { type: 'string' } } } } },
        { selectableFields: [{ jsonPath: '.spec.a' }, { jsonPath: '.spec.b' }, { jsonPath: '.spec' }, { jsonPath: '.spec.a' }] },
      ),
      [
        'spec.selectableFields[1].jsonPath: Invalid value: ".spec.b": is an invalid path: does not refer to a valid field',
        'spec.selectableFields[2].jsonPath: Invalid value: ".spec": must point to a field of type string, boolean or integer. Enum string fields and strings with formats are allowed.',
        'spec.selectableFields[3].jsonPath: Duplicate value: ".spec.a"',
      ],
    ],
    [
      'a webhook without conversion',
      definition({ conversion: { strategy: 'None', webhook: { conversionReviewVersions: ['v1'] } } }),
      ['spec.conversion.conversionReviewVersions: Forbidden: should not be set when strategy is not set to Webhook'],
    ],
    [
      'a conversion without a webhook',
      definition({ conversion: { strategy: 'Webhook', webhook: { conversionReviewVersions: ['v3'] } } }),
      [
        'spec.conversion.webhookClientConfig: Required value: required when strategy is set to Webhook',
        'spec.conversion.conversionReviewVersions: Invalid value: ["v3"]: must include at least one of v1, v1beta1',
      ],
    ],
    [
      'unknown fields kept everywhere',
      definition({ preserveUnknownFields: true }),
      [
        'spec.preserveUnknownFields: Invalid value: true: cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead',
      ],
    ],
    [
      'what has no type',
      withSchema({
        properties: { spec: { type: 'object', properties: { x: {} } }, list: { type: 'array', items: {} }, none: { type: 'array' } },
      }),
      [
        `${at}.properties[list].items.type: Required value: must not be empty for specified array items`,
        `${at}.properties[none].items: Required value: must be specified`,
        `${atSpec}.properties[x].type: Required value: must not be empty for specified object fields`,
        `${at}.type: Required value: must not be empty at the root`,
      ],
    ],
    ['what needs no type', withSpec({ 'x-kubernetes-preserve-unknown-fields': true }), []],
    ['an integer or a string', withSpec({ 'x-kubernetes-int-or-string': true, anyOf: [{ type: 'integer' }, { type: 'string' }] }), []],
    [
      'an integer or a string among other conditions',
      withSpec({ 'x-kubernetes-int-or-string': true, allOf: [{ anyOf: [{ type: 'integer' }, { type: 'string' }] }, { pattern: 'a' }] }),
      [],
    ],
    [
      'structure in conditions',
      withSpec({ ...nested, anyOf: [{ type: 'object', properties: { a: { description: 'x', minLength: 1 } } }] }),
      [
        `${atSpec}.anyOf[0].properties[a].description: Forbidden: must be empty to be structural`,
        `${atSpec}.anyOf[0].type: Forbidden: must be empty to be structural`,
      ],
    ],
    [
      'conditions of fields that are not there',
      withSchema({ type: 'object', not: { properties: { b: { minLength: 1 } } } }),
      [`${at}.properties[b]: Required value: because it is defined in ${at}.not.properties[b]`],
    ],
    [
      'metadata that is described',
      withSchema({
        type: 'object',
        properties: { metadata: { type: 'object', properties: { name: { type: 'string' }, labels: { type: 'object' } } } },
      }),
      [
        `${at}.properties[metadata]: Forbidden: must not specify anything other than name and generateName, but metadata is implicitly specified`,
      ],
    ],
    [
      'a name that is restricted',
      withSchema({ type: 'object', properties: { metadata: { type: 'object', properties: { name: { type: 'string', maxLength: 5 } } } } }),
      [],
    ],
    [
      'an embedded object',
      withSpec({ 'x-kubernetes-embedded-resource': true, type: 'object' }),
      [
        `${atSpec}.properties: Required value: must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields`,
      ],
    ],
    [
      'a pattern that is none',
      withSpec({ type: 'string', pattern: '(' }),
      [
        `${atSpec}.pattern: Invalid value: "(": must be a valid regular expression, but isn't: error parsing regexp: missing closing ): \`(\``,
      ],
    ],
    [
      'patterns that take long to read',
      withSpec({ type: 'string', pattern: 'a?'.repeat(2049) }),
      [expect.stringContaining('it is longer than 4096 characters')],
    ],
    [
      'a default that breaks its schema',
      withSpec({ type: 'object', default: { a: 5, b: 1 }, properties: { a: { type: 'integer', maximum: 3, default: 4 } } }),
      [
        `${atSpec}.default: Invalid value: {"a":5,"b":1}: must not have unknown fields`,
        `${atSpec}.properties[a].default: Invalid value: 4:  in body should be less than or equal to 3`,
      ],
    ],
    [
      'keywords that are not supported',
      withSpec({ type: 'tuple', $ref: '#/a', uniqueItems: true, 'x-kubernetes-preserve-unknown-fields': false }),
      [
        `${atSpec}.type: Unsupported value: "tuple": supported values: "array", "boolean", "integer", "number", "object", "string"`,
        `${atSpec}.$ref: Forbidden: $ref is not supported`,
        `${atSpec}.uniqueItems: Forbidden: uniqueItems cannot be set to true since the runtime complexity becomes quadratic`,
        `${atSpec}.x-kubernetes-preserve-unknown-fields: Invalid value: false: must be true or undefined`,
      ],
    ],
    [
      'fields and any others',
      withSpec({ ...nested, additionalProperties: { type: 'string' } }),
      [`${atSpec}.additionalProperties: Forbidden: additionalProperties and properties are mutual exclusive`],
    ],
    [
      'a default of the kind',
      withSchema({ type: 'object', properties: { kind: { type: 'string', default: 'Foo' } } }),
      [`${at}.properties[kind].default: Forbidden: must not be set in top-level kind`],
    ],
    [
      'a keyed list without keys',
      withSpec({ type: 'array', items: nested, 'x-kubernetes-list-type': 'map' }),
      [`${atSpec}.x-kubernetes-list-map-keys: Required value: must not be empty if x-kubernetes-list-type is map`],
    ],
    [
      'a keyed list whose keys may be missing',
      withSpec({ type: 'array', items: nested, 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['a', 'b'] }),
      [
        `${atSpec}.x-kubernetes-list-map-keys: Invalid value: ["a","b"]: entries must all be names of item properties`,
        `${atSpec}.items.properties[a].default: Required value: this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property`,
      ],
    ],
    [
      'keys of another list',
      withSpec({ type: 'array', items: { type: 'string' }, 'x-kubernetes-list-map-keys': ['a'] }),
      [`${atSpec}.x-kubernetes-list-type: Required value: must be map if x-kubernetes-list-map-keys is non-empty`],
    ],
    [
      'a set of objects',
      withSpec({ type: 'array', items: nested, 'x-kubernetes-list-type': 'set' }),
      [`${atSpec}.items.x-kubernetes-map-type: Invalid value: null: must be atomic as item of a list with x-kubernetes-list-type=set`],
    ],
    [
      'a rule without text',
      withSpec({ ...nested, 'x-kubernetes-validations': [{ rule: ' ' }, { rule: 'a\nb' }, { rule: 'a', reason: 'Because' }] }),
      [
        `${atSpec}.x-kubernetes-validations[0].rule: Required value: rule is not specified`,
        `${atSpec}.x-kubernetes-validations[1].message: Required value: message must be specified if rule contains line breaks`,
        `${atSpec}.x-kubernetes-validations[2].reason: Unsupported value: "Because": supported values: "FieldValueDuplicate", "FieldValueForbidden", "FieldValueInvalid", "FieldValueRequired"`,
      ],
    ],
    [
      'a status with a rule at the root',
      withSchema({ type: 'object', required: ['spec'], oneOf: [{ required: ['spec'] }] }, { subresources: { status: {} } }),
      [
        expect.stringMatching(
          /^spec.validation.openAPIV3Schema: Invalid value: .*: only \[Description Type Format .* XPreserveUnknownFields XValidations\] fields are allowed at the root of the schema if the status subresource is enabled$/,
        ),
      ],
    ],
    [
      'what has the wrong shape far below',
      withSpec({ type: 'array', items: { type: 'object', properties: 5, allOf: 'x', items: null } }),
      [],
    ],
  ])('%s', (_, given, expected) => expect(problems(given)).toEqual(expected))

  test('a schema that versions share is held to what any of them has', () => {
    const root = { openAPIV3Schema: { ...schema.openAPIV3Schema, maxProperties: 3 } }
    const versions = [
      { ...version, schema: root },
      { ...version, name: 'v2', storage: false, schema: root, subresources: { status: {} } },
    ]
    expect(problems(definition({ versions }))).toEqual([
      expect.stringMatching(/^spec.validation.openAPIV3Schema: Invalid value: .* if the status subresource is enabled$/),
    ])
  })

  test('versions that differ are told one by one', () => {
    const other = { ...version, name: 'v2', storage: false, schema: { openAPIV3Schema: {} } }
    expect(problems(definition({ versions: [version, other] }))).toEqual([
      'spec.versions[1].schema.openAPIV3Schema.type: Required value: must not be empty at the root',
    ])
    expect(problems(definition({ versions: [version, { ...version, storage: false }] }))).toEqual([
      expect.stringMatching(/^spec.versions: Invalid value: .*: must contain unique version names$/),
    ])
  })
})

describe('updates', () => {
  const status = { storedVersions: ['v1'], acceptedNames: { plural: 'foos', kind: 'Foo' } }
  const established = { ...status, conditions: [{ type: 'Established', status: 'True' }] }
  const old = { ...definition(), status }

  test('what objects are stored as does not change once they may be stored', () => {
    const changed = definition({ scope: 'Cluster', names: { ...spec.names, kind: 'Bar' } })
    expect(updateProblems(old, changed)).toEqual([])
    expect(updateProblems({ ...old, status: established }, changed)).toEqual([
      'spec.scope: Invalid value: "Cluster": field is immutable',
      'spec.names.kind: Invalid value: "Bar": field is immutable',
    ])
  })

  test('a version that was stored stays', () => {
    expect(updateProblems(old, definition({ versions: [{ ...version, name: 'v2' }] }))).toEqual([
      'status.storedVersions[0]: Invalid value: "v1": missing from spec.versions; v1 was previously a storage version, and must remain in spec.versions until a storage migration ensures no data remains persisted in v1 and removes v1 from status.storedVersions',
    ])
  })

  test('an approval that was missing may stay so', () => {
    const group = { metadata: { name: 'foos.x.k8s.io' }, spec: { ...spec, group: 'x.k8s.io' } }
    expect(updateProblems({ ...group, status }, group)).toEqual([])
  })

  test('names that were accepted are names', () => {
    expect(updateProblems(old, { ...old, status: { ...status, acceptedNames: { plural: '_', kind: 'Foo' } } }, 'status')).toEqual([
      expect.stringMatching(/^status.acceptedNames.plural: Invalid value: "_": a DNS-1035 label/),
    ])
  })
})
