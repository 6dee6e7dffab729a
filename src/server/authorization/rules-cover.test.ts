import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { PolicyRule } from '../../api/types/rbac-v1.ts'
import type { RequestAttributes } from '../request-attributes.ts'
import { ruleAllows } from './rule-allows.ts'
import { describedRules, missingRules } from './rules-cover.ts'

const verbs = ['get', 'list', '*']
const groups = ['', 'apps', '*']
const resources = ['pods', 'pods/log', '*/log', 'secrets', '*']
const names = ['a', 'b']
const paths = ['/a', '/a/*', '/a/b', '*']

const some = (values: readonly string[]) => fc.uniqueArray(fc.constantFrom(...values), { minLength: 1, maxLength: 3 })
const anyRule: fc.Arbitrary<PolicyRule> = fc.oneof(
  fc.record(
    { verbs: some(verbs), apiGroups: some(groups), resources: some(resources), resourceNames: some(names) },
    { requiredKeys: ['verbs', 'apiGroups', 'resources'] },
  ),
  fc.record({ verbs: some(verbs), nonResourceURLs: some(paths) }),
)
const anyRequest: fc.Arbitrary<RequestAttributes> = fc.oneof(
  fc.record({
    type: fc.constant('resource' as const),
    verb: fc.constantFrom('get', 'list', 'delete'),
    group: fc.constantFrom('', 'apps', 'batch'),
    version: fc.constant('v1'),
    resource: fc.constantFrom('pods', 'secrets', 'jobs'),
    subresource: fc.constantFrom('', 'log', 'exec'),
    namespace: fc.constant('n'),
    name: fc.constantFrom('', 'a', 'b', 'c'),
  }),
  fc.record({
    type: fc.constant('path' as const),
    verb: fc.constantFrom('get', 'post'),
    path: fc.constantFrom('/a', '/a/b', '/a/b/c', '/z'),
  }),
)
const allows = (rules: readonly PolicyRule[], asked: RequestAttributes) => rules.some((rule) => ruleAllows(rule, asked))

describe('what is missing', () => {
  test('of rules that are held whole is nothing: whatever they allow, the held ones do', () => {
    fc.assert(
      fc.property(fc.array(anyRule, { maxLength: 4 }), fc.array(anyRule, { maxLength: 4 }), anyRequest, (held, wanted, asked) => {
        const missing = missingRules(held, wanted)
        // Nothing is given that is not held or named as missing.
        if (allows(wanted, asked)) expect(allows([...held, ...missing], asked)).toBe(true)
        // And what is named as missing is wanted.
        if (allows(missing, asked)) expect(allows(wanted, asked)).toBe(true)
      }),
      { numRuns: 2000 },
    )
  })

  test('of rules one holds is nothing, in whatever pieces', () => {
    fc.assert(fc.property(fc.array(anyRule, { maxLength: 4 }), (rules) => void expect(missingRules(rules, rules)).toEqual([])))
    const pieces = ['get', 'list'].map((verb) => ({ verbs: [verb], apiGroups: [''], resources: ['pods'] }))
    expect(missingRules(pieces, [{ verbs: ['get', 'list'], apiGroups: [''], resources: ['pods'] }])).toEqual([])
  })

  test.each([
    [
      [{ verbs: ['get'], apiGroups: [''], resources: ['pods'], resourceNames: ['a'] }],
      { verbs: ['get'], apiGroups: [''], resources: ['pods'] },
    ],
    [[{ verbs: ['get', 'list'], apiGroups: [''], resources: ['pods'] }], { verbs: ['*'], apiGroups: [''], resources: ['pods'] }],
    [[{ verbs: ['get'], apiGroups: [''], resources: ['pods'] }], { verbs: ['get'], apiGroups: [''], resources: ['*/log'] }],
    [[{ verbs: ['get'], nonResourceURLs: ['/a/b'] }], { verbs: ['get'], nonResourceURLs: ['/a/*'] }],
  ])('%j does not hold %j', (held, wanted) => {
    expect(missingRules(held, [wanted])).toEqual([wanted])
  })

  test('is found quickly however much a role says', () => {
    const many = Array.from({ length: 5000 }, (_, index) => `r${index}`)
    const wide = { verbs: many, apiGroups: many, resources: many }
    const began = process.threadCpuUsage()
    expect(missingRules([{ ...wide, resources: [...many, 'x'] }], [wide, wide])).toEqual([])
    expect(missingRules([{ verbs: ['get'], apiGroups: [''], resources: ['pods'] }], [wide])).toEqual([wide])
    const { user, system } = process.threadCpuUsage(began)
    expect((user + system) / 1000).toBeLessThan(500)
  })
})

test('missing rules are shown in order, verbs of one resource together', () => {
  const one = (verb: string, resource: string) => ({ verbs: [verb], apiGroups: [''], resources: [resource] })
  expect(
    describedRules([one('get', 'secrets'), one('list', 'pods'), one('list', 'secrets'), { verbs: ['get'], nonResourceURLs: ['/a'] }]),
  ).toEqual([
    '{APIGroups:[""], Resources:["pods"], Verbs:["list"]}',
    '{APIGroups:[""], Resources:["secrets"], Verbs:["get" "list"]}',
    '{NonResourceURLs:["/a"], Verbs:["get"]}',
  ])
})
