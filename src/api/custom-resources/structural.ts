import { lazily } from '../../base/lazily.ts'
import { isGiven, namedNodesIn, nodeIn, type SchemaNode, textIn, textsIn } from '../apiextensions/schema-node.ts'

/**
 * What a schema says of a value's structure, outside of `allOf` and the like: what there is, what is kept and what is
 * filled in. Parts are made when they are first asked for, as schemas may be long and objects mostly are not.
 */
export interface Structural {
  /** '' where the schema does not say. */
  readonly type: string
  readonly properties: () => ReadonlyMap<string, Structural>
  /** Of fields that `properties` does not name; true: anything. */
  readonly additional: () => Structural | boolean
  readonly items: () => Structural | undefined
  /** Undefined where there is none. */
  readonly default: unknown
  readonly isNullable: boolean
  /** Unknown fields are kept. */
  readonly keepsUnknown: boolean
  /** An object of the API in its own right, with apiVersion, kind and metadata. */
  readonly isEmbedded: boolean
  readonly isIntOrString: boolean
  readonly listType: 'atomic' | 'set' | 'map'
  readonly listKeys: readonly string[]
  readonly isAtomicMap: boolean
  readonly node: SchemaNode
}

export function structuralOf(node: SchemaNode): Structural {
  const listType = textIn(node['x-kubernetes-list-type'])
  return {
    type: textIn(node.type),
    properties: lazily(() => new Map(namedNodesIn(node.properties).map(([name, property]) => [name, structuralOf(property)]))),
    additional: lazily(() => {
      const others = nodeIn(node.additionalProperties)
      return others ? structuralOf(others) : node.additionalProperties === true
    }),
    items: lazily(() => {
      const item = nodeIn(node.items)
      return item && structuralOf(item)
    }),
    default: isGiven(node.default) ? node.default : undefined,
    isNullable: node.nullable === true,
    keepsUnknown: node['x-kubernetes-preserve-unknown-fields'] === true,
    isEmbedded: node['x-kubernetes-embedded-resource'] === true,
    isIntOrString: node['x-kubernetes-int-or-string'] === true,
    listType: listType === 'set' || listType === 'map' ? listType : 'atomic',
    listKeys: textsIn(node['x-kubernetes-list-map-keys']),
    isAtomicMap: node['x-kubernetes-map-type'] === 'atomic',
    node,
  }
}

/** What every object has, whatever its schema says. */
export const metaFields: ReadonlySet<string> = new Set(['apiVersion', 'kind', 'metadata'])
