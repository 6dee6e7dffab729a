import type { CostRule } from './functions.ts'
import { CelFormat } from './library/formats.ts'
import type { Meter } from './meter.ts'
import { CelList, CelMap, CelOpaque, type CelValue } from './values.ts'

/** Upstream's factors: what a character costs, what one of a pattern does. */
export const perCharacter = 0.1
export const perPatternCharacter = 0.25
/** So that an expression has two such checks at most. */
export const checkCost = 350_000

/** What a call cost, by what it was given and what it gave. */
export function callCost(rule: CostRule, args: readonly CelValue[], result: CelValue, meter: Meter): number {
  const size = (index: number) => sizeOf(args[index] ?? null, meter)
  const characters = (count: number) => Math.ceil(count * perCharacter)
  switch (rule) {
    case 'one':
    case 'conditional':
    case 'index':
    case 'map-value':
    case 'concatenate-lists':
      return 1
    case 'free':
    case 'logical':
      return 0
    case 'traverse':
    case 'rebuild':
    case 'affix':
    case 'to-bytes':
    case 'to-string':
    case 'quote':
    case 'format':
      return characters(size(0))
    case 'replace':
    case 'split':
    case 'parse-twice':
      return characters(size(0) * 2)
    case 'join':
      return characters(sizeOf(result, meter) * 2)
    case 'elements':
      return wholeCost(args[0] ?? null, meter)
    case 'compare':
      return characters(Math.min(size(0), size(1)))
    case 'concatenate':
      return characters(size(0) + size(1))
    case 'matches':
    case 'finds':
      return characters(1 + size(0)) * Math.ceil(size(1) * perPatternCharacter)
    case 'contains':
      return characters(size(0)) * characters(size(1))
    case 'in-list':
      return size(1)
    case 'sets':
      return size(0) * size(1) + 1
    case 'sets-twice':
      return size(0) * size(1) * 2 + 1
    case 'validate':
      return characters(size(1)) * Math.ceil((args[0] instanceof CelFormat ? args[0].patternSize : 1) * perPatternCharacter)
    case 'authorize':
      return checkCost
    case 'ip-in-range':
      return characters(size(0) * 2)
    case 'ip-text-in-range':
      return characters(size(0) * 2) + characters(size(1))
    case 'range-in-range':
      return characters(size(0) * 2) + characters(size(0)) + 1
    case 'range-text-in-range':
      return characters(size(0) * 2) + characters(size(0)) + 1 + characters(size(1))
  }
}

/** As `size()`; 1 for what has none. */
export function sizeOf(value: CelValue, meter: Meter): number {
  if (typeof value === 'string') return meter.sizeOf(value)
  if (value instanceof Uint8Array) return value.length
  if (value instanceof CelList || value instanceof CelMap || value instanceof CelOpaque) return value.size
  return 1
}

/** Of a value and all that is in it. */
function wholeCost(value: CelValue, meter: Meter): number {
  meter.work(1)
  if (typeof value === 'string') return Math.floor(Buffer.byteLength(value) * perCharacter)
  if (value instanceof Uint8Array) return Math.floor(value.length * perCharacter)
  let cost = 0
  if (value instanceof CelList) {
    for (const item of value) cost += wholeCost(item, meter)
    return cost
  }
  if (value instanceof CelMap) {
    for (const key of value.keys()) cost += wholeCost(key, meter) + wholeCost(value.get(key) ?? null, meter)
    return cost
  }
  return 1
}
