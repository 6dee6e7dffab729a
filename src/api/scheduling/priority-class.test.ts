import { expect, test } from 'vitest'
import { kindUnderTest } from '../kind-under-test.ts'

const kind = kindUnderTest('scheduling.k8s.io', 'v1', 'PriorityClass')

test('preempts unless it says otherwise, in its only generation', () => {
  expect(kind.created({ value: 1 })).toMatchObject({ preemptionPolicy: 'PreemptLowerPriority', metadata: { generation: 1 } })
  expect(kind.created({ value: 1, preemptionPolicy: 'Never' })).toMatchObject({ preemptionPolicy: 'Never' })
})

const reserved = "metadata.name: Forbidden: priority class names with 'system-' prefix are reserved for system use only. error: "

test.each([
  [{ value: 1_000_000_000 }, []],
  [{ value: 1_000_000_001 }, ['value: Forbidden: maximum allowed value of a user defined priority is 1000000000']],
  [{ metadata: { name: 'system-x' }, value: 1 }, [`${reserved}system-x is not a known system priority class`]],
  [{ metadata: { name: 'system-node-critical' }, value: 1 }, [`${reserved}value of system-node-critical PriorityClass must be 2000001000`]],
  [
    { metadata: { name: 'system-cluster-critical' }, value: 2_000_000_000, globalDefault: true },
    [`${reserved}globalDefault of system-cluster-critical PriorityClass must be false`],
  ],
  [{ metadata: { name: 'system-cluster-critical' }, value: 2_000_000_000 }, []],
  [
    { value: 1, preemptionPolicy: 'Always' },
    ['preemptionPolicy: Unsupported value: "Always": supported values: "Never", "PreemptLowerPriority"'],
  ],
])('%j: %j', (given, problems) => {
  expect(kind.problems(given)).toEqual(problems)
})

test('value and policy stay', () => {
  expect(kind.updateProblems({ value: 1 }, { value: 1, description: 'x' })).toEqual([])
  expect(kind.updateProblems({ value: 1 }, { value: 2, preemptionPolicy: 'Never' })).toEqual([
    'value: Forbidden: may not be changed in an update.',
    'preemptionPolicy: Invalid value: "Never": field is immutable',
  ])
})

test('is shown with its value', () => {
  expect(kind.columns).toBe('Name Value Global-Default Age PreemptionPolicy')
  expect(kind.cells({ value: 7, globalDefault: true })).toEqual(['a', 7, true, '5m', 'PreemptLowerPriority'])
  expect(kind.cells({})).toEqual(['a', 0, false, '5m', 'PreemptLowerPriority'])
})
