import { celEqual, compareBytes, compareNumbers, compareStrings, isNumber } from '../equality.ts'
import * as f from '../functions.ts'
import { global, member, type Overload } from '../functions.ts'
import { CelError, type Meter } from '../meter.ts'
import { durationOf } from '../times.ts'
import { bool, bytes, type CelType, double, duration, int, param, string, timestamp, uint } from '../types.ts'
import { CelDuration, type CelList, CelTimestamp, CelUint, type CelValue } from '../values.ts'
import { asInt, asUint } from './operators.ts'

const ordered: readonly CelType[] = [int, uint, double, bool, duration, timestamp, string, bytes]

/** Which comes first; undefined for what has no order. */
export function compareValues(one: CelValue, other: CelValue): number | undefined {
  if (isNumber(one) && isNumber(other)) return compareNumbers(one, other)
  if (typeof one === 'string' && typeof other === 'string') return compareStrings(one, other)
  if (typeof one === 'boolean' && typeof other === 'boolean') return Number(one) - Number(other)
  if (one instanceof Uint8Array && other instanceof Uint8Array) return compareBytes(one, other)
  if (one instanceof CelTimestamp && other instanceof CelTimestamp) return compareNumbers(one.nanos, other.nanos)
  if (one instanceof CelDuration && other instanceof CelDuration) return compareNumbers(one.nanos, other.nanos)
  return undefined
}

function compared(one: CelValue, other: CelValue): number {
  const order = compareValues(one, other)
  if (order === undefined) throw new CelError('no such overload')
  return order
}

function isSorted(list: CelList): boolean {
  for (let index = 1; index < list.size; index++) if (compared(list.at(index - 1), list.at(index)) > 0) return false
  return true
}

function extreme(name: string, list: CelList, sign: 1 | -1): CelValue {
  if (list.size === 0) throw new CelError(`${name} called on empty list`)
  let best = list.at(0)
  for (const value of list) if (compared(value, best) * sign > 0) best = value
  return best
}

function sum(zero: CelValue): (list: CelList) => CelValue {
  return (list) => {
    let total = zero
    for (const value of list) total = added(total, value, zero)
    return total
  }
}

function added(total: CelValue, value: CelValue, zero: CelValue): CelValue {
  if (typeof total === 'bigint' && typeof value === 'bigint') return asInt(total + value)
  if (typeof total === 'number' && typeof value === 'number') return total + value
  if (total instanceof CelUint && value instanceof CelUint) return asUint(total.value + value.value)
  if (total instanceof CelDuration && value instanceof CelDuration) return durationOf(total.nanos + value.nanos)
  // A list of unknown type takes the first overload; its elements decide.
  if (total === zero && typeof zero === 'bigint') return value
  throw new CelError('no such overload')
}

function place(list: CelList, value: CelValue, meter: Meter, first: number, step: 1 | -1): bigint {
  for (let index = first; index >= 0 && index < list.size; index += step) {
    meter.work(1)
    if (celEqual(list.at(index), value, meter)) return BigInt(index)
  }
  return -1n
}

const sums: readonly (readonly [CelType, CelValue])[] = [
  [int, 0n],
  [uint, new CelUint(0n)],
  [double, 0],
  [duration, new CelDuration(0n)],
]

export const lists: readonly Overload[] = [
  ...ordered.flatMap((item) => [
    member('isSorted', [f.list(item)], bool, isSorted, 'elements'),
    member('min', [f.list(item)], item, (list) => extreme('min', list, -1), 'elements'),
    member('max', [f.list(item)], item, (list) => extreme('max', list, 1), 'elements'),
  ]),
  ...sums.map(([item, zero]) => member('sum', [f.list(item)], item, sum(zero), 'elements')),
  member('indexOf', [f.list(param('A')), f.A], int, (list, value, meter) => place(list, value, meter, 0, 1), 'elements'),
  member('lastIndexOf', [f.list(param('A')), f.A], int, (list, value, meter) => place(list, value, meter, list.size - 1, -1), 'elements'),
]

const each = f.list(param('A'))

function isSubset(list: CelList, of: CelList, meter: Meter): boolean {
  for (const value of list) if (place(of, value, meter, 0, 1) < 0n) return false
  return true
}

function meets(one: CelList, other: CelList, meter: Meter): boolean {
  for (const value of one) if (place(other, value, meter, 0, 1) >= 0n) return true
  return false
}

export const sets: readonly Overload[] = [
  global('sets.contains', [each, each], bool, (list, part, meter) => isSubset(part, list, meter), 'sets'),
  global(
    'sets.equivalent',
    [each, each],
    bool,
    (one, other, meter) => isSubset(one, other, meter) && isSubset(other, one, meter),
    'sets-twice',
  ),
  global('sets.intersects', [each, each], bool, meets, 'sets'),
]
