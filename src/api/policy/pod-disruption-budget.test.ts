import { expect, test } from 'vitest'
import { kindUnderTest } from '../kind-under-test.ts'

const kind = kindUnderTest('policy', 'v1', 'PodDisruptionBudget')

test.each([
  [{ minAvailable: 1 }, []],
  [{ minAvailable: '50%' }, []],
  [
    { minAvailable: 1, maxUnavailable: 1 },
    ['spec: Invalid value: {"minAvailable":1,"maxUnavailable":1}: minAvailable and maxUnavailable cannot be both set'],
  ],
  [{ minAvailable: -1 }, ['spec.minAvailable: Invalid value: -1: must be greater than or equal to 0']],
  [{ maxUnavailable: '101%' }, ['spec.maxUnavailable: Invalid value: "101%": must not be greater than 100%']],
  [
    { minAvailable: 0, unhealthyPodEvictionPolicy: 'Never' },
    ['spec.unhealthyPodEvictionPolicy: Unsupported value: "Never": supported values: "AlwaysAllow", "IfHealthyBudget"'],
  ],
])('%j: %j', (spec, problems) => {
  expect(kind.problems({ spec })).toEqual(problems)
})

test('its status counts nothing below zero', () => {
  const status = { disruptionsAllowed: -1, currentHealthy: 0, desiredHealthy: 0, expectedPods: 0 }
  expect(kind.updateProblems({ spec: {} }, { spec: {}, status }, 'status')).toEqual([
    'status.disruptionsAllowed: Invalid value: -1: must be greater than or equal to 0',
  ])
})

test('is shown with what it asks for', () => {
  expect(kind.columns).toBe('Name Min Available Max Unavailable Allowed Disruptions Age')
  expect(kind.cells({ spec: { minAvailable: 0 }, status: { disruptionsAllowed: 2 } })).toEqual(['a', '0', 'N/A', 2, '5m'])
  expect(kind.cells({ spec: { maxUnavailable: '10%' } })).toEqual(['a', 'N/A', '10%', 0, '5m'])
})
