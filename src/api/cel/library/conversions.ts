import * as f from '../functions.ts'
import { global, type Overload } from '../functions.ts'
import { CelError } from '../meter.ts'
import { showDouble } from '../numbers-text.ts'
import { parseDuration, parseTimestamp, showDuration, showTimestamp, timestampOf } from '../times.ts'
import { bool, bytes, type CelType, double, duration, dyn, int, param, string, timestamp, typeOf, uint } from '../types.ts'
import { CelTypeValue, type CelValue, runtimeName, typeName } from '../values.ts'
import { asInt, asUint } from './operators.ts'

const second = 1_000_000_000n

/** What a text stands for, or the error that it stands for nothing of the type. */
function parsed<T extends CelValue>(value: T | undefined, type: CelType): T {
  if (value === undefined) throw new CelError(`type conversion error from 'string' to '${runtimeName(type)}'`)
  return value
}

function truncated(value: number, what: 'int' | 'uint'): bigint {
  // Beyond these doubles have no neighbours that fit.
  const [low, high] = what === 'int' ? [-(2 ** 63), 2 ** 63] : [-1, 2 ** 64]
  if (!(value > low && value < high)) throw new CelError(what === 'int' ? 'integer overflow' : 'unsigned integer overflow')
  return BigInt(Math.trunc(value))
}

const intText = /^[+-]?\d+$/
const doubleText = /^[+-]?(\d+(\.\d*)?([eE][+-]?\d+)?|\.\d+([eE][+-]?\d+)?|inf|infinity|nan)$/i

function doubleOf(text: string): number | undefined {
  if (!doubleText.test(text)) return undefined
  if (/nan/i.test(text)) return Number.NaN
  if (/inf/i.test(text)) return text.startsWith('-') ? -Infinity : Infinity
  const value = Number(text)
  return Number.isFinite(value) ? value : undefined
}

function integerOf(text: string): bigint | undefined {
  return intText.test(text) && text.length < 100 ? BigInt(text.replace('+', '')) : undefined
}

const truths = new Set(['1', 't', 'T', 'true', 'TRUE', 'True'])
const falsehoods = new Set(['0', 'f', 'F', 'false', 'FALSE', 'False'])

function textOf(data: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(data)
  } catch {
    throw new CelError('invalid UTF-8 in bytes, cannot convert to string')
  }
}

/** The instant as Go truncates it: towards zero for durations, to the past for moments. */
const unixSeconds = (nanos: bigint) => (nanos - (((nanos % second) + second) % second)) / second

export const conversions: readonly Overload[] = [
  global('int', [f.int], int, (value) => value),
  global('int', [f.uint], int, ({ value }) => asInt(value)),
  global('int', [f.double], int, (value) => truncated(value, 'int')),
  global('int', [f.string], int, (text) => asInt(parsed(integerOf(text), int))),
  global('int', [f.timestamp], int, ({ nanos }) => unixSeconds(nanos)),
  global('int', [f.duration], int, ({ nanos }) => nanos),
  global('uint', [f.uint], uint, (value) => value),
  global('uint', [f.int], uint, (value) => asUint(value)),
  global('uint', [f.double], uint, (value) => asUint(truncated(value, 'uint'))),
  global('uint', [f.string], uint, (text) => asUint(parsed(integerOf(text), uint))),
  global('double', [f.double], double, (value) => value),
  global('double', [f.int], double, (value) => Number(value)),
  global('double', [f.uint], double, ({ value }) => Number(value)),
  global('double', [f.string], double, (text) => parsed(doubleOf(text), double)),
  global('bool', [f.bool], bool, (value) => value),
  global('bool', [f.string], bool, (text) => parsed(truths.has(text) || (falsehoods.has(text) ? false : undefined), bool)),
  global('string', [f.string], string, (text) => text),
  global('string', [f.bool], string, (value) => String(value)),
  global('string', [f.int], string, (value) => String(value)),
  global('string', [f.uint], string, ({ value }) => String(value)),
  global('string', [f.double], string, (value) => showDouble(value)),
  global('string', [f.bytes], string, textOf, 'to-string'),
  global('string', [f.timestamp], string, showTimestamp),
  global('string', [f.duration], string, showDuration),
  global('bytes', [f.bytes], bytes, (data) => data),
  global('bytes', [f.string], bytes, (text) => new TextEncoder().encode(text), 'to-bytes'),
  global('timestamp', [f.timestamp], timestamp, (value) => value),
  global('timestamp', [f.int], timestamp, (seconds) => timestampOf(seconds * second)),
  global('timestamp', [f.string], timestamp, (text) => parsed(parseTimestamp(text), timestamp)),
  global('duration', [f.duration], duration, (value) => value),
  global('duration', [f.string], duration, (text) => parsed(parseDuration(text), duration)),
  global('dyn', [f.A], dyn, (value) => value),
  global('type', [f.A], typeOf(param('A')), (value) => new CelTypeValue(typeName(value))),
]
