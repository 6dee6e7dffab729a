import * as f from '../functions.ts'
import { global, member, type Overload } from '../functions.ts'
import { CelError, type Meter } from '../meter.ts'
import { bool, dyn, int, listOf, string } from '../types.ts'
import { type CelList, ListOfValues } from '../values.ts'
import { formatText } from './format-text.ts'

const outOfRange = (index: bigint) => new CelError(`index out of range: ${index}`)

/** Code points, since these are what places count. */
function characters(text: string, meter: Meter): readonly string[] {
  meter.work(text.length)
  return [...text]
}

function charAt(text: string, index: bigint, meter: Meter): string {
  const all = characters(text, meter)
  if (index < 0n || index > all.length) throw outOfRange(index)
  return all[Number(index)] ?? ''
}

function substring(text: string, start: bigint, end: bigint | undefined, meter: Meter): string {
  const all = characters(text, meter)
  if (end === undefined) {
    if (start < 0n || start > all.length) throw outOfRange(start)
    return all.slice(Number(start)).join('')
  }
  if (start > end) throw new CelError(`invalid substring range. start: ${start}, end: ${end}`)
  if (start < 0n || start > all.length) throw outOfRange(start)
  if (end > all.length) throw outOfRange(end)
  return all.slice(Number(start), Number(end)).join('')
}

/** UTF-16 units before a code point. */
const unitsBefore = (all: readonly string[], count: number) => all.slice(0, count).join('').length

function indexOf(text: string, wanted: string, offset: bigint, meter: Meter): bigint {
  const all = characters(text, meter)
  if (offset < 0n) throw outOfRange(offset)
  if (wanted === '') return offset > all.length ? -1n : offset
  if (offset >= all.length) return -1n
  const at = text.indexOf(wanted, unitsBefore(all, Number(offset)))
  return at < 0 ? -1n : BigInt(meter.sizeOf(text.slice(0, at)))
}

function lastIndexOf(text: string, wanted: string, offset: bigint | undefined, meter: Meter): bigint {
  const all = characters(text, meter)
  if (offset !== undefined && (offset < 0n || offset >= all.length) && !(wanted === '' && offset === BigInt(all.length)))
    throw outOfRange(offset)
  if (wanted === '') return offset ?? BigInt(all.length)
  const at = text.lastIndexOf(wanted, offset === undefined ? text.length : unitsBefore(all, Number(offset)))
  return at < 0 ? -1n : BigInt(meter.sizeOf(text.slice(0, at)))
}

function replace(text: string, old: string, by: string, most: bigint, meter: Meter): string {
  const parts = old === '' ? ['', ...characters(text, meter), ''] : text.split(old)
  const count = most < 0n ? parts.length - 1 : Math.min(Number(most), parts.length - 1)
  meter.work(text.length + count * by.length)
  const head = parts.slice(0, count + 1).join(by)
  return count < parts.length - 1 ? head + old + parts.slice(count + 1).join(old) : head
}

function split(text: string, separator: string, most: bigint, meter: Meter): CelList {
  if (most === 0n) return new ListOfValues([])
  meter.work(text.length)
  const parts = separator === '' ? [...text] : text.split(separator)
  if (most < 0n || most >= parts.length) return new ListOfValues(parts)
  const kept = Number(most) - 1
  return new ListOfValues([...parts.slice(0, kept), parts.slice(kept).join(separator)])
}

function join(list: CelList, separator: string, meter: Meter): string {
  const parts: string[] = []
  for (const item of list) {
    if (typeof item !== 'string') throw new CelError('no such overload: join')
    meter.work(item.length + separator.length + 1)
    parts.push(item)
  }
  return parts.join(separator)
}

const quoted: Readonly<Record<string, string>> = {
  ...{ '\x07': '\\a', '\b': '\\b', '\f': '\\f', '\n': '\\n', '\r': '\\r', '\t': '\\t', '\v': '\\v', '\\': '\\\\', '"': '\\"' },
}

const ascii = (pattern: RegExp, change: (letter: string) => string) => (text: string) => text.replace(pattern, change)

export const strings: readonly Overload[] = [
  member('contains', [f.string, f.string], bool, (text, part) => text.includes(part), 'contains'),
  member('startsWith', [f.string, f.string], bool, (text, part) => text.startsWith(part), 'affix'),
  member('endsWith', [f.string, f.string], bool, (text, part) => text.endsWith(part), 'affix'),
  member('charAt', [f.string, f.int], string, charAt),
  member('indexOf', [f.string, f.string], int, (text, part, meter) => indexOf(text, part, 0n, meter), 'elements'),
  member('indexOf', [f.string, f.string, f.int], int, indexOf, 'elements'),
  member('lastIndexOf', [f.string, f.string], int, (text, part, meter) => lastIndexOf(text, part, undefined, meter), 'elements'),
  member('lastIndexOf', [f.string, f.string, f.int], int, lastIndexOf, 'elements'),
  member(
    'lowerAscii',
    [f.string],
    string,
    ascii(/[A-Z]+/g, (text) => text.toLowerCase()),
    'rebuild',
  ),
  member(
    'upperAscii',
    [f.string],
    string,
    ascii(/[a-z]+/g, (text) => text.toUpperCase()),
    'rebuild',
  ),
  member('replace', [f.string, f.string, f.string], string, (text, old, by, meter) => replace(text, old, by, -1n, meter), 'replace'),
  member('replace', [f.string, f.string, f.string, f.int], string, replace, 'replace'),
  member('split', [f.string, f.string], listOf(string), (text, separator, meter) => split(text, separator, -1n, meter), 'split'),
  member('split', [f.string, f.string, f.int], listOf(string), split, 'split'),
  member('substring', [f.string, f.int], string, (text, start, meter) => substring(text, start, undefined, meter), 'rebuild'),
  member('substring', [f.string, f.int, f.int], string, substring, 'rebuild'),
  member('trim', [f.string], string, (text) => text.replace(/^[\s\x85]+|[\s\x85]+$/g, ''), 'rebuild'),
  member('join', [f.list(string)], string, (list, meter) => join(list, '', meter), 'join'),
  member('join', [f.list(string), f.string], string, join, 'join'),
  member('format', [f.string, f.list(dyn)], string, formatText, 'format'),
  global('strings.quote', [f.string], string, (text) => `"${Array.from(text, (one) => quoted[one] ?? one).join('')}"`, 'quote'),
]
