import { expect, test } from 'vitest'
import { kindUnderTest } from '../kind-under-test.ts'

const kind = kindUnderTest('coordination.k8s.io', 'v1', 'Lease')

test.each([
  [{ holderIdentity: 'x', leaseDurationSeconds: 40 }, []],
  [{ leaseDurationSeconds: 0 }, ['spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0']],
  [{ leaseTransitions: -1 }, ['spec.leaseTransitions: Invalid value: -1: must be greater than or equal to 0']],
  [{ preferredHolder: 'x' }, ['spec.preferredHolder: Forbidden: may only be specified if `strategy` is defined']],
  [{ strategy: 'Any' }, ['spec.strategy.strategy: Unsupported value: "Any": supported values: "OldestEmulationVersion"']],
  [{ strategy: 'example.org/Any', preferredHolder: 'x' }, []],
])('%j: %j', (spec, problems) => {
  expect(kind.problems({ spec })).toEqual(problems)
})

test('is shown with its holder', () => {
  expect(kind.columns).toBe('Name Holder Age')
  expect(kind.cells({ spec: { holderIdentity: 'x' } })).toEqual(['a', 'x', '5m'])
  expect(kind.cells({ spec: {} })).toEqual(['a', '', '5m'])
})
