import { describe, expect, test } from 'vitest'
import { kindUnderTest } from '../kind-under-test.ts'

describe('a quota', () => {
  const kind = kindUnderTest('', 'v1', 'ResourceQuota')
  const hard = { pods: '10' }
  const scoped = (scopeName: string, operator: string, values?: string[]) => ({
    hard,
    scopeSelector: { matchExpressions: [{ scopeName, operator, ...(values && { values }) }] },
  })
  const at = 'spec.scopeSelector.matchExpressions'

  test.each([
    [{ hard: { pods: '10', 'requests.cpu': '500m', 'count/jobs.batch': '3', 'requests.hugepages-2Mi': '4Mi' } }, []],
    [{ hard: { pods: '-1' } }, ['spec.hard[pods]: Invalid value: "-1": must be greater than or equal to 0']],
    [{ hard: { pods: '500m' } }, ['spec.hard[pods]: Invalid value: "500m": must be an integer']],
    [{ hard: { gpus: '1' } }, ['spec.hard[gpus]: Invalid value: "gpus": must be a standard resource for quotas']],
    [{ hard, scopes: ['Best'] }, ['spec.scopes: Invalid value: ["Best"]: unsupported scope']],
    [
      { hard: { secrets: '1' }, scopes: ['BestEffort'] },
      ['spec.scopes: Invalid value: ["BestEffort"]: unsupported scope applied to resource'],
    ],
    [
      { hard, scopes: ['Terminating', 'NotTerminating'] },
      ['spec.scopes: Invalid value: ["Terminating","NotTerminating"]: conflicting scopes'],
    ],
    [scoped('PriorityClass', 'In', ['high']), []],
    [
      scoped('PriorityClass', 'In'),
      [`${at}.values: Required value: must be at least one value when \`operator\` is 'In' or 'NotIn' for scope selector`],
    ],
    [
      scoped('PriorityClass', 'Exists', ['high']),
      [`${at}.values: Invalid value: ["high"]: must be no value when \`operator\` is 'Exist' or 'DoesNotExist' for scope selector`],
    ],
    [scoped('PriorityClass', 'Is'), [`${at}.operator: Invalid value: "Is": not a valid selector operator`]],
  ])('%#: %j', (spec, problems) => {
    expect(kind.problems({ spec })).toEqual(problems)
  })

  test('keeps its scopes', () => {
    expect(kind.updateProblems({ spec: { hard } }, { spec: { hard, scopes: ['BestEffort'] } })).toEqual([
      'spec.scopes: Invalid value: ["BestEffort"]: field is immutable',
    ])
  })

  test('is shown with what is used', () => {
    expect(kind.columns).toBe('Name Request Limit Age')
    const status = { hard: { pods: '10', 'limits.cpu': '2' }, used: { pods: '3', 'limits.cpu': '1' } }
    expect(kind.cells({ spec: { hard }, status })).toEqual(['a', 'pods: 3/10', 'limits.cpu: 1/2', '5m'])
  })
})

describe('limits', () => {
  const kind = kindUnderTest('', 'v1', 'LimitRange')
  const of = (...limits: object[]) => ({ spec: { limits } })
  const container = (more: object) => of({ type: 'Container', ...more })

  test('fill themselves in from the greatest and the least', () => {
    expect(kind.defaulted(container({ max: { cpu: '2' }, min: { memory: '1Mi' } }))).toMatchObject(
      container({ default: { cpu: '2' }, defaultRequest: { cpu: '2', memory: '1Mi' } }),
    )
    expect(kind.defaulted(of({ type: 'Pod', max: { cpu: '2' } }))).not.toHaveProperty('spec.limits.0.default')
  })

  test.each([
    [container({ max: { cpu: '2' }, min: { cpu: '1' }, maxLimitRequestRatio: { cpu: '2' } }), []],
    [of({ type: 'Box' }), ['spec.limits[0].type: Invalid value: "Box": must be a standard limit type or fully qualified']],
    [of({ type: 'Pod' }, { type: 'Pod' }), ['spec.limits[1].type: Duplicate value: "Pod"']],
    [of({ type: 'Pod', default: { cpu: '1' } }), ["spec.limits[0].default: Forbidden: may not be specified when `type` is 'Pod'"]],
    [
      container({ max: { gpus: '1' } }),
      ['max', 'default', 'defaultRequest'].map(
        (list) => `spec.limits[0].${list}[gpus]: Invalid value: "gpus": must be a standard resource for containers`,
      ),
    ],
    [
      of({ type: 'PersistentVolumeClaim' }),
      ['spec.limits[0].limits: Required value: either minimum or maximum storage value is required, but neither was provided'],
    ],
    [of({ type: 'PersistentVolumeClaim', max: { storage: '1Gi' } }), []],
    [
      of({ type: 'Pod', min: { cpu: '2' }, max: { cpu: '1' } }),
      ['spec.limits[0].min[cpu]: Invalid value: "2": min value 2 is greater than max value 1'],
    ],
    [
      container({ default: { cpu: '3' }, defaultRequest: { cpu: '4' }, max: { cpu: '2' } }),
      [
        'spec.limits[0].defaultRequest[cpu]: Invalid value: "4": default request value 4 is greater than max value 2',
        'spec.limits[0].defaultRequest[cpu]: Invalid value: "4": default request value 4 is greater than default limit value 3',
        'spec.limits[0].default[cpu]: Invalid value: "2": default value 3 is greater than max value 2',
      ],
    ],
    [
      of({ type: 'Pod', maxLimitRequestRatio: { cpu: '500m' } }),
      ['spec.limits[0].maxLimitRequestRatio[cpu]: Invalid value: "500m": ratio 500m is less than 1'],
    ],
    [
      of({ type: 'Pod', min: { cpu: '1' }, max: { cpu: '2' }, maxLimitRequestRatio: { cpu: '10' } }),
      ['spec.limits[0].maxLimitRequestRatio[cpu]: Invalid value: "10": ratio 10 is greater than max/min = 2.000000'],
    ],
  ])('%#: %j', (given, problems) => {
    expect(kind.problems(given)).toEqual(problems)
  })

  test('are shown with when they were made', () => {
    expect(kind.columns).toBe('Name Created At')
  })
})
