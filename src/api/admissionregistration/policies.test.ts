import { describe, expect, test } from 'vitest'
import { kindUnderTest } from '../kind-under-test.ts'

const group = 'admissionregistration.k8s.io'
const policy = kindUnderTest(group, 'v1', 'ValidatingAdmissionPolicy')
const binding = kindUnderTest(group, 'v1', 'ValidatingAdmissionPolicyBinding')
const mutation = kindUnderTest(group, 'v1', 'MutatingAdmissionPolicy')
const mutationBinding = kindUnderTest(group, 'v1', 'MutatingAdmissionPolicyBinding')
const rule = { operations: ['CREATE'], apiGroups: ['apps'], apiVersions: ['v1'], resources: ['deployments'] }
const matchConstraints = { resourceRules: [rule] }

describe('a policy that validates', () => {
  const of = (more: object = {}) => ({ spec: { matchConstraints, validations: [{ expression: 'true' }], ...more } })

  test('refuses what it cannot judge, in every namespace', () => {
    expect(policy.defaulted(of())).toMatchObject({
      spec: {
        failurePolicy: 'Fail',
        matchConstraints: { matchPolicy: 'Equivalent', namespaceSelector: {}, objectSelector: {}, resourceRules: [{ scope: '*' }] },
      },
    })
  })

  const needed = 'validations or auditAnnotations must contain at least one item'
  test.each([
    [of(), []],
    [of({ matchConstraints: undefined }), ['spec.matchConstraints: Required value']],
    [of({ matchConstraints: {} }), ['spec.matchConstraints.resourceRules: Required value']],
    [of({ validations: [] }), [`spec.validations: Required value: ${needed}`, `spec.auditAnnotations: Required value: ${needed}`]],
    [of({ validations: [{}] }), ['spec.validations[0].expression: Required value: expression is not specified']],
    [
      of({ validations: [{ expression: 'true', message: 'a\nb' }] }),
      ['spec.validations[0].message: Invalid value: "a\\nb": message must not contain line breaks'],
    ],
    [
      of({ validations: [{ expression: 'true', reason: 'Because' }] }),
      ['spec.validations[0].reason: Unsupported value: "Because": supported values: "Forbidden", "Invalid", "RequestEntityTooLarge"'],
    ],
    [
      of({ paramKind: { apiVersion: 'a/b/c', kind: 'K' } }),
      ['spec.paramKind.apiVersion: Invalid value: "a/b/c": unexpected GroupVersion string: a/b/c'],
    ],
    [of({ paramKind: { apiVersion: 'rules.x.org/v1', kind: 'ReplicaLimit' } }), []],
    [
      of({ variables: [{ name: 'for', expression: '1' }] }),
      ['spec.variables[0].name: Invalid value: "for": name is not a valid CEL identifier'],
    ],
    [
      of({ validations: [{ expression: 'object.spec.replicas' }] }),
      ['spec.validations[0].expression: Invalid value: "object.spec.replicas": must evaluate to bool but got dyn'],
    ],
    [
      of({ validations: [{ expression: 'params.x == 1' }] }),
      [
        `spec.validations[0].expression: Invalid value: "params.x == 1": compilation failed: ERROR: <input>:1:1: undeclared reference to 'params' (in container '')\n | params.x == 1\n | ^`,
      ],
    ],
    [of({ variables: [{ name: 'n', expression: 'size("a")' }], validations: [{ expression: 'variables.n == 1' }] }), []],
    [
      of({ validations: [{ expression: 'true', messageExpression: 'authorizer.path("/x").check("get").reason()' }] }),
      [expect.stringContaining("undeclared reference to 'authorizer'")],
    ],
    [
      of({ matchConditions: [{ name: 'c', expression: 'request.userInfo.usernam == "x"' }] }),
      [expect.stringContaining("undefined field 'usernam'")],
    ],
    [
      of({ auditAnnotations: [{ key: 'k', valueExpression: '1' }] }),
      [expect.stringContaining('must evaluate to one of [string null_type] but got int')],
    ],
    [
      of({ auditAnnotations: [{ key: 'k' }] }),
      ['spec.auditAnnotations[0].valueExpression: Required value: valueExpression is not specified'],
    ],
    [
      of({ matchConstraints: { resourceRules: [{ ...rule, resourceNames: ['a', 'a'] }] } }),
      ['spec.matchConstraints.resourceRules[0].resourceNames[1]: Duplicate value: "a"'],
    ],
  ])('%#: %j', (given, problems) => {
    expect(policy.problems(given)).toEqual(problems)
  })

  test('is shown with its rules and parameters', () => {
    expect(policy.columns).toBe('Name Validations ParamKind Age')
    expect(policy.cells(of())).toEqual(['a', 1, '<unset>', '5m'])
    expect(policy.cells(of({ paramKind: { apiVersion: 'x.org/v1', kind: 'K' } }))[2]).toBe('x.org/v1/K')
  })
})

