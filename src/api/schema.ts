/** A resolved structural schema: what the facts (or a CRD) say about a value. References between types are lazy, since types recurse. */
export type Schema = ScalarSchema | ObjectSchema | MapSchema | ListSchema | AnySchema

export interface ScalarSchema {
  readonly type: 'string' | 'integer' | 'number' | 'boolean' | 'int-or-string' | 'quantity' | 'time' | 'micro-time' | 'bytes'
  readonly format?: string
}

export interface ObjectSchema {
  readonly type: 'object'
  /** The definition's name in the facts, such as `io.k8s.api.core.v1.PodSpec`; undefined for a CRD's. */
  readonly name: string | undefined
  readonly fields: ReadonlyMap<string, Field>
  readonly required: ReadonlySet<string>
  /** Server-side apply treats it as one value. */
  readonly atomic: boolean
  /** Unknown fields are kept (RawExtension, preserve-unknown-fields). */
  readonly open: boolean
}

export interface MapSchema {
  readonly type: 'map'
  readonly value: () => Schema
  readonly atomic: boolean
}

export interface ListSchema {
  readonly type: 'list'
  readonly item: () => Schema
  readonly list: 'atomic' | 'set' | 'map'
  /** Keys of a `map` list. */
  readonly keys: readonly string[]
}

export interface AnySchema {
  readonly type: 'any'
}

export interface Field {
  readonly schema: () => Schema
  /** Strategic merge patch: `merge`, `retainKeys`, both or none. */
  readonly patchStrategy: readonly string[]
  readonly patchMergeKey: string | undefined
  /** Go writes it also when nobody set it: an object without it is one that has it empty. */
  readonly always?: boolean
  /** Go leaves it out when it is zero or empty, as it cannot tell that from not being set. */
  readonly omitsZero?: boolean
}
