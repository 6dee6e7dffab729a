import type { CelType } from './types.ts'

/**
 * Values of the language. An int is a bigint within 64 bits, a double a number; strings are counted in code points.
 * Nothing here is changed once it was seen.
 */
export type CelValue =
  | bigint
  | number
  | string
  | boolean
  | null
  | Uint8Array
  | CelUint
  | CelTimestamp
  | CelDuration
  | CelTypeValue
  | CelOptional
  | CelList
  | CelMap
  | CelOpaque

export class CelUint {
  readonly value: bigint
  constructor(value: bigint) {
    this.value = value
  }
}

/** Nanoseconds since 1970. */
export class CelTimestamp {
  readonly nanos: bigint
  constructor(nanos: bigint) {
    this.nanos = nanos
  }
}

export class CelDuration {
  readonly nanos: bigint
  constructor(nanos: bigint) {
    this.nanos = nanos
  }
}

/** What `type(x)` gives. */
export class CelTypeValue {
  readonly name: string
  constructor(name: string) {
    this.name = name
  }
}

export class CelOptional {
  readonly value: CelValue | undefined
  constructor(value: CelValue | undefined) {
    this.value = value
  }
}

export const none = new CelOptional(undefined)

/** A value of a library's own type. */
export abstract class CelOpaque {
  abstract readonly typeName: string
  abstract equals(other: CelOpaque): boolean
  /** As `size` for costs; 1 for what has none. */
  get size(): number {
    return 1
  }
}

/** Elements are made when they are asked for. */
export abstract class CelList {
  abstract readonly size: number
  /** Below `size`. */
  abstract at(index: number): CelValue
  /** Equal whatever the order, as lists that are sets or maps in a schema are. */
  get unordered(): 'set' | readonly string[] | undefined {
    return undefined
  }

  *[Symbol.iterator](): Generator<CelValue> {
    for (let index = 0; index < this.size; index++) yield this.at(index)
  }
}

export class ListOfValues extends CelList {
  readonly #values: readonly CelValue[]
  readonly #unordered: CelList['unordered']
  constructor(values: readonly CelValue[], unordered?: CelList['unordered']) {
    super()
    this.#values = values
    this.#unordered = unordered
  }
  override get unordered() {
    return this.#unordered
  }
  get size() {
    return this.#values.length
  }
  at(index: number): CelValue {
    return this.#values[index] as CelValue
  }
}

/** Two lists one after the other, made at once however long they are. */
export class ConcatenatedList extends CelList {
  readonly #left: CelList
  readonly #right: CelList
  readonly size: number
  constructor(left: CelList, right: CelList) {
    super()
    this.#left = left
    this.#right = right
    this.size = left.size + right.size
  }
  at(index: number): CelValue {
    return index < this.#left.size ? this.#left.at(index) : this.#right.at(index - this.#left.size)
  }
}

/** What a comprehension collects; nobody else sees it before it is complete. */
export class GrowingList extends CelList {
  readonly #values: CelValue[] = []
  get size() {
    return this.#values.length
  }
  at(index: number): CelValue {
    return this.#values[index] as CelValue
  }
  push(value: CelValue): void {
    this.#values.push(value)
  }
}

export abstract class CelMap {
  abstract readonly size: number
  abstract get(key: CelValue): CelValue | undefined
  abstract has(key: CelValue): boolean
  abstract keys(): Iterable<CelValue>
  /** The type's name; `map` unless it is an object. */
  get typeName(): string {
    return 'map'
  }
}

/** A map that an expression makes. */
export class MapOfValues extends CelMap {
  readonly #entries = new Map<string, readonly [CelValue, CelValue]>()
  get size() {
    return this.#entries.size
  }
  get(key: CelValue) {
    const text = keyText(key)
    return text === undefined ? undefined : this.#entries.get(text)?.[1]
  }
  has(key: CelValue) {
    const text = keyText(key)
    return text !== undefined && this.#entries.has(text)
  }
  *keys() {
    for (const [key] of this.#entries.values()) yield key
  }
  /** False when the key is there already or can be none; while the map is being made only. */
  add(key: CelValue, value: CelValue): boolean {
    const text = keyText(key)
    if (text === undefined || this.#entries.has(text)) return false
    this.#entries.set(text, [key, value])
    return true
  }
}

/** Numbers of all types that are equal are one key; undefined for what can be no key. */
function keyText(key: CelValue): string | undefined {
  if (typeof key === 'string') return `s${key}`
  if (typeof key === 'bigint') return `n${key}`
  if (key instanceof CelUint) return `n${key.value}`
  if (typeof key === 'boolean') return `b${key}`
  if (typeof key === 'number' && Number.isInteger(key)) return `n${BigInt(key)}`
  return undefined
}

export const isKey = (key: CelValue): boolean =>
  typeof key === 'string' || typeof key === 'bigint' || typeof key === 'boolean' || key instanceof CelUint

export const minInt = -(2n ** 63n)
export const maxInt = 2n ** 63n - 1n
export const maxUint = 2n ** 64n - 1n

/** As `type()` and errors name a value's type. */
export function typeName(value: CelValue): string {
  switch (typeof value) {
    case 'bigint':
      return 'int'
    case 'number':
      return 'double'
    case 'string':
      return 'string'
    case 'boolean':
      return 'bool'
    default:
      if (value === null) return 'null_type'
      if (value instanceof Uint8Array) return 'bytes'
      if (value instanceof CelUint) return 'uint'
      if (value instanceof CelTimestamp) return 'google.protobuf.Timestamp'
      if (value instanceof CelDuration) return 'google.protobuf.Duration'
      if (value instanceof CelTypeValue) return 'type'
      if (value instanceof CelOptional) return 'optional_type'
      if (value instanceof CelList) return 'list'
      return value.typeName
  }
}

/** The type's name at run time. */
export function runtimeName(type: CelType): string {
  switch (type.kind) {
    case 'timestamp':
      return 'google.protobuf.Timestamp'
    case 'duration':
      return 'google.protobuf.Duration'
    case 'null':
      return 'null_type'
    case 'optional':
      return 'optional_type'
    case 'opaque':
    case 'object':
    case 'param':
      return type.name
    default:
      return type.kind
  }
}
