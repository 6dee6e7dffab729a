import { expect, test } from 'vitest'
import { ageOf, humanDuration } from './duration.ts'

const minute = 60
const hour = 60 * minute
const day = 24 * hour

test.each([
  [-5, '<invalid>'],
  [-1, '0s'],
  [0, '0s'],
  [119, '119s'],
  [120, '2m'],
  [9 * minute + 59, '9m59s'],
  [10 * minute + 30, '10m'],
  [179 * minute, '179m'],
  [3 * hour, '3h'],
  [7 * hour + 59 * minute, '7h59m'],
  [47 * hour, '47h'],
  [2 * day + 4 * hour, '2d4h'],
  [7 * day, '7d'],
  [8 * day + hour, '8d'],
  [729 * day, '729d'],
  [2 * 365 * day + 20 * day, '2y20d'],
  [9 * 365 * day + day, '9y'],
])('%d seconds are %s', (seconds, text) => {
  expect(humanDuration(seconds * 1000)).toBe(text)
})

test('what has no timestamp has no age', () => {
  expect(ageOf(undefined, 0)).toBe('<unknown>')
  expect(ageOf('2026-01-01T00:00:00Z', Date.parse('2026-01-01T00:00:07Z'))).toBe('7s')
})
