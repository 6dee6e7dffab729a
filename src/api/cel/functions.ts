import type { Meter } from './meter.ts'
import type { CelType } from './types.ts'
import * as types from './types.ts'
import { CelDuration, CelList, CelMap, type CelOpaque, CelOptional, CelTimestamp, CelUint, type CelValue } from './values.ts'

/** What a call costs beside its arguments; upstream's rules, for what is evaluated and for what is estimated. */
export type CostRule =
  | 'one'
  | 'free'
  /** A tenth of the first argument's size. */
  | 'traverse'
  /** The same once more, for what is made of it. */
  | 'rebuild'
  | 'replace'
  | 'split'
  | 'join'
  /** All that is in the first argument. */
  | 'elements'
  | 'compare'
  | 'concatenate'
  | 'concatenate-lists'
  | 'matches'
  | 'finds'
  | 'contains'
  | 'in-list'
  | 'to-bytes'
  | 'to-string'
  | 'quote'
  | 'affix'
  | 'format'
  | 'conditional'
  | 'logical'
  | 'index'
  | 'map-value'
  | 'sets'
  | 'sets-twice'
  | 'validate'
  | 'authorize'
  | 'parse-twice'
  | 'ip-in-range'
  | 'ip-text-in-range'
  | 'range-in-range'
  | 'range-text-in-range'

export interface Overload {
  readonly name: string
  /** Called on its first parameter. */
  readonly member: boolean
  readonly params: readonly CelType[]
  readonly result: CelType
  readonly cost: CostRule
  /** Whether the arguments are of the parameters' types, as far as can be seen from the outside. */
  matches(args: readonly CelValue[]): boolean
  run(args: readonly CelValue[], meter: Meter): CelValue
}

/** By name. */
export type Functions = ReadonlyMap<string, readonly Overload[]>

/** A parameter: its type, and how its values are told. */
export interface Slot<V extends CelValue> {
  readonly type: CelType
  is(value: CelValue): value is V
}

const slot = <V extends CelValue>(type: CelType, is: (value: CelValue) => value is V): Slot<V> => ({ type, is })

export const int = slot(types.int, (value): value is bigint => typeof value === 'bigint')
export const uint = slot(types.uint, (value): value is CelUint => value instanceof CelUint)
export const double = slot(types.double, (value): value is number => typeof value === 'number')
export const bool = slot(types.bool, (value): value is boolean => typeof value === 'boolean')
export const string = slot(types.string, (value): value is string => typeof value === 'string')
export const bytes = slot(types.bytes, (value): value is Uint8Array => value instanceof Uint8Array)
export const timestamp = slot(types.timestamp, (value): value is CelTimestamp => value instanceof CelTimestamp)
export const duration = slot(types.duration, (value): value is CelDuration => value instanceof CelDuration)
const isAny = (_value: CelValue): _value is CelValue => true
export const A = slot(types.param('A'), isAny)
export const B = slot(types.param('B'), isAny)
export const dyn = slot(types.dyn, isAny)
export const list = (item: CelType) => slot(types.listOf(item), (value): value is CelList => value instanceof CelList)
export const map = (key: CelType, value: CelType) => slot(types.mapOf(key, value), (given): given is CelMap => given instanceof CelMap)
export const optional = (of: CelType) => slot(types.optionalOf(of), (value): value is CelOptional => value instanceof CelOptional)
/** Values of one class. */
export const instanceOf = <V extends CelOpaque>(name: string, made: abstract new (...args: never[]) => V): Slot<V> =>
  slot(types.opaque(name), (value): value is V => value instanceof made)

export type ValuesOf<Slots extends readonly Slot<CelValue>[]> = {
  [Index in keyof Slots]: Slots[Index] extends Slot<infer V> ? V : never
}

/** Declares functions of one sort; the meter comes last. */
export type Declare = <const Slots extends readonly Slot<CelValue>[]>(
  name: string,
  params: Slots,
  result: CelType,
  run: (...args: [...ValuesOf<Slots>, Meter]) => CelValue,
  cost?: CostRule,
) => Overload

const declare =
  (member: boolean): Declare =>
  (name, params, result, run, cost = 'one') => ({
    name,
    member,
    params: params.map(({ type }) => type),
    result,
    cost,
    matches: (args) => args.length === params.length && params.every(({ is }, index) => is(args[index] as CelValue)),
    // The arguments were matched with the parameters, by the checker or by `matches`.
    run: (args, meter) => run(...([...args, meter] as unknown as Parameters<typeof run>)),
  })

/** `name(a, b)` */
export const global = declare(false)
/** `a.name(b)` */
export const member = declare(true)

export function functionsOf(...libraries: readonly (readonly Overload[])[]): Functions {
  const functions = new Map<string, Overload[]>()
  for (const overload of libraries.flat()) {
    const known = functions.get(overload.name)
    if (known) known.push(overload)
    else functions.set(overload.name, [overload])
  }
  return functions
}
