import { expect, test } from 'vitest'
import { microTimestamp, timeOf, timestamp } from './timestamp.ts'

const noonMs = Date.UTC(2026, 0, 2, 12)

test.each([
  [noonMs, '2026-01-02T12:00:00Z'],
  [noonMs + 999, '2026-01-02T12:00:00Z'],
  [noonMs + 1_000, '2026-01-02T12:00:01Z'],
  [noonMs, '2026-01-02T12:00:00Z'],
  [-1, '1969-12-31T23:59:59Z'],
])('%d is written as %s', (ms, text) => {
  expect(timestamp(ms)).toBe(text)
})

test('no time has no text, also when asked again', () => {
  expect(() => timestamp(Number.NaN)).toThrow(RangeError)
  expect(() => timestamp(Number.NaN)).toThrow(RangeError)
})

test('MicroTime has six places', () => {
  expect(microTimestamp(noonMs + 7)).toBe('2026-01-02T12:00:00.007000Z')
})

test.each([
  ['2026-01-02T12:00:00Z', noonMs],
  ['2026-01-02T12:00:00.007000Z', noonMs + 7],
  ['', undefined],
  [undefined, undefined],
])('%s is the time %s', (text, ms) => {
  expect(timeOf(text)).toBe(ms)
})
