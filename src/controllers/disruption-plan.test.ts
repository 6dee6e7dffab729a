import { describe, expect, test } from 'vitest'
import type { Pod } from '../api/types/core-v1.ts'
import type { PodDisruptionBudget } from '../api/types/policy-v1.ts'
import { failedDisruption, planDisruption } from './disruption-plan.ts'

const nowMs = Date.parse('2026-01-01T00:10:00Z')
const budget = (spec: object, status: object = {}): PodDisruptionBudget => ({
  apiVersion: 'policy/v1',
  kind: 'PodDisruptionBudget',
  metadata: { name: 'b', namespace: 'n', generation: 3 },
  spec,
  status: status as never,
})
const pod = (name: string, ready = true, metadata: object = {}): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace: 'n', ...metadata },
  spec: { containers: [] },
  status: { conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }] },
})
const pods = (ready: number, unready = 0) => [
  ...Array.from({ length: ready }, (_, index) => pod(`r${index}`)),
  ...Array.from({ length: unready }, (_, index) => pod(`u${index}`, false)),
]

test.each([
  // spec, ready and unready pods, scale → expected, desired, healthy, allowed
  [{ minAvailable: 2 }, 3, 0, 0, [3, 2, 3, 1]],
  [{ minAvailable: 2 }, 1, 1, 0, [2, 2, 1, 0]],
  [{ minAvailable: 0 }, 0, 0, 0, [0, 0, 0, 0]],
  [{ minAvailable: '50%' }, 3, 0, 3, [3, 2, 3, 1]],
  [{ minAvailable: '50%' }, 3, 0, 5, [5, 3, 3, 0]],
  [{ maxUnavailable: 1 }, 3, 0, 3, [3, 2, 3, 1]],
  [{ maxUnavailable: 1 }, 2, 1, 3, [3, 2, 2, 0]],
  [{ maxUnavailable: '30%' }, 4, 0, 4, [4, 2, 4, 2]],
  [{ maxUnavailable: 5 }, 2, 0, 2, [2, 0, 2, 2]],
  [{}, 3, 0, 0, [0, 0, 3, 0]],
])(
  '%j of %i ready and %i other pods, %i wanted',
  (spec, ready, unready, scale, [expectedPods, desiredHealthy, currentHealthy, allowed]) => {
    const { status } = planDisruption(budget(spec), pods(ready, unready), scale, nowMs)
    expect(status).toMatchObject({ observedGeneration: 3, expectedPods, desiredHealthy, currentHealthy, disruptionsAllowed: allowed })
    expect(status.conditions).toEqual([
      {
        type: 'DisruptionAllowed',
        status: allowed ? 'True' : 'False',
        reason: allowed ? 'SufficientPods' : 'InsufficientPods',
        message: '',
        lastTransitionTime: '2026-01-01T00:10:00Z',
        observedGeneration: 3,
      },
    ])
  },
)

describe('evictions under way', () => {
  const spec = { minAvailable: 1 }
  const since = (disruptedPods: object) => budget(spec, { disruptedPods })

  test('count as gone until their pods go, or for two minutes', () => {
    const { status, afterMs } = planDisruption(since({ r0: '2026-01-01T00:09:00Z', gone: '2026-01-01T00:09:59Z' }), pods(3), 0, nowMs)
    expect(status).toMatchObject({ currentHealthy: 2, disruptionsAllowed: 1, disruptedPods: { r0: '2026-01-01T00:09:00Z' } })
    expect(afterMs).toBe(60_000)
  })

  test('that nothing came of are forgotten', () => {
    const { status, afterMs } = planDisruption(since({ r0: '2026-01-01T00:08:00Z' }), pods(3), 0, nowMs)
    expect(status.currentHealthy).toBe(3)
    expect(status.disruptedPods).toBeUndefined()
    expect(afterMs).toBeUndefined()
  })

  test('a pod on its way out is neither', () => {
    const leaving = pod('r0', true, { deletionTimestamp: '2026-01-01T00:09:59Z' })
    const { status } = planDisruption(since({ r0: '2026-01-01T00:09:59Z' }), [leaving, pod('r1')], 0, nowMs)
    expect(status).toMatchObject({ expectedPods: 2, currentHealthy: 1, disruptionsAllowed: 0 })
    expect(status.disruptedPods).toBeUndefined()
  })

  test('a pod named like a part of every object', () => {
    const { status } = planDisruption(budget(spec), [pod('constructor'), pod('x')], 0, nowMs)
    expect(status.currentHealthy).toBe(2)
  })
})

test('a condition keeps its time while it says the same', () => {
  const first = planDisruption(budget({ minAvailable: 1 }), pods(2), 0, nowMs).status
  const again = planDisruption(budget({ minAvailable: 1 }, first), pods(2), 0, nowMs + 60_000).status
  expect(again).toEqual(first)
  const failed = failedDisruption(budget({ maxUnavailable: 1 }, first), 'found no controllers', nowMs + 60_000)
  expect(failed).toMatchObject({
    disruptionsAllowed: 0,
    conditions: [{ status: 'False', reason: 'SyncFailed', message: 'found no controllers', lastTransitionTime: '2026-01-01T00:11:00Z' }],
  })
})
