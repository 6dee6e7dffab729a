import { expect, test } from 'vitest'
import type { RequestAttributes } from '../request-attributes.ts'
import { auditEvaluator, parseAuditPolicy } from './audit-policy.ts'

const head = 'apiVersion: audit.k8s.io/v1\nkind: Policy\n'
const policy = (rules: string) => parseAuditPolicy(`${head}rules:\n${rules}`)
const resource = (verb: string, resource: string, more: object = {}): RequestAttributes => ({
  type: 'resource',
  verb,
  group: '',
  version: 'v1',
  resource,
  subresource: '',
  namespace: 'default',
  name: 'a',
  ...more,
})
const path = (path: string): RequestAttributes => ({ type: 'path', verb: 'get', path })
const user = (name: string, ...groups: string[]) => ({ name, groups })
const jane = user('jane', 'people', 'system:authenticated')

test.each([
  ['- level: Metadata', jane, resource('get', 'pods'), 'Metadata'],
  ['- {level: Request, users: [joe, jane]}', jane, resource('get', 'pods'), 'Request'],
  ['- {level: Request, users: [joe]}', jane, resource('get', 'pods'), 'None'],
  ['- {level: Request, users: [joe]}', undefined, resource('get', 'pods'), 'None'],
  ['- {level: Request, userGroups: [people]}', jane, resource('get', 'pods'), 'Request'],
  ['- {level: Request, userGroups: [others]}', jane, resource('get', 'pods'), 'None'],
  ['- {level: Request, verbs: [get]}', jane, resource('list', 'pods'), 'None'],
  ['- {level: None, verbs: [list]}\n- level: Metadata', jane, resource('list', 'pods'), 'None'],
  ['- {level: Request, namespaces: [default]}', jane, resource('get', 'pods'), 'Request'],
  ['- {level: Request, namespaces: [default]}', jane, resource('get', 'pods', { namespace: 'x' }), 'None'],
  ['- {level: Request, namespaces: [""]}', jane, resource('get', 'nodes', { namespace: '' }), 'Request'],
  ['- {level: Request, namespaces: [default]}', jane, path('/api'), 'None'],
  ['- {level: Request, resources: [{group: ""}]}', jane, resource('get', 'pods'), 'Request'],
  ['- {level: Request, resources: [{group: apps}]}', jane, resource('get', 'pods'), 'None'],
  ['- {level: Request, resources: [{resources: [secrets, pods]}]}', jane, resource('get', 'pods'), 'Request'],
  ['- {level: Request, resources: [{resources: [pods]}]}', jane, resource('get', 'pods', { subresource: 'log' }), 'None'],
  ['- {level: Request, resources: [{resources: [pods/log]}]}', jane, resource('get', 'pods', { subresource: 'log' }), 'Request'],
  ['- {level: Request, resources: [{resources: [pods/*]}]}', jane, resource('get', 'pods', { subresource: 'log' }), 'Request'],
  ['- {level: Request, resources: [{resources: ["*/log"]}]}', jane, resource('get', 'pods', { subresource: 'log' }), 'Request'],
  ['- {level: Request, resources: [{resources: ["*/log"]}]}', jane, resource('get', 'pods'), 'None'],
  ['- {level: Request, resources: [{resources: ["*"]}]}', jane, resource('get', 'pods', { subresource: 'log' }), 'Request'],
  ['- {level: Request, resources: [{resources: [pods], resourceNames: [a]}]}', jane, resource('get', 'pods'), 'Request'],
  ['- {level: Request, resources: [{resources: [pods], resourceNames: [b]}]}', jane, resource('get', 'pods'), 'None'],
  ['- {level: Metadata, nonResourceURLs: [/api*]}', jane, path('/apis/apps'), 'Metadata'],
  ['- {level: Metadata, nonResourceURLs: [/api]}', jane, path('/apis'), 'None'],
  ['- {level: Metadata, nonResourceURLs: ["*"]}', jane, path('/apis'), 'Metadata'],
  ['- {level: Metadata, nonResourceURLs: ["*"]}', jane, resource('get', 'pods'), 'None'],
])('%s', (rules, who, attributes, level) => {
  expect(auditEvaluator(policy(rules))(who, attributes).level).toBe(level)
})

test('stages and managed fields are left out by the policy or by a rule', () => {
  const parsed = parseAuditPolicy(
    `${head}omitStages: [RequestReceived]\nomitManagedFields: true\nrules:\n- {level: Request, users: [jane], omitStages: [ResponseStarted], omitManagedFields: false}\n- level: Request`,
  )
  const evaluate = auditEvaluator(parsed)
  expect(evaluate(jane, path('/'))).toEqual({
    level: 'Request',
    omitStages: new Set(['RequestReceived', 'ResponseStarted']),
    omitManagedFields: false,
  })
  expect(evaluate(user('joe'), path('/'))).toEqual({ level: 'Request', omitStages: new Set(['RequestReceived']), omitManagedFields: true })
})

test.each([
  ['', 'no mapping'],
  ['a: [', 'Cannot read'],
  ['kind: Policy\napiVersion: audit.k8s.io/v2', 'no Policy of audit.k8s.io/v1'],
  [head, 'has no rules'],
  [`${head}rules:\n- level: All`, 'rules[0].level'],
  [`${head}rules:\n- {level: None, user: [jane]}`, 'unknown field "user"'],
  [`${head}rules:\n- {level: None, users: jane}`, 'is no list'],
  [`${head}rules:\n- {level: None, omitStages: [Never]}`, '"Never" is none of'],
  [`${head}rules:\n- {level: None, nonResourceURLs: [/], resources: [{group: ""}]}`, 'both regular resources and non-resource URLs'],
  [`${head}rules:\n- {level: None, nonResourceURLs: [healthz]}`, "must begin with '/'"],
  [`${head}rules:\n- {level: None, nonResourceURLs: ["/a*b"]}`, "'*' must be the last character"],
  [`${head}rules:\n- {level: None, resources: [{resourceNames: [a]}]}`, 'need at least one resource'],
])('a policy that is wrong is refused: %#', (text, why) => {
  expect(() => parseAuditPolicy(text)).toThrow(why)
})
