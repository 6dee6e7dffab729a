import { CelError, type Meter } from '../meter.ts'
import { plainDouble, showDouble } from '../numbers-text.ts'
import { showDuration, showTimestamp } from '../times.ts'
import { CelDuration, CelList, CelMap, CelTimestamp, CelTypeValue, CelUint, type CelValue, typeName } from '../values.ts'

const clause = /%(?:\.(\d+))?(.)|%$/gsu
const maxPrecision = 1000

/** `'%s has %d'.format([...])` */
export function formatText(template: string, args: CelList, meter: Meter): string {
  let next = 0
  const text = template.replace(clause, (all, precision: string | undefined, verb: string | undefined) => {
    if (all === '%%') return '%'
    if (verb === undefined) throw new CelError('unexpected end of format string')
    const digits = precision === undefined ? 6 : Number(precision)
    if (digits > maxPrecision) throw new CelError(`precision ${digits} exceeds the maximum allowed precision of ${maxPrecision}`)
    if (!'sdfebxXo'.includes(verb)) throw new CelError(`could not parse formatting clause: unrecognized formatting clause "${verb}"`)
    if (next >= args.size) throw new CelError(`index ${next} out of range`)
    const shown = clauseText(verb, args.at(next++), digits, meter)
    meter.work(shown.length)
    return shown
  })
  if (next < args.size) throw new CelError(`too many arguments supplied to string.format (expected ${next}, got ${args.size})`)
  return text
}

const refused = (sentence: string, value: CelValue) => new CelError(`error during formatting: ${sentence}, was given ${typeName(value)}`)

const asBigint = (value: CelValue): bigint | undefined =>
  typeof value === 'bigint' ? value : value instanceof CelUint ? value.value : undefined

function clauseText(verb: string, value: CelValue, digits: number, meter: Meter): string {
  switch (verb) {
    case 's':
      return plainText(value, meter)
    case 'd': {
      if (typeof value === 'number' && !Number.isFinite(value)) return showDouble(value)
      const number = asBigint(value)
      if (number === undefined) throw refused('decimal clause can only be used on integers', value)
      return String(number)
    }
    case 'f':
    case 'e': {
      const number = typeof value === 'number' ? value : asBigint(value)
      if (number === undefined) throw refused(`${verb === 'f' ? 'fixed-point' : 'scientific'} clause can only be used on doubles`, value)
      return verb === 'f' ? Number(number).toFixed(Math.min(digits, 100)) : scientific(Number(number), Math.min(digits, 100))
    }
    case 'b': {
      const number = typeof value === 'boolean' ? BigInt(value) : asBigint(value)
      if (number === undefined) throw refused('only integers and bools can be formatted as binary', value)
      return number.toString(2)
    }
    case 'o': {
      const number = asBigint(value)
      if (number === undefined) throw refused('octal clause can only be used on integers', value)
      return number.toString(8)
    }
    default: {
      const text = hex(value)
      if (text === undefined) throw refused('only integers, byte buffers, and strings can be formatted as hex', value)
      return verb === 'X' ? text.toUpperCase() : text
    }
  }
}

function hex(value: CelValue): string | undefined {
  if (typeof value === 'string') return Buffer.from(value).toString('hex')
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex')
  return asBigint(value)?.toString(16)
}

const scientific = (value: number, digits: number): string => value.toExponential(digits).replace(/e([+-])(\d)$/, 'e$10$2')

/** A value as `%s` shows it. */
function plainText(value: CelValue, meter: Meter): string {
  meter.work(1)
  if (typeof value === 'string') return value
  if (typeof value === 'bigint' || typeof value === 'boolean') return String(value)
  if (typeof value === 'number') return Number.isFinite(value) ? plainDouble(value) : showDouble(value)
  if (value === null) return 'null'
  if (value instanceof CelUint) return String(value.value)
  if (value instanceof Uint8Array) return new TextDecoder().decode(value)
  if (value instanceof CelTimestamp) return showTimestamp(value)
  if (value instanceof CelDuration) return showDuration(value)
  if (value instanceof CelTypeValue) return value.name
  if (value instanceof CelList) return `[${[...value].map((item) => plainText(item, meter)).join(', ')}]`
  if (value instanceof CelMap) {
    const entries = [...value.keys()].map((key) => [plainText(key, meter), plainText(value.get(key) ?? null, meter)] as const)
    return `{${entries
      .sort(([one], [other]) => (one < other ? -1 : 1))
      .map(([key, item]) => `${key}: ${item}`)
      .join(', ')}}`
  }
  throw refused(
    'string clause can only be used on strings, bools, bytes, ints, doubles, maps, lists, types, durations, and timestamps',
    value,
  )
}
