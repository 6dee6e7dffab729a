import { CelMap, type CelValue } from './values.ts'

/** An object that an expression makes, with the fields that it sets. */
export class StructValue extends CelMap {
  readonly #type: string
  readonly #fields: ReadonlyMap<string, CelValue>
  constructor(type: string, fields: ReadonlyMap<string, CelValue>) {
    super()
    this.#type = type
    this.#fields = fields
  }
  get size() {
    return this.#fields.size
  }
  get(key: CelValue) {
    return typeof key === 'string' ? this.#fields.get(key) : undefined
  }
  has(key: CelValue) {
    return typeof key === 'string' && this.#fields.has(key)
  }
  keys() {
    return this.#fields.keys()
  }
  override get typeName() {
    return this.#type
  }
}
