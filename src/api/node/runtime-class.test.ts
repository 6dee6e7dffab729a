import { expect, test } from 'vitest'
import { kindUnderTest } from '../kind-under-test.ts'

const kind = kindUnderTest('node.k8s.io', 'v1', 'RuntimeClass')
const toleration = { key: 'k', operator: 'Exists', effect: 'NoSchedule' }

test.each([
  [{ handler: 'runsc', overhead: { podFixed: { cpu: '100m', memory: '20Mi' } } }, 0, ''],
  [{ handler: 'Runsc' }, 1, 'handler: Invalid value: "Runsc": a lowercase RFC 1123 label must consist'],
  [
    { handler: 'x', overhead: { podFixed: { cpu: '-1' } } },
    1,
    'overhead.limits[cpu]: Invalid value: "-1": must be greater than or equal to 0',
  ],
  [{ handler: 'x', scheduling: { nodeSelector: { 'a b': 'c' } } }, 1, 'scheduling.nodeSelector: Invalid value: "a b": '],
  [{ handler: 'x', scheduling: { tolerations: [toleration, toleration] } }, 1, 'scheduling.tolerations[1]: Duplicate value: '],
])('%j has %d problems: %s', (given, count, first) => {
  const problems = kind.problems(given)
  expect(problems).toHaveLength(count)
  expect((problems[0] ?? '').slice(0, first.length)).toBe(first)
})

test('its handler stays', () => {
  expect(kind.updateProblems({ handler: 'a' }, { handler: 'b' })).toEqual(['handler: Invalid value: "b": field is immutable'])
})

test('is shown with its handler', () => {
  expect(kind.columns).toBe('Name Handler Age')
  expect(kind.cells({ handler: 'runc' })).toEqual(['a', 'runc', '5m'])
})
