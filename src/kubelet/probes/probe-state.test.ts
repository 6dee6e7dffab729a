import { expect, test } from 'vitest'
import { afterResult, firstState, nextDelayMs, type ProbeKind } from './probe-state.ts'

const verdicts = (kind: ProbeKind, results: string, thresholds = {}) => {
  let state = firstState(kind)
  return [...results].map((result) => {
    state = afterResult(state, thresholds, result === '+' ? 'success' : 'failure')
    return state.verdict
  })
}

test('a verdict changes after as many equal results in a row as the thresholds say', () => {
  expect(verdicts('liveness', '--+---')).toEqual(['success', 'success', 'success', 'success', 'success', 'failure'])
  expect(verdicts('readiness', '-+---')).toEqual(['undecided', 'success', 'success', 'success', 'failure'])
  expect(verdicts('readiness', '+-++', { successThreshold: 2, failureThreshold: 1 })).toEqual([
    'undecided',
    'failure',
    'failure',
    'success',
  ])
})

test('what is not ready yet is looked at soon, then less and less often until the period is reached', () => {
  let state = firstState('readiness')
  const delays = [1, 2, 3, 4, 5, 6, 7].map((looks) => {
    state = afterResult(state, {}, 'failure')
    return nextDelayMs('readiness', state, 5, looks)
  })
  expect(delays).toEqual([100, 200, 400, 800, 1600, 3200, 5000])
  expect(nextDelayMs('readiness', afterResult(state, {}, 'success'), 5, 2)).toBe(5000)
})

test('other probes keep to their period: it says how long a container may take', () => {
  for (const kind of ['startup', 'liveness'] as const)
    expect(nextDelayMs(kind, afterResult(firstState(kind), {}, 'failure'), 5, 1)).toBe(5000)
})
