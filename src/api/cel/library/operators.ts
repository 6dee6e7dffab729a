import { celEqual, compareBytes, compareNumbers, compareStrings, contains, itemKey } from '../equality.ts'
import * as f from '../functions.ts'
import { global, member, type Overload } from '../functions.ts'
import { CelError, type Meter } from '../meter.ts'
import { durationOf, timestampOf } from '../times.ts'
import { bool, bytes, double, duration, dyn, int, listOf, mapOf, optionalOf, param, string, timestamp, uint } from '../types.ts'
import {
  CelDuration,
  CelList,
  CelMap,
  CelOptional,
  CelUint,
  type CelValue,
  ConcatenatedList,
  GrowingList,
  ListOfValues,
  maxInt,
  maxUint,
  minInt,
  none,
  typeName,
} from '../values.ts'

const anyList = f.list(param('A'))
const anyMap = f.map(param('A'), param('B'))
const optionalList = f.optional(listOf(param('A')))
const optionalMap = f.optional(mapOf(param('A'), param('B')))

export function asInt(value: bigint): bigint {
  if (value > maxInt || value < minInt) throw new CelError('integer overflow')
  return value
}

export function asUint(value: bigint): CelUint {
  if (value > maxUint || value < 0n) throw new CelError('unsigned integer overflow')
  return new CelUint(value)
}

function nonZero(divisor: bigint, what: string): bigint {
  if (divisor === 0n) throw new CelError(`${what} by zero`)
  return divisor
}

type Compared = (order: number | undefined) => boolean

/** Four operators over each type that has an order. */
function comparison(name: string, holds: Compared): Overload[] {
  const numbers = [f.int, f.uint, f.double]
  return [
    global(name, [f.bool, f.bool], bool, (one, other) => holds(Number(one) - Number(other))),
    ...numbers.flatMap((one) =>
      numbers.map((other) => global(name, [one, other], bool, (left, right) => holds(compareNumbers(left, right)))),
    ),
    global(name, [f.string, f.string], bool, (one, other) => holds(compareStrings(one, other)), 'compare'),
    global(name, [f.bytes, f.bytes], bool, (one, other) => holds(compareBytes(one, other)), 'compare'),
    global(name, [f.timestamp, f.timestamp], bool, (one, other) => holds(compareNumbers(one.nanos, other.nanos))),
    global(name, [f.duration, f.duration], bool, (one, other) => holds(compareNumbers(one.nanos, other.nanos))),
  ]
}

/** Lists one after the other; what a comprehension collects grows in place, and sets and keyed lists take what they lack. */
function concatenated(one: CelList, other: CelList, meter: Meter): CelList {
  if (one instanceof GrowingList) {
    for (const value of other) one.push(value)
    return one
  }
  const { unordered } = one
  if (unordered === 'set') return new ListOfValues([...one, ...[...other].filter((value) => !contains(one, value, meter))], unordered)
  if (unordered) return new ListOfValues(joinedByKeys(one, other, unordered, meter), unordered)
  if (one.size === 0) return other
  return other.size === 0 ? one : new ConcatenatedList(one, other)
}

/** Items of the second list stand in place of those of the first with the same keys. */
function joinedByKeys(one: CelList, other: CelList, keys: readonly string[], meter: Meter): readonly CelValue[] {
  meter.work(one.size + other.size)
  const items = new Map([...one].map((item) => [itemKey(item, keys), item]))
  for (const item of other) items.set(itemKey(item, keys), item)
  return [...items.values()]
}

const arithmetic: Overload[] = [
  global('_+_', [f.int, f.int], int, (one, other) => asInt(one + other)),
  global('_+_', [f.uint, f.uint], uint, (one, other) => asUint(one.value + other.value)),
  global('_+_', [f.double, f.double], double, (one, other) => one + other),
  global('_+_', [f.string, f.string], string, (one, other) => one + other, 'concatenate'),
  global('_+_', [f.bytes, f.bytes], bytes, (one, other) => new Uint8Array(Buffer.concat([one, other])), 'concatenate'),
  global('_+_', [anyList, anyList], listOf(param('A')), concatenated, 'concatenate-lists'),
  global('_+_', [f.duration, f.duration], duration, (one, other) => durationOf(one.nanos + other.nanos)),
  global('_+_', [f.timestamp, f.duration], timestamp, (one, other) => timestampOf(one.nanos + other.nanos)),
  global('_+_', [f.duration, f.timestamp], timestamp, (one, other) => timestampOf(one.nanos + other.nanos)),
  global('_-_', [f.int, f.int], int, (one, other) => asInt(one - other)),
  global('_-_', [f.uint, f.uint], uint, (one, other) => asUint(one.value - other.value)),
  global('_-_', [f.double, f.double], double, (one, other) => one - other),
  global('_-_', [f.duration, f.duration], duration, (one, other) => durationOf(one.nanos - other.nanos)),
  global('_-_', [f.timestamp, f.duration], timestamp, (one, other) => timestampOf(one.nanos - other.nanos)),
  global('_-_', [f.timestamp, f.timestamp], duration, (one, other) => durationOf(one.nanos - other.nanos)),
  global('_*_', [f.int, f.int], int, (one, other) => asInt(one * other)),
  global('_*_', [f.uint, f.uint], uint, (one, other) => asUint(one.value * other.value)),
  global('_*_', [f.double, f.double], double, (one, other) => one * other),
  global('_/_', [f.int, f.int], int, (one, other) => asInt(one / nonZero(other, 'division'))),
  global('_/_', [f.uint, f.uint], uint, (one, other) => asUint(one.value / nonZero(other.value, 'division'))),
  global('_/_', [f.double, f.double], double, (one, other) => one / other),
  global('_%_', [f.int, f.int], int, (one, other) => one % nonZero(other, 'modulus')),
  global('_%_', [f.uint, f.uint], uint, (one, other) => asUint(one.value % nonZero(other.value, 'modulus'))),
  global('-_', [f.int], int, (value) => asInt(-value)),
  global('-_', [f.double], double, (value) => -value),
  global('-_', [f.duration], duration, (value) => new CelDuration(-value.nanos)),
]

