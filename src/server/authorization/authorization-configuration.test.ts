import { describe, expect, test } from 'vitest'
import { parseAuthorizationConfiguration } from './authorization-configuration.ts'
import { matchConditions } from './match-expression.ts'

const head = 'apiVersion: apiserver.config.k8s.io/v1\nkind: AuthorizationConfiguration\n'
const webhook = (more: object = {}) => ({
  timeout: '3s',
  subjectAccessReviewVersion: 'v1',
  failurePolicy: 'Deny',
  connectionInfo: { type: 'KubeConfigFile', kubeConfigFile: '/etc/webhook' },
  ...more,
})
const read = (...authorizers: object[]) => parseAuthorizationConfiguration(`${head}authorizers: ${JSON.stringify(authorizers)}\n`)

test('says who is asked, in order', () => {
  expect(
    read(
      { type: 'Webhook', name: 'first.example', webhook: webhook({ authorizedTTL: '1m' }) },
      { type: 'Node', name: 'node' },
      { type: 'RBAC', name: 'rbac' },
    ),
  ).toEqual([
    {
      type: 'Webhook',
      name: 'first.example',
      webhook: { kubeConfigFile: '/etc/webhook', version: 'v1', timeoutMs: 3000, allowedMs: 60_000, refusedMs: 30_000, onFailure: 'deny' },
    },
    { type: 'Node' },
    { type: 'RBAC' },
  ])
})

test.each<[object[], string]>([
  [[], 'authorizers: Required value: at least one authorization mode must be defined'],
  [[{ type: 'RBAC' }], 'authorizers[0].name: Required value'],
  [
    [{ type: 'ABAC', name: 'a' }],
    'authorizers[0].type: Unsupported value: "ABAC": supported values: "Node", "RBAC", "AlwaysAllow", "AlwaysDeny", "Webhook"',
  ],
  [
    [
      { type: 'RBAC', name: 'a' },
      { type: 'RBAC', name: 'b' },
    ],
    'authorizers[1].type: Duplicate value: "RBAC"',
  ],
  [[{ type: 'RBAC', name: 'a', webhook: {} }], 'authorizers[0].webhook: Invalid value: may only be specified when type=Webhook'],
  [[{ type: 'Webhook', name: 'a' }], 'authorizers[0].webhook: Required value: required when type=Webhook'],
  [[{ type: 'Webhook', name: 'a', webhook: webhook({ timeout: '31s' }) }], 'authorizers[0].webhook.timeout: Invalid value: must be <= 30s'],
  [
    [{ type: 'Webhook', name: 'a', webhook: webhook({ failurePolicy: 'Allow', other: 1 }) }],
    'unknown field "authorizers[0].webhook.other", authorizers[0].webhook.failurePolicy: Unsupported value: "Allow": supported values: "NoOpinion", "Deny"',
  ],
  [
    [{ type: 'Webhook', name: 'a', webhook: webhook({ matchConditions: [{ expression: "request.user == 'u'" }] }) }],
    'authorizers[0].webhook.matchConditionSubjectAccessReviewVersion: Required value',
  ],
])('%j: %s', (authorizers, message) => {
  expect(() => read(...authorizers)).toThrow(message)
})

test('names conditions that are no CEL over a review', () => {
  const conditions = {
    matchConditionSubjectAccessReviewVersion: 'v1',
    matchConditions: [{ expression: 'true' }, { expression: 'request.usr' }],
  }
  expect(() => read({ type: 'Webhook', name: 'a', webhook: webhook(conditions) })).toThrow(
    /^authorizers\[0\]\.webhook\.matchConditions\[1\]\.expression: Invalid value: "request\.usr": .*usr/,
  )
})

describe('a webhook is asked about', () => {
  const judge = (expressions: string[], review: object) => {
    const compiled = matchConditions(expressions)
    if (!('judge' in compiled)) throw new Error([...compiled.problems.values()].join())
    return compiled.judge(review as never)
  }
  const review = { user: 'u', groups: ['g'], resourceAttributes: { verb: 'get', resource: 'pods', namespace: 'kube-system' } }

  test.each<[string[], string]>([
    [[], 'ask'],
    [['has(request.resourceAttributes)', "request.resourceAttributes.namespace == 'kube-system'"], 'ask'],
    [["!('g' in request.groups)"], 'skip'],
    [['has(request.nonResourceAttributes)'], 'skip'],
    [["request.nonResourceAttributes.path == '/'"], 'failed'],
    [["request.nonResourceAttributes.path == '/'", "request.user == 'v'"], 'skip'],
  ])('what %j say: %s', (expressions, verdict) => {
    expect(judge(expressions, review)).toBe(verdict)
  })
})
