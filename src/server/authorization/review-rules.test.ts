import { describe, expect, test } from 'vitest'
import { type AccessReview, reviewedRequest, reviewProblems } from './review-rules.ts'

const resourceAttributes = { verb: 'get', resource: 'pods', namespace: 'n' }
const nonResourceAttributes = { verb: 'get', path: '/' }
const problems = (kind: string, spec: object, metadata: object = {}) =>
  reviewProblems({ kind, metadata, spec } as unknown as AccessReview).map(({ field, message }) => `${field}: ${message}`)

test.each<[string, object, object, string[]]>([
  ['SubjectAccessReview', { user: 'u', resourceAttributes }, {}, []],
  ['SubjectAccessReview', { groups: ['g'], nonResourceAttributes }, {}, []],
  ['SubjectAccessReview', { resourceAttributes }, {}, ['spec.user: Invalid value: "": at least one of user or group must be specified']],
  [
    'SelfSubjectAccessReview',
    {},
    {},
    ['spec.resourceAttributes: Invalid value: null: exactly one of nonResourceAttributes or resourceAttributes must be specified'],
  ],
  [
    'SelfSubjectAccessReview',
    { resourceAttributes, nonResourceAttributes },
    {},
    ['spec.nonResourceAttributes: Invalid value: {"verb":"get","path":"/"}: cannot be specified in combination with resourceAttributes'],
  ],
  ['SelfSubjectAccessReview', { resourceAttributes }, { name: 'a' }, ['metadata: Invalid value: {"name":"a"}: must be empty']],
  ['LocalSubjectAccessReview', { user: 'u', resourceAttributes }, { namespace: 'n' }, []],
  [
    'LocalSubjectAccessReview',
    { user: 'u', resourceAttributes },
    { namespace: 'other' },
    ['spec.resourceAttributes.namespace: Invalid value: "n": must match metadata.namespace'],
  ],
  [
    'LocalSubjectAccessReview',
    { user: 'u', nonResourceAttributes },
    { namespace: 'n' },
    ['spec.nonResourceAttributes: Invalid value: {"verb":"get","path":"/"}: disallowed on this kind of request'],
  ],
  ['SelfSubjectAccessReview', { resourceAttributes: { ...resourceAttributes, fieldSelector: { rawSelector: 'a=b' } } }, {}, []],
  [
    'SelfSubjectAccessReview',
    { resourceAttributes: { ...resourceAttributes, fieldSelector: {} } },
    {},
    [
      'spec.resourceAttributes.fieldSelector.requirements: Required value: when spec.resourceAttributes.fieldSelector is specified, requirements or rawSelector is required',
    ],
  ],
  [
    'SelfSubjectAccessReview',
    {
      resourceAttributes: { ...resourceAttributes, labelSelector: { rawSelector: 'a', requirements: [{ key: 'a', operator: 'Exists' }] } },
    },
    {},
    ['spec.resourceAttributes.labelSelector.rawSelector: Invalid value: "a": may not specified at the same time as requirements'],
  ],
  [
    'SelfSubjectAccessReview',
    {
      resourceAttributes: {
        ...resourceAttributes,
        labelSelector: {
          requirements: [
            { key: 'a', operator: 'In' },
            { key: '', operator: 'X' },
          ],
        },
      },
    },
    {},
    [
      "spec.resourceAttributes.labelSelector.requirements[0].values: Required value: must be specified when `operator` is 'In' or 'NotIn'",
      'spec.resourceAttributes.labelSelector.requirements[1].key: Required value: must be specified',
      'spec.resourceAttributes.labelSelector.requirements[1].operator: Invalid value: "X": not a valid selector operator',
    ],
  ],
])('%s %j of %j: %j', (kind, spec, metadata, expected) => {
  expect(problems(kind, spec, metadata)).toEqual(expected)
})

describe('what is asked about', () => {
  const of = (selectors: object) => reviewedRequest({ resourceAttributes: { ...resourceAttributes, ...selectors } })

  test('is a resource or a path', () => {
    expect(of({})).toEqual({
      type: 'resource',
      verb: 'get',
      group: '',
      version: '',
      resource: 'pods',
      subresource: '',
      namespace: 'n',
      name: '',
    })
    expect(reviewedRequest({ nonResourceAttributes })).toEqual({ type: 'path', verb: 'get', path: '/' })
  })

  test('is limited by selectors, and by none that cannot be read', () => {
    expect(of({ fieldSelector: { rawSelector: 'spec.nodeName=a' } })).toMatchObject({
      fieldSelector: [{ field: 'spec.nodeName', equal: true, value: 'a' }],
    })
    const requirements = [
      { key: 'spec.nodeName', operator: 'NotIn', values: ['a'] },
      { key: 'b', operator: 'Exists' },
    ]
    expect(of({ fieldSelector: { requirements }, labelSelector: { requirements } })).toMatchObject({
      fieldSelector: [{ field: 'spec.nodeName', equal: false, value: 'a' }],
      labelSelector: [
        { key: 'spec.nodeName', operator: 'NotIn', values: ['a'] },
        { key: 'b', operator: 'Exists', values: [] },
      ],
    })
    expect(of({ fieldSelector: { rawSelector: 'a' } })).not.toHaveProperty('fieldSelector')
  })
})