/** An element; undefined where there is none. Doubles that are whole numbers are places as well. */
export function itemAt(list: CelList, index: CelValue): CelValue | undefined {
  const place = index instanceof CelUint ? index.value : index
  if (typeof place !== 'bigint' && (typeof place !== 'number' || !Number.isInteger(place)))
    throw new CelError(`unsupported index type '${typeName(index)}' in list`)
  return place < 0 || place >= list.size ? undefined : list.at(Number(place))
}

export function indexed(container: CelValue, index: CelValue): CelValue {
  if (container instanceof CelOptional) return optionalIndexed(container, index)
  if (container instanceof CelList) {
    const item = itemAt(container, index)
    if (item === undefined) throw new CelError(`index out of bounds: ${index instanceof CelUint ? index.value : String(index)}`)
    return item
  }
  const value = container instanceof CelMap ? container.get(index) : undefined
  if (value === undefined) throw noSuchKey(index)
  return value
}

export const noSuchKey = (key: CelValue) =>
  new CelError(`no such key: ${key instanceof CelUint ? key.value : typeof key === 'object' ? typeName(key) : String(key)}`)

export function optionalIndexed(container: CelValue, index: CelValue): CelOptional {
  const inner = container instanceof CelOptional ? container.value : container
  if (inner === undefined) return none
  const value = inner instanceof CelList ? itemAt(inner, index) : inner instanceof CelMap ? inner.get(index) : undefined
  return value === undefined ? none : new CelOptional(value)
}

const V = param('A')
const access: Overload[] = [
  global('_[_]', [anyList, f.int], V, indexed, 'index'),
  global('_[_]', [anyMap, f.A], param('B'), indexed, 'map-value'),
  global('_[_]', [optionalList, f.int], optionalOf(V), indexed),
  global('_[_]', [optionalMap, f.A], optionalOf(param('B')), indexed),
  global('_[?_]', [anyList, f.int], optionalOf(V), optionalIndexed),
  global('_[?_]', [optionalList, f.int], optionalOf(V), optionalIndexed),
  global('_[?_]', [anyMap, f.A], optionalOf(param('B')), optionalIndexed),
  global('_[?_]', [optionalMap, f.A], optionalOf(param('B')), optionalIndexed),
  // The checker knows which field it is.
  global('_?._', [f.dyn, f.string], optionalOf(dyn), optionalIndexed),
  global('@in', [f.A, anyList], bool, (value, list, meter) => contains(list, value, meter), 'in-list'),
  global('@in', [f.A, anyMap], bool, (key, map) => map.has(key)),
]

const sizeOf = [
  ...[global, member].flatMap((declare) => [
    declare('size', [f.string], int, (text, meter) => BigInt(meter.sizeOf(text))),
    declare('size', [f.bytes], int, (data) => BigInt(data.length)),
    declare('size', [anyList], int, (list) => BigInt(list.size)),
    declare('size', [anyMap], int, (map) => BigInt(map.size)),
  ]),
]

const never = (): never => {
  throw new Error('The evaluator does this itself')
}

const logic: Overload[] = [
  global('_?_:_', [f.bool, f.A, f.A], V, never, 'conditional'),
  global('_&&_', [f.bool, f.bool], bool, never, 'logical'),
  global('_||_', [f.bool, f.bool], bool, never, 'logical'),
  global('@not_strictly_false', [f.bool], bool, never),
  global('!_', [f.bool], bool, (value) => !value),
  global('_==_', [f.A, f.A], bool, (one, other, meter: Meter) => celEqual(one, other, meter), 'compare'),
  global('_!=_', [f.A, f.A], bool, (one, other, meter: Meter) => !celEqual(one, other, meter), 'compare'),
]

export const operators: readonly Overload[] = [
  ...logic,
  ...arithmetic,
  ...comparison('_<_', (order) => order !== undefined && order < 0),
  ...comparison('_<=_', (order) => order !== undefined && order <= 0),
  ...comparison('_>_', (order) => order !== undefined && order > 0),
  ...comparison('_>=_', (order) => order !== undefined && order >= 0),
  ...access,
  ...sizeOf,
]
