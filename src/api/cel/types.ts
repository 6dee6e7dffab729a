/** What the checker knows of an expression. */
export type CelType =
  | { readonly kind: ScalarKind }
  | { readonly kind: 'list'; readonly item: CelType }
  | { readonly kind: 'map'; readonly key: CelType; readonly value: CelType }
  | { readonly kind: 'type'; readonly of: CelType }
  | { readonly kind: 'optional'; readonly of: CelType }
  /** Stands for any type: one letter in declarations, `%` and a number for what is yet to be found out. */
  | { readonly kind: 'param'; readonly name: string }
  | { readonly kind: 'opaque'; readonly name: string }
  | ObjectType

export type ScalarKind = 'int' | 'uint' | 'double' | 'bool' | 'string' | 'bytes' | 'null' | 'timestamp' | 'duration' | 'dyn' | 'error'

/** An object whose fields are declared. */
export interface ObjectType {
  readonly kind: 'object'
  readonly name: string
  /** By the name that expressions use; undefined for a field that is not declared. */
  field(name: string): CelType | undefined
}

export const int: CelType = { kind: 'int' }
export const uint: CelType = { kind: 'uint' }
export const double: CelType = { kind: 'double' }
export const bool: CelType = { kind: 'bool' }
export const string: CelType = { kind: 'string' }
export const bytes: CelType = { kind: 'bytes' }
export const nullType: CelType = { kind: 'null' }
export const timestamp: CelType = { kind: 'timestamp' }
export const duration: CelType = { kind: 'duration' }
export const dyn: CelType = { kind: 'dyn' }
/** Of an expression with a mistake in it, which is told once. */
export const errorType: CelType = { kind: 'error' }

export const listOf = (item: CelType): CelType => ({ kind: 'list', item })
export const mapOf = (key: CelType, value: CelType): CelType => ({ kind: 'map', key, value })
export const optionalOf = (of: CelType): CelType => ({ kind: 'optional', of })
export const typeOf = (of: CelType): CelType => ({ kind: 'type', of })
export const param = (name: string): CelType => ({ kind: 'param', name })
export const opaque = (name: string): CelType => ({ kind: 'opaque', name })
export const objectOf = (name: string, fields: ReadonlyMap<string, CelType>): ObjectType => ({
  kind: 'object',
  name,
  field: (field) => fields.get(field),
})

/** As problems name a type. */
export function showType(type: CelType): string {
  switch (type.kind) {
    case 'list':
      return `list(${showType(type.item)})`
    case 'map':
      return `map(${showType(type.key)}, ${showType(type.value)})`
    case 'type':
      return `type(${showType(type.of)})`
    case 'optional':
      return `optional_type(${showType(type.of)})`
    case 'param':
    case 'opaque':
    case 'object':
      return type.name
    case 'error':
      return '!error!'
    default:
      return type.kind
  }
}

export function sameType(one: CelType, other: CelType): boolean {
  if (one === other) return true
  switch (one.kind) {
    case 'list':
      return other.kind === 'list' && sameType(one.item, other.item)
    case 'map':
      return other.kind === 'map' && sameType(one.key, other.key) && sameType(one.value, other.value)
    case 'type':
      return other.kind === 'type' && sameType(one.of, other.of)
    case 'optional':
      return other.kind === 'optional' && sameType(one.of, other.of)
    case 'param':
      return other.kind === 'param' && one.name === other.name
    case 'opaque':
      return other.kind === 'opaque' && one.name === other.name
    case 'object':
      return other.kind === 'object' && one.name === other.name
    default:
      return one.kind === other.kind
  }
}

/** The types that a type is made of. */
export function partsOf(type: CelType): readonly CelType[] {
  switch (type.kind) {
    case 'list':
      return [type.item]
    case 'map':
      return [type.key, type.value]
    case 'optional':
    case 'type':
      return [type.of]
    default:
      return []
  }
}
