import { expect, test } from 'vitest'
import { parseDuration } from './parse-duration.ts'

test.each([
  ['24h', 86_400_000],
  ['1h30m', 5_400_000],
  ['1.5s', 1500],
  ['-2m3ms', -120_003],
  ['0', 0],
  ['5', undefined],
  ['', undefined],
  ['h', undefined],
  ['1d', undefined],
])('%s', (text, ms) => {
  expect(parseDuration(text)).toBe(ms)
})