describe('a policy that mutates', () => {
  const patch = { patchType: 'JSONPatch', jsonPatch: { expression: '[JSONPatch{op: "remove", path: "/spec"}]' } }
  const of = (more: object = {}) => ({ spec: { matchConstraints, mutations: [patch], reinvocationPolicy: 'Never', ...more } })
  const field = 'spec.mutations[0]'

  test.each([
    [of(), []],
    [of({ mutations: [] }), ['spec.mutations: Required value: mutations must contain at least one item']],
    [of({ mutations: [{}] }), [`${field}.patchType: Required value`]],
    [
      of({ mutations: [{ patchType: 'Merge' }] }),
      [`${field}.patchType: Unsupported value: "Merge": supported values: "ApplyConfiguration", "JSONPatch"`],
    ],
    [
      of({ mutations: [{ patchType: 'JSONPatch' }] }),
      [`${field}.jsonPatch: Required value: must be specified when patchType is JSONPatch`],
    ],
    [
      of({ mutations: [{ ...patch, applyConfiguration: { expression: 'x' } }] }),
      [`${field}.applyConfiguration: Forbidden: must not be specified when patchType is JSONPatch`],
    ],
    [of({ reinvocationPolicy: undefined }), ['spec.reinvocationPolicy: Required value']],
  ])('%#: %j', (given, problems) => {
    expect(mutation.problems(given)).toEqual(problems)
  })

  test('is shown with its changes and parameters', () => {
    expect(mutation.columns).toBe('Name Mutations ParamKind Age')
    expect(mutation.cells(of())).toEqual(['a', 1, '<unset>', '5m'])
  })
})

describe('a binding', () => {
  const of = (more: object = {}) => ({ spec: { policyName: 'p', validationActions: ['Deny'], ...more } })
  const reference = { name: 'n', parameterNotFoundAction: 'Deny' }

  test.each([
    [of(), []],
    [of({ policyName: '' }), ['spec.policyName: Required value']],
    [of({ validationActions: [] }), ['spec.validationActions: Required value: at least one validation action is required']],
    [
      of({ validationActions: ['Deny', 'Warn'] }),
      [
        'spec.validationActions: Invalid value: ["Deny","Warn"]: must not contain both Deny and Warn (repeating the same validation failure information in the API response and headers serves no purpose)',
      ],
    ],
    [of({ validationActions: ['Audit', 'Audit'] }), ['spec.validationActions[1]: Duplicate value: "Audit"']],
    [of({ paramRef: reference }), []],
    [of({ paramRef: { parameterNotFoundAction: 'Deny' } }), ['spec.paramRef: Required value: one of name or selector must be specified']],
    [of({ paramRef: { name: 'n' } }), ['spec.paramRef.parameterNotFoundAction: Required value']],
    [
      of({ paramRef: { ...reference, selector: {} } }),
      [
        'spec.paramRef.name: Forbidden: name and selector are mutually exclusive',
        'spec.paramRef.selector: Forbidden: name and selector are mutually exclusive',
      ],
    ],
  ])('%#: %j', (given, problems) => {
    expect(binding.problems(given)).toEqual(problems)
  })

  test('is shown with its policy and parameters', () => {
    const columns = 'Name PolicyName ParamRef Age'
    expect(binding.columns).toBe(columns)
    expect(mutationBinding.columns).toBe(columns)
    expect(binding.cells(of())).toEqual(['a', 'p', '<unset>', '5m'])
    expect(binding.cells(of({ paramRef: reference }))[2]).toBe('*/n')
    expect(binding.cells(of({ paramRef: { ...reference, namespace: 's' } }))[2]).toBe('s/n')
    const selector = { matchLabels: { b: 'c', a: 'b' } }
    expect(mutationBinding.cells({ spec: { policyName: 'p', paramRef: { selector } } })[2]).toBe(
      '&LabelSelector{MatchLabels:map[string]string{a: b,b: c,},MatchExpressions:[]LabelSelectorRequirement{},}',
    )
  })
})
