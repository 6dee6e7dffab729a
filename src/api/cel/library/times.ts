import * as f from '../functions.ts'
import { member, type Overload } from '../functions.ts'
import { inZone } from '../times.ts'
import { int } from '../types.ts'
import type { CelDuration } from '../values.ts'

const dayMs = 86_400_000

function part(name: string, of: (date: Date) => number): Overload[] {
  return [
    member(name, [f.timestamp], int, (moment) => BigInt(of(inZone(moment, '')))),
    member(name, [f.timestamp, f.string], int, (moment, zone) => BigInt(of(inZone(moment, zone)))),
  ]
}

const whole = (name: string, of: (duration: CelDuration) => bigint): Overload => member(name, [f.duration], int, of)

export const times: readonly Overload[] = [
  ...part('getFullYear', (date) => date.getUTCFullYear()),
  ...part('getMonth', (date) => date.getUTCMonth()),
  ...part('getDate', (date) => date.getUTCDate()),
  ...part('getDayOfMonth', (date) => date.getUTCDate() - 1),
  ...part('getDayOfWeek', (date) => date.getUTCDay()),
  ...part('getDayOfYear', (date) => Math.floor((date.getTime() - new Date(date).setUTCMonth(0, 1)) / dayMs)),
  ...part('getHours', (date) => date.getUTCHours()),
  ...part('getMinutes', (date) => date.getUTCMinutes()),
  ...part('getSeconds', (date) => date.getUTCSeconds()),
  ...part('getMilliseconds', (date) => date.getUTCMilliseconds()),
  whole('getHours', ({ nanos }) => nanos / 3_600_000_000_000n),
  whole('getMinutes', ({ nanos }) => nanos / 60_000_000_000n),
  whole('getSeconds', ({ nanos }) => nanos / 1_000_000_000n),
  whole('getMilliseconds', ({ nanos }) => nanos / 1_000_000n),
]
