import { expect, test } from 'vitest'
import type { Deployment, ReplicaSet } from '../api/types/apps-v1.ts'
import { resolveAmount } from './int-or-percent.ts'
import { rolloutLimits } from './rollout-limits.ts'
import { isScaling, rollingSteps, scalingSteps } from './rollout-plan.ts'

let created = 0
const set = (name: string, replicas: number, available = replicas, sizes: { desired?: number; max?: number } = {}): ReplicaSet => ({
  apiVersion: 'apps/v1',
  kind: 'ReplicaSet',
  metadata: {
    name,
    creationTimestamp: new Date(Date.UTC(2026, 0, 1) + created++ * 1000).toISOString(),
    annotations: {
      ...(sizes.desired !== undefined && { 'deployment.kubernetes.io/desired-replicas': String(sizes.desired) }),
      ...(sizes.max !== undefined && { 'deployment.kubernetes.io/max-replicas': String(sizes.max) }),
    },
  },
  spec: { replicas, selector: {} },
  status: { replicas, availableReplicas: available },
})
const limits = (replicas: number, maxSurge: number, maxUnavailable: number) => ({ replicas, maxSurge, maxUnavailable })
const shown = (steps: readonly { set: ReplicaSet; replicas: number }[]) =>
  steps.map(({ set: { metadata }, replicas }) => `${metadata.name}=${replicas}`)

test.each([
  ['the first goes up to all', limits(4, 1, 1), set('new', 0), [], ['new=4']],
  ['up by the surge while old ones stand', limits(4, 1, 1), set('new', 0), [set('old', 4)], ['new=1']],
  ['no room: old ones down by what may be missing', limits(4, 1, 1), set('new', 1, 0), [set('old', 4)], ['old=3']],
  ['no room and nothing may be missing: wait', limits(4, 1, 0), set('new', 1, 0), [set('old', 4)], []],
  ['the new one is available: an old one goes', limits(4, 1, 0), set('new', 1), [set('old', 4)], ['old=3']],
  [
    'old ones that are not available go first, by as many as may be missing',
    limits(4, 0, 1),
    set('new', 0),
    [set('sick', 3, 0), set('old', 1)],
    ['sick=2'],
  ],
  ['more than wanted: down', limits(2, 1, 1), set('new', 4), [], ['new=2']],
  ['pods that must go already are not there to be counted on', limits(4, 1, 1), set('new', 3, 2), [set('old', 2, 3)], ['old=1']],
  ['done', limits(4, 1, 1), set('new', 4), [set('old', 0)], []],
  ['old ones go oldest first', limits(4, 2, 2), set('new', 2), [set('b', 1), set('c', 3)], ['b=0', 'c=0']],
])('rolling: %s', (_, amounts, current, old, steps) => {
  expect(shown(rollingSteps(amounts, { current, old }))).toEqual(steps)
})

test.each([
  ['one alone takes all', limits(6, 1, 1), set('new', 4, 4, { desired: 4, max: 5 }), [], ['new=6']],
  [
    'grows in proportion',
    limits(20, 0, 0),
    set('new', 5, 5, { desired: 10, max: 10 }),
    [set('old', 5, 5, { desired: 10, max: 10 })],
    ['old=10', 'new=10'],
  ],
  [
    'what rounding leaves goes to the largest',
    limits(12, 0, 0),
    set('new', 3, 3, { max: 10 }),
    [set('old', 7, 7, { max: 10 })],
    ['old=8', 'new=4'],
  ],
  ['shrinks in proportion', limits(5, 0, 0), set('new', 4, 4, { max: 10 }), [set('old', 6, 6, { max: 10 })], ['old=3', 'new=2']],
  ['to none', limits(0, 0, 0), set('new', 4, 4, { max: 10 }), [set('old', 6, 6, { max: 10 })], ['old=0', 'new=0']],
  ['complete: the old ones go', limits(4, 1, 1), set('new', 4, 4, { desired: 4 }), [set('old', 2)], ['old=0']],
])('scaling: %s', (_, amounts, current, old, steps) => {
  expect(shown(scalingSteps(amounts, { current, old }, true, 10))).toEqual(steps)
})

test('pods that must go take their room until they do', () => {
  const old = set('old', 3, 3)
  const late = { ...old, status: { replicas: 4, availableReplicas: 4 } }
  expect(shown(rollingSteps(limits(4, 1, 1), { current: set('new', 1), old: [old] }))).toEqual(['new=2'])
  expect(shown(rollingSteps(limits(4, 1, 1), { current: set('new', 1), old: [late] }))).toEqual(['old=2'])
})

test('a scaled deployment is one whose replica sets know another size', () => {
  expect(isScaling(limits(4, 1, 1), { current: set('a', 4, 4, { desired: 3 }), old: [] })).toBe(true)
  expect(isScaling(limits(4, 1, 1), { current: set('a', 4, 4, { desired: 4 }), old: [set('b', 0, 0, { desired: 3 })] })).toBe(false)
})

test.each([
  ['25%', 10, 'up', 3],
  ['25%', 10, 'down', 2],
  [2, 10, 'up', 2],
  [undefined, 10, 'up', 0],
] as const)('%s of %s rounded %s is %s', (value, total, round, amount) => {
  expect(resolveAmount(value, total, round)).toBe(amount)
})

test('when both amounts come to none, one pod may be missing', () => {
  const deployment = {
    spec: { replicas: 3, strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: '0%', maxUnavailable: '10%' } } },
  } as Deployment
  expect(rolloutLimits(deployment)).toEqual({ replicas: 3, maxSurge: 0, maxUnavailable: 1 })
})
