import { describe, expect, test } from 'vitest'
import { builtinCatalog } from '../catalog.ts'
import { kindUnderTest } from '../kind-under-test.ts'
import type { KubeObject } from '../object.ts'
import { mandatoryFlowSchemas, mandatoryPriorityLevels } from './mandatory-objects.ts'

const group = 'flowcontrol.apiserver.k8s.io'
const schema = kindUnderTest(group, 'v1', 'FlowSchema')
const level = kindUnderTest(group, 'v1', 'PriorityLevelConfiguration')

describe('a schema', () => {
  const user = { kind: 'User', user: { name: 'u' } }
  const resourceRule = { verbs: ['get'], apiGroups: [''], resources: ['pods'], namespaces: ['*'] }
  const of = (more: object = {}) => ({ spec: { priorityLevelConfiguration: { name: 'p' }, matchingPrecedence: 5, ...more } })
  const rule = (more: object = {}) => of({ rules: [{ subjects: [user], resourceRules: [resourceRule], ...more }] })
  const resource = (more: object) => rule({ resourceRules: [{ ...resourceRule, ...more }] })
  const url = (path: string) => rule({ resourceRules: [], nonResourceRules: [{ verbs: ['get'], nonResourceURLs: [path] }] })
  const at = 'spec.rules[0]'

  test('stands among the last unless it says otherwise', () => {
    expect(schema.defaulted(of({ matchingPrecedence: 0 }))).toHaveProperty('spec.matchingPrecedence', 1000)
  })

  test.each([
    [rule(), []],
    [of({ matchingPrecedence: -1 }), ['spec.matchingPrecedence: Invalid value: -1: must be a positive value']],
    [of({ matchingPrecedence: 10_001 }), ['spec.matchingPrecedence: Invalid value: 10001: must not be greater than 10000']],
    [
      of({ matchingPrecedence: 1 }),
      ["spec.matchingPrecedence: Invalid value: 1: only the schema named 'exempt' may have matchingPrecedence 1"],
    ],
    [
      of({ distinguisherMethod: { type: 'ByLuck' } }),
      ['spec.distinguisherMethod.type: Unsupported value: {"type":"ByLuck"}: supported values: "ByNamespace", "ByUser"'],
    ],
    [of({ priorityLevelConfiguration: {} }), ['spec.priorityLevelConfiguration.name: Required value: must reference a priority level']],
    [rule({ subjects: [] }), [`${at}.subjects: Required value: subjects must contain at least one value`]],
    [rule({ resourceRules: [] }), [`${at}: Required value: at least one of resourceRules and nonResourceRules has to be non-empty`]],
    [rule({ subjects: [{ kind: 'User' }] }), [`${at}.subjects[0].user: Required value: user is required when subject kind is 'User'`]],
    [
      rule({ subjects: [{ ...user, group: { name: 'g' } }] }),
      [`${at}.subjects[0].group: Forbidden: group is forbidden when subject kind is not 'Group'`],
    ],
    [
      rule({ subjects: [{ kind: 'ServiceAccount', serviceAccount: { name: '*' } }] }),
      [`${at}.subjects[0].serviceAccount.namespace: Required value: must specify namespace for service account`],
    ],
    [
      resource({ verbs: ['*', 'get'] }),
      [`${at}.resourceRules[0].verbs: Invalid value: ["*","get"]: if '*' is present, must not specify other verbs`],
    ],
    [
      resource({ namespaces: [] }),
      [`${at}.resourceRules[0].namespaces: Required value: resource rules that are not cluster scoped must supply at least one namespace`],
    ],
    [resource({ namespaces: [], clusterScope: true }), []],
    [url('/healthz/*'), []],
    [url('healthz'), [`${at}.nonResourceRules[0].nonResourceURLs[0]: Invalid value: "healthz": must start with slash`]],
    [url('/h*z'), [`${at}.nonResourceRules[0].nonResourceURLs[0]: Invalid value: "/h*z": wildcard can only do suffix matching`]],
  ])('%#: %j', (given, problems) => {
    expect(schema.problems(given)).toEqual(problems)
  })

  test('of the server’s own stays as it is', () => {
    for (const [name, spec] of mandatoryFlowSchemas) {
      expect(schema.problems({ metadata: { name }, spec })).toEqual([])
      expect(schema.problems({ metadata: { name }, spec: { ...spec, rules: [] } }).at(-1)).toContain(
        `spec of '${name}' must equal the fixed value`,
      )
    }
  })

  test('has each condition once', () => {
    const status = { conditions: [{ type: 'Dangling' }, { type: 'Dangling' }] }
    expect(schema.updateProblems(of(), { ...of(), status }, 'status')).toEqual(['status.conditions[1].type: Duplicate value: "Dangling"'])
  })

  test('is shown with its level', () => {
    expect(schema.columns).toBe('Name PriorityLevel MatchingPrecedence DistinguisherMethod Age MissingPL')
    expect(schema.cells(of())).toEqual(['a', 'p', 5, '<none>', '5m', '?'])
    const status = { conditions: [{ type: 'Dangling', status: 'False' }] }
    expect(schema.cells({ ...of({ distinguisherMethod: { type: 'ByUser' } }), status })).toEqual(['a', 'p', 5, 'ByUser', '5m', 'False'])
  })
})

