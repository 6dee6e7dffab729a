import { describe, expect, test } from 'vitest'
import { kindUnderTest } from '../kind-under-test.ts'

const group = 'admissionregistration.k8s.io'
const validating = kindUnderTest(group, 'v1', 'ValidatingWebhookConfiguration')
const mutating = kindUnderTest(group, 'v1', 'MutatingWebhookConfiguration')
const service = { name: 'x', namespace: 'y' }
const rule = { operations: ['CREATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['pods'] }
const hook = (more: object = {}) => ({
  name: 'a.b.c',
  clientConfig: { service },
  admissionReviewVersions: ['v1'],
  sideEffects: 'None',
  rules: [rule],
  ...more,
})
const one = (more: object) => ({ webhooks: [hook(more)] })
const ruled = (more: object) => one({ rules: [{ ...rule, ...more }] })

test('a webhook refuses what it cannot be asked about, and is waited for ten seconds', () => {
  expect(validating.defaulted(one({}))).toMatchObject({
    webhooks: [
      {
        clientConfig: { service: { port: 443 } },
        failurePolicy: 'Fail',
        matchPolicy: 'Equivalent',
        namespaceSelector: {},
        objectSelector: {},
        timeoutSeconds: 10,
        rules: [{ scope: '*' }],
      },
    ],
  })
  expect(validating.defaulted(one({}))).not.toHaveProperty('webhooks.0.reinvocationPolicy')
  expect(mutating.defaulted(one({}))).toMatchObject({ webhooks: [{ reinvocationPolicy: 'Never' }] })
})

const at = 'webhooks[0]'
test.each([
  [one({}), []],
  [one({ name: 'a.b' }), [`${at}.name: Invalid value: "a.b": should be a domain with at least three segments separated by dots`]],
  [one({ name: undefined }), [`${at}.name: Required value`]],
  [{ webhooks: [hook(), hook()] }, ['webhooks[1].name: Duplicate value: "a.b.c"']],
  [one({ failurePolicy: 'Any' }), [`${at}.failurePolicy: Unsupported value: "Any": supported values: "Fail", "Ignore"`]],
  [one({ sideEffects: undefined }), [`${at}.sideEffects: Required value: must specify one of None, NoneOnDryRun`]],
  [one({ sideEffects: 'Some' }), [`${at}.sideEffects: Unsupported value: "Some": supported values: "None", "NoneOnDryRun"`]],
  [one({ timeoutSeconds: 31 }), [`${at}.timeoutSeconds: Invalid value: 31: the timeout value must be between 1 and 30 seconds`]],
  [one({ clientConfig: {} }), [`${at}.clientConfig: Required value: exactly one of url or service is required`]],
  [one({ clientConfig: { url: 'https://x.org/y' } }), []],
  [
    one({ clientConfig: { url: 'http://u:p@x.org/y?q#f' } }),
    [
      `${at}.clientConfig.url: Invalid value: "http": 'https' is the only allowed URL scheme; desired format: https://host[/path]`,
      `${at}.clientConfig.url: Invalid value: "u:p": user information is not permitted in the URL`,
      `${at}.clientConfig.url: Invalid value: "f": fragments are not permitted in the URL`,
      `${at}.clientConfig.url: Invalid value: "q": query parameters are not permitted in the URL`,
    ],
  ],
  [
    one({ clientConfig: { service: { ...service, path: 'ab' } } }),
    [`${at}.clientConfig.service.path: Invalid value: "ab": must start with a '/'`],
  ],
  [
    one({ clientConfig: { service: { ...service, path: '/a//b' } } }),
    [`${at}.clientConfig.service.path: Invalid value: "/a//b": segment[1] may not be empty`],
  ],
  [
    one({ clientConfig: { service: { ...service, port: 0 } } }),
    [`${at}.clientConfig.service.port: Invalid value: 0: port is not valid: must be between 1 and 65535, inclusive`],
  ],
  [one({ admissionReviewVersions: [] }), [`${at}.admissionReviewVersions: Required value: must specify one of v1, v1beta1`]],
  [
    one({ admissionReviewVersions: ['v2'] }),
    [`${at}.admissionReviewVersions: Invalid value: ["v2"]: must include at least one of v1, v1beta1`],
  ],
  [ruled({ operations: [] }), [`${at}.rules[0].operations: Required value`]],
  [
    ruled({ operations: ['*', 'CREATE'] }),
    [`${at}.rules[0].operations: Invalid value: ["*","CREATE"]: if '*' is present, must not specify other operations`],
  ],
  [
    ruled({ operations: ['PATCH'] }),
    [`${at}.rules[0].operations[0]: Unsupported value: "PATCH": supported values: "*", "CONNECT", "CREATE", "DELETE", "UPDATE"`],
  ],
  [ruled({ resources: [] }), [`${at}.rules[0].resources: Required value`]],
  [
    ruled({ resources: ['pods/*', 'pods/log'] }),
    [`${at}.rules[0].resources[1]: Invalid value: "pods/log": if 'pods/*' is present, must not specify pods/log`],
  ],
  [
    ruled({ resources: ['*/status', 'pods/status'] }),
    [`${at}.rules[0].resources[1]: Invalid value: "pods/status": if '*/status' is present, must not specify pods/status`],
  ],
  [
    ruled({ resources: ['*', 'pods'] }),
    [`${at}.rules[0].resources: Invalid value: ["*","pods"]: if '*' is present, must not specify other resources without subresources`],
  ],
  [ruled({ scope: 'Any' }), [`${at}.rules[0].scope: Unsupported value: "Any": supported values: "*", "Cluster", "Namespaced"`]],
  [one({ matchConditions: [{ name: 'x', expression: ' ' }] }), [`${at}.matchConditions[0].expression: Required value`]],
  [
    one({ matchConditions: Array.from({ length: 65 }, (_, index) => ({ name: `c${index}`, expression: 'true' })) }),
    [`${at}.matchConditions: Too many: 65: must have at most 64 items`],
  ],
])('%#: %j', (given, problems) => {
  expect(validating.problems(given)).toEqual(problems)
  expect(mutating.problems(given)).toEqual(problems)
})

test('a mutating webhook is asked again or not', () => {
  expect(mutating.problems(one({ reinvocationPolicy: 'Always' }))).toEqual([
    `${at}.reinvocationPolicy: Unsupported value: "Always": supported values: "IfNeeded", "Never"`,
  ])
})

describe('the table', () => {
  test.each([validating, mutating])('counts webhooks', (kind) => {
    expect(kind.columns).toBe('Name Webhooks Age')
    expect(kind.cells(one({}))).toEqual(['a', 1, '5m'])
    expect(kind.cells({})).toEqual(['a', 0, '5m'])
  })
})
