import { expect, test } from 'vitest'
import { limitsOf } from './limits.ts'
import { defaultPriorityLevels } from './suggested-objects.ts'

test('shares divide the seats as upstream divides them', () => {
  const limits = limitsOf(600, new Map([...defaultPriorityLevels.mandatory, ...defaultPriorityLevels.suggested]))
  const nominal = Object.fromEntries([...limits].map(([name, { nominal, lendable }]) => [name, [nominal, lendable]]))
  expect(nominal).toEqual({
    'catch-all': [13, 0],
    exempt: [0, 0],
    system: [74, 24],
    'node-high': [98, 25],
    'leader-election': [25, 0],
    'workload-high': [98, 49],
    'workload-low': [245, 221],
    'global-default': [49, 25],
  })
})

test('what a level may borrow is bounded by its percentage, or by nothing but what there is', () => {
  const level = (borrowingLimitPercent?: number) =>
    ({
      type: 'Limited',
      limited: { nominalConcurrencyShares: 10, ...(borrowingLimitPercent !== undefined && { borrowingLimitPercent }) },
    }) as const
  const limits = limitsOf(
    100,
    new Map([
      ['a', level(50)],
      ['b', level()],
      ['c', level(0)],
    ]),
  )
  expect([...limits.values()].map(({ max }) => max)).toEqual([51, 134, 34])
  expect(limitsOf(100, new Map([['none', { type: 'Limited', limited: { nominalConcurrencyShares: 0 } }]])).get('none')?.nominal).toBe(0)
})
