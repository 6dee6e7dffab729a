import type { JsonObject } from '../object.ts'

/**
 * A schema as it stands in a definition. Decoding knows the outermost fields alone, as what is below `items` and the like may
 * have more than one shape there; so what has the wrong type counts as not given.
 */
export type SchemaNode = Readonly<JsonObject>

export const nodeIn = (value: unknown): SchemaNode | undefined =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as SchemaNode) : undefined

/** A list of schemas, such as `allOf`. */
export const nodesIn = (value: unknown): readonly SchemaNode[] =>
  Array.isArray(value) ? value.map((element) => nodeIn(element) ?? {}) : []

/** Schemas by name, such as `properties`. */
export const namedNodesIn = (value: unknown): readonly (readonly [string, SchemaNode])[] =>
  Object.entries(nodeIn(value) ?? {}).map(([name, element]) => [name, nodeIn(element) ?? {}])

export const textIn = (value: unknown): string => (typeof value === 'string' ? value : '')

export const textsIn = (value: unknown): readonly string[] =>
  Array.isArray(value) ? value.filter((element) => typeof element === 'string') : []

export const isGiven = (value: unknown): boolean => value !== undefined && value !== null
