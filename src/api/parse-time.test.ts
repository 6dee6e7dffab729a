import { expect, test } from 'vitest'
import { parseMicroTime, parseTime } from './parse-time.ts'

test.each([
  ['2026-01-02T03:04:05Z', '2026-01-02T03:04:05Z'],
  ['2026-01-02T03:04:05.999Z', '2026-01-02T03:04:05Z'],
  ['2026-01-02T03:04:05+02:00', '2026-01-02T01:04:05Z'],
  ['2024-02-29T23:30:00-01:00', '2024-03-01T00:30:00Z'],
])('the time %s is kept as %s', (text, kept) => {
  expect(parseTime(text)).toEqual({ text: kept })
})

test.each([
  ['2026-01-02T03:04:05.000007Z', '2026-01-02T03:04:05.000007Z'],
  ['2026-01-02T03:04:05.123456+02:00', '2026-01-02T01:04:05.123456Z'],
])('the exact time %s is kept as %s', (text, kept) => {
  expect(parseMicroTime(text)).toEqual({ text: kept })
})

const seconds = 'as "2006-01-02T15:04:05Z07:00": cannot parse'
test.each([
  ['', `parsing time "" ${seconds} "" as "2006"`],
  ['soon', `parsing time "soon" ${seconds} "soon" as "2006"`],
  ['2026-01-02', `parsing time "2026-01-02" ${seconds} "" as "T"`],
  ['2026-01-02 03:04:05Z', `parsing time "2026-01-02 03:04:05Z" ${seconds} " 03:04:05Z" as "T"`],
  ['2026-01-02T03:04:05', `parsing time "2026-01-02T03:04:05" ${seconds} "" as "Z07:00"`],
  ['2026-13-02T03:04:05Z', 'parsing time "2026-13-02T03:04:05Z": month out of range'],
  ['2026-02-30T03:04:05Z', 'parsing time "2026-02-30T03:04:05Z": day out of range'],
  ['2026-01-02T24:00:00Z', 'parsing time "2026-01-02T24:00:00Z": hour out of range'],
  ['2026-01-02T03:04:05Zulu', 'parsing time "2026-01-02T03:04:05Zulu": extra text: "ulu"'],
])('%j is no time', (text, problem) => {
  expect(parseTime(text)).toEqual({ problem })
})

test('an exact time has six places', () => {
  expect(parseMicroTime('2026-01-02T03:04:05Z')).toEqual({
    problem: 'parsing time "2026-01-02T03:04:05Z" as "2006-01-02T15:04:05.000000Z07:00": cannot parse "Z" as ".000000"',
  })
})
