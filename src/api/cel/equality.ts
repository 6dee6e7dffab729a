import type { Meter } from './meter.ts'
import { CelDuration, CelList, CelMap, CelOpaque, CelOptional, CelTimestamp, CelTypeValue, CelUint, type CelValue } from './values.ts'

/** `==`: numbers are equal across their types, values of other types are just not equal. */
export function celEqual(one: CelValue, other: CelValue, meter: Meter): boolean {
  if (one === other) return true
  if (isNumber(one)) return isNumber(other) && compareNumbers(one, other) === 0
  if (typeof one !== 'object' || one === null || typeof other !== 'object' || other === null) return false
  if (one instanceof CelList) return other instanceof CelList && listsEqual(one, other, meter)
  if (one instanceof CelMap) return other instanceof CelMap && mapsEqual(one, other, meter)
  if (one instanceof Uint8Array) return other instanceof Uint8Array && compareBytes(one, other) === 0
  if (one instanceof CelTimestamp) return other instanceof CelTimestamp && one.nanos === other.nanos
  if (one instanceof CelDuration) return other instanceof CelDuration && one.nanos === other.nanos
  if (one instanceof CelTypeValue) return other instanceof CelTypeValue && one.name === other.name
  if (one instanceof CelOpaque) return other instanceof CelOpaque && one.typeName === other.typeName && one.equals(other)
  if (one instanceof CelOptional) return other instanceof CelOptional && optionalsEqual(one, other, meter)
  return false
}

function optionalsEqual({ value: one }: CelOptional, { value: other }: CelOptional, meter: Meter): boolean {
  return one === undefined || other === undefined ? one === other : celEqual(one, other, meter)
}

function listsEqual(one: CelList, other: CelList, meter: Meter): boolean {
  if (one.size !== other.size) return false
  const order = one.unordered ?? other.unordered
  if (order === 'set') return eachIn(one, other, meter)
  if (order) return sameItems(one, other, order, meter)
  for (let index = 0; index < one.size; index++) {
    meter.work(1)
    if (!celEqual(one.at(index), other.at(index), meter)) return false
  }
  return true
}

/** Sets of one size whose elements are all in the other. */
function eachIn(one: CelList, other: CelList, meter: Meter): boolean {
  for (const value of one) if (!contains(other, value, meter)) return false
  return true
}

export function contains(list: CelList, value: CelValue, meter: Meter): boolean {
  for (const item of list) {
    meter.work(1)
    if (celEqual(item, value, meter)) return true
  }
  return false
}

/** Lists that are maps by the keys of their items. */
function sameItems(one: CelList, other: CelList, keys: readonly string[], meter: Meter): boolean {
  const byKey = new Map([...other].map((item) => [itemKey(item, keys), item]))
  for (const item of one) {
    meter.work(1)
    const found = byKey.get(itemKey(item, keys))
    if (found === undefined || !celEqual(item, found, meter)) return false
  }
  return true
}

/** Tells the items of a keyed list apart. */
export function itemKey(item: CelValue, keys: readonly string[]): string {
  return JSON.stringify(
    keys.map((key) => {
      const value = item instanceof CelMap ? item.get(key) : undefined
      return typeof value === 'bigint' ? Number(value) : typeof value === 'object' ? null : (value ?? null)
    }),
  )
}

function mapsEqual(one: CelMap, other: CelMap, meter: Meter): boolean {
  if (one.size !== other.size) return false
  for (const key of one.keys()) {
    meter.work(1)
    const found = other.get(key)
    const value = one.get(key)
    if (found === undefined || value === undefined || !celEqual(value, found, meter)) return false
  }
  return true
}

type CelNumber = bigint | number | CelUint
export const isNumber = (value: CelValue): value is CelNumber =>
  typeof value === 'bigint' || typeof value === 'number' || value instanceof CelUint

/** Negative, zero, positive; undefined where one is not a number. Exact across types. */
export function compareNumbers(one: CelNumber, other: CelNumber): number | undefined {
  const left = one instanceof CelUint ? one.value : one
  const right = other instanceof CelUint ? other.value : other
  if (left < right) return -1
  if (left > right) return 1
  // Comparing a bigint with a number is exact.
  // biome-ignore lint/suspicious/noDoubleEquals: equal across the two types
  return left == right ? 0 : undefined
}

export function compareBytes(one: Uint8Array, other: Uint8Array): number {
  return Buffer.compare(one, other)
}

/** By code points, which UTF-16's order is not. */
export function compareStrings(one: string, other: string): number {
  const size = Math.min(one.length, other.length)
  for (let index = 0; index < size; index++) {
    const left = one.charCodeAt(index)
    const right = other.charCodeAt(index)
    if (left === right) continue
    const isSurrogate = (unit: number) => unit >= 0xd800 && unit <= 0xdfff
    // Surrogates stand for what lies beyond all other units.
    if (isSurrogate(left) !== isSurrogate(right)) return isSurrogate(left) ? 1 : -1
    return left - right
  }
  return one.length - other.length
}
