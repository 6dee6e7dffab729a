import type { JsonObject } from '../object.ts'
import { CelList, CelMap, type CelValue } from './values.ts'

/** How a value of a JSON document is seen by expressions. */
export type Adapt = (json: unknown) => CelValue

/** Without a schema: whole numbers are ints, strings are strings whatever they mean. */
export const adaptJson: Adapt = (json) => {
  switch (typeof json) {
    case 'string':
    case 'boolean':
    case 'bigint':
      return json
    case 'number':
      return Number.isSafeInteger(json) ? BigInt(json) : json
    case 'object':
      if (json === null) return null
      return Array.isArray(json) ? new JsonList(json, adaptJson) : new JsonMap(json as JsonObject, adaptJson)
    default:
      return null
  }
}

export class JsonList extends CelList {
  readonly #items: readonly unknown[]
  readonly #adapt: Adapt
  readonly #unordered: 'set' | readonly string[] | undefined
  constructor(items: readonly unknown[], adapt: Adapt, unordered?: 'set' | readonly string[]) {
    super()
    this.#items = items
    this.#adapt = adapt
    this.#unordered = unordered
  }
  override get unordered() {
    return this.#unordered
  }
  get size() {
    return this.#items.length
  }
  at(index: number) {
    return this.#adapt(this.#items[index])
  }
}

/** A JSON object whose keys are data. */
export class JsonMap extends CelMap {
  readonly #json: Readonly<JsonObject>
  readonly #adapt: Adapt
  #keys: readonly string[] | undefined
  constructor(json: Readonly<JsonObject>, adapt: Adapt) {
    super()
    this.#json = json
    this.#adapt = adapt
  }
  get size() {
    this.#keys ??= this.#present()
    return this.#keys.length
  }
  get(key: CelValue) {
    return this.has(key) ? this.#adapt(this.#json[key as string]) : undefined
  }
  has(key: CelValue) {
    return typeof key === 'string' && Object.hasOwn(this.#json, key) && this.#json[key] !== undefined
  }
  keys() {
    this.#keys ??= this.#present()
    return this.#keys
  }
  #present(): readonly string[] {
    return Object.keys(this.#json).filter((key) => this.#json[key] !== undefined)
  }
}
