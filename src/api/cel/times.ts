import { CelError } from './meter.ts'
import { CelDuration, CelTimestamp, maxInt, minInt } from './values.ts'

const second = 1_000_000_000n
const minMs = -62135596800000
const maxMs = 253402300799999

const pattern = /^(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:[.,](\d+))?(?:[Zz]|([+-])(\d\d):(\d\d))$/

/** RFC 3339, with nanoseconds; undefined when the text is none. */
export function parseTimestamp(text: string): CelTimestamp | undefined {
  const match = pattern.exec(text)
  if (!match) return undefined
  const [year, month, day, hour, minute, seconds] = match.slice(1, 7).map(Number) as [number, number, number, number, number, number]
  const [, , , , , , , fraction = '', sign, zoneHours = '0', zoneMinutes = '0'] = match
  const date = new Date(0)
  date.setUTCFullYear(year, month - 1, day)
  date.setUTCHours(hour, minute, seconds)
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day || hour > 23 || minute > 59 || seconds > 59) return undefined
  if (Number(zoneHours) > 24 || Number(zoneMinutes) > 59) return undefined
  const offset = (Number(zoneHours) * 60 + Number(zoneMinutes)) * 60_000 * (sign === '-' ? -1 : 1)
  const nanos = BigInt(date.getTime() - offset) * 1_000_000n + BigInt(fraction.slice(0, 9).padEnd(9, '0'))
  return isInRange(nanos) ? new CelTimestamp(nanos) : undefined
}

const isInRange = (nanos: bigint) => nanos >= BigInt(minMs) * 1_000_000n && nanos < BigInt(maxMs + 1) * 1_000_000n

export function timestampOf(nanos: bigint): CelTimestamp {
  if (!isInRange(nanos)) throw new CelError('timestamp overflow')
  return new CelTimestamp(nanos)
}

export function durationOf(nanos: bigint): CelDuration {
  if (nanos < minInt || nanos > maxInt) throw new CelError('duration overflow')
  return new CelDuration(nanos)
}

/** Rounded towards the past. */
export const wholeMs = ({ nanos }: CelTimestamp): number =>
  Number((nanos - (((nanos % 1_000_000n) + 1_000_000n) % 1_000_000n)) / 1_000_000n)

export function showTimestamp(timestamp: CelTimestamp): string {
  const iso = new Date(wholeMs(timestamp)).toISOString()
  const fraction = (((timestamp.nanos % second) + second) % second).toString().padStart(9, '0').replace(/0+$/, '')
  return `${iso.slice(0, 19)}${fraction === '' ? '' : `.${fraction}`}Z`
}

/** Seconds with as many digits as it takes. */
export function showDuration({ nanos }: CelDuration): string {
  const size = nanos < 0n ? -nanos : nanos
  const fraction = (size % second).toString().padStart(9, '0').replace(/0+$/, '')
  return `${nanos < 0n ? '-' : ''}${size / second}${fraction === '' ? '' : `.${fraction}`}s`
}

const units: Readonly<Record<string, bigint>> = {
  ...{ ns: 1n, us: 1000n, µs: 1000n, μs: 1000n, ms: 1_000_000n, s: second, m: 60n * second, h: 3600n * second },
}

/** Go's durations, such as `1h30m` and `-1.5s`; undefined when the text is none. */
export function parseDuration(text: string): CelDuration | undefined {
  const sign = /^[+-]/.exec(text)?.[0] ?? ''
  const rest = text.slice(sign.length)
  if (rest === '0') return new CelDuration(0n)
  const part = /(\d*)(?:\.(\d*))?(ns|us|µs|μs|ms|s|m|h)/y
  let nanos = 0n
  let at = 0
  if (rest.length > 256) return undefined
  while (at < rest.length) {
    part.lastIndex = at
    const match = part.exec(rest)
    if (!match) return undefined
    const [all, whole = '', fraction = '', unit = ''] = match
    if (whole === '' && fraction === '') return undefined
    const factor = units[unit] ?? 0n
    nanos += BigInt(whole || '0') * factor + (BigInt(fraction || '0') * factor) / 10n ** BigInt(fraction.length)
    at += all.length
  }
  if (at === 0) return undefined
  const signed = sign === '-' ? -nanos : nanos
  return signed < minInt || signed > maxInt ? undefined : new CelDuration(signed)
}

/** The parts of a moment in a time zone: an IANA name, or an offset such as `-08:00`. */
export function inZone(timestamp: CelTimestamp, zone: string): Date {
  const ms = wholeMs(timestamp)
  if (zone === '' || zone === 'UTC') return new Date(ms)
  const offset = /^([+-]?)(\d{1,2}):(\d\d)$/.exec(zone)
  if (offset) return new Date(ms + (Number(offset[2]) * 60 + Number(offset[3])) * 60_000 * (offset[1] === '-' ? -1 : 1))
  let parts: Intl.DateTimeFormatPart[]
  try {
    parts = new Intl.DateTimeFormat('en-US', {
      ...{ timeZone: zone, calendar: 'gregory', hourCycle: 'h23', era: 'short' },
      ...{ year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit', second: '2-digit' },
    }).formatToParts(ms)
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    throw new CelError(`unknown time zone ${zone}`)
  }
  const value = (type: string) => Number(parts.find((part) => part.type === type)?.value ?? 0)
  const date = new Date(0)
  date.setUTCFullYear(value('year'), value('month') - 1, value('day'))
  date.setUTCHours(value('hour'), value('minute'), value('second'), ((ms % 1000) + 1000) % 1000)
  return date
}