describe('a level', () => {
  const queue = (queuing: object = {}) => ({ type: 'Limited', limited: { limitResponse: { type: 'Queue', queuing } } })
  const at = 'spec.limited.limitResponse'

  test('has thirty shares and sixty-four queues', () => {
    expect(level.defaulted({ spec: queue() })).toMatchObject({
      spec: {
        limited: {
          nominalConcurrencyShares: 30,
          lendablePercent: 0,
          limitResponse: { queuing: { handSize: 8, queues: 64, queueLengthLimit: 50 } },
        },
      },
    })
    expect(level.defaulted({ spec: { type: 'Exempt', exempt: {} } })).toMatchObject({
      spec: { exempt: { nominalConcurrencyShares: 0, lendablePercent: 0 } },
    })
  })

  test.each([
    [queue(), []],
    [{ type: 'Limited' }, ['spec.limited: Required value: must not be empty when type is Limited']],
    [{ type: 'Exempt' }, ["spec.type: Invalid value: \"Exempt\": type must be 'Exempt' if and only if name is 'exempt'"]],
    [{ type: 'Any' }, ['spec.type: Unsupported value: "Any": supported values: "Exempt", "Limited"']],
    [{ ...queue(), exempt: {} }, ['spec.exempt: Forbidden: must be nil if the type is Limited']],
    [
      { type: 'Limited', limited: { limitResponse: { type: 'Reject', queuing: {} } } },
      [`${at}.queuing: Forbidden: must be nil if limited.limitResponse.type is not Limited`],
    ],
    [
      { type: 'Limited', limited: { limitResponse: { type: 'Queue' } } },
      [`${at}.queuing: Required value: must not be empty if limited.limitResponse.type is Limited`],
    ],
    [
      {
        type: 'Limited',
        limited: { limitResponse: { type: 'Reject' }, lendablePercent: 101, nominalConcurrencyShares: -1, borrowingLimitPercent: -1 },
      },
      [
        'spec.limited.nominalConcurrencyShares: Invalid value: -1: must be a non-negative integer',
        'spec.limited.lendablePercent: Invalid value: 101: must be between 0 and 100, inclusive',
        'spec.limited.borrowingLimitPercent: Invalid value: -1: if specified, must be a non-negative integer',
      ],
    ],
    [queue({ queues: 4 }), [`${at}.queuing.handSize: Invalid value: 8: should not be greater than queues (4)`]],
    [
      queue({ queues: 1024, handSize: 7 }),
      [`${at}.queuing.handSize: Invalid value: 7: required entropy bits of deckSize 1024 and handSize 7 should not be greater than 60`],
    ],
  ])('%#: %j', (spec, problems) => {
    expect(level.problems({ spec })).toEqual(problems)
  })

  test('of the server’s own stays as it is', () => {
    for (const [name, spec] of mandatoryPriorityLevels) expect(level.problems({ metadata: { name }, spec })).toEqual([])
    expect(level.problems({ metadata: { name: 'catch-all' }, spec: queue() })).toHaveLength(1)
  })

  test('is shown with its shares and queues', () => {
    expect(level.columns).toBe('Name Type NominalConcurrencyShares Queues HandSize QueueLengthLimit Age')
    expect(level.cells({ spec: queue() })).toEqual(['a', 'Limited', 30, 64, 8, 50, '5m'])
    expect(level.cells({ spec: { type: 'Exempt' } })).toEqual(['a', 'Exempt', '<none>', '<none>', '<none>', '<none>', '5m'])
  })
})

test('flow schemas are shown in the order in which they are tried', () => {
  const kind = builtinCatalog().byKind('flowcontrol.apiserver.k8s.io', 'v1', 'FlowSchema')
  const of = (name: string, matchingPrecedence: number) => ({
    apiVersion: 'flowcontrol.apiserver.k8s.io/v1',
    kind: 'FlowSchema',
    metadata: { name },
    spec: { matchingPrecedence },
  })
  const rows: readonly KubeObject[] = [of('a', 9000), of('c', 10), of('b', 10)]
  expect([...rows].sort(kind?.rowOrder).map(({ metadata }) => metadata.name)).toEqual(['b', 'c', 'a'])
})
