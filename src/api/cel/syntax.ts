import type { CelValue } from './values.ts'

/** An expression after its macros were expanded. Nodes are told apart by identity. */
export type Node = Literal | Ident | Select | Call | ListLiteral | MapLiteral | StructLiteral | Comprehension

interface Placed {
  /** Where in the source, in UTF-16 units. */
  readonly offset: number
  /** How deep it nests. */
  readonly depth: number
}

export interface Literal extends Placed {
  readonly type: 'literal'
  readonly value: CelValue
}

export interface Ident extends Placed {
  readonly type: 'ident'
  readonly name: string
}

export interface Select extends Placed {
  readonly type: 'select'
  readonly operand: Node
  readonly field: string
  /** `has(operand.field)`. */
  readonly testOnly: boolean
}

export interface Call extends Placed {
  readonly type: 'call'
  /** Operators have names such as `_+_`. */
  readonly name: string
  readonly target: Node | undefined
  readonly args: readonly Node[]
}

export interface ListLiteral extends Placed {
  readonly type: 'list'
  readonly items: readonly { readonly value: Node; readonly optional: boolean }[]
}

export interface MapLiteral extends Placed {
  readonly type: 'map'
  readonly entries: readonly { readonly key: Node; readonly value: Node; readonly optional: boolean }[]
}

export interface StructLiteral extends Placed {
  readonly type: 'struct'
  readonly name: string
  readonly fields: readonly { readonly name: string; readonly value: Node; readonly optional: boolean; readonly offset: number }[]
}

/** A fold: `init`, then `step` for each element while `condition` holds, then `result`. */
export interface Comprehension extends Placed {
  readonly type: 'comprehension'
  readonly variable: string
  /** The value's, where `variable` is the index or key. */
  readonly secondVariable: string | undefined
  readonly range: Node
  readonly accumulator: string
  readonly init: Node
  readonly condition: Node
  readonly step: Node
  readonly result: Node
}

/** No expression can name it. */
export const accumulator = '@result'

/** A node without its depth. */
export type Shape = Node extends infer N ? (N extends Node ? Omit<N, 'depth'> : never) : never

export function childrenOf(node: Shape): readonly Node[] {
  switch (node.type) {
    case 'literal':
    case 'ident':
      return []
    case 'select':
      return [node.operand]
    case 'call':
      return node.target ? [node.target, ...node.args] : node.args
    case 'list':
      return node.items.map(({ value }) => value)
    case 'map':
      return node.entries.flatMap(({ key, value }) => [key, value])
    case 'struct':
      return node.fields.map(({ value }) => value)
    case 'comprehension':
      return [node.range, node.init, node.condition, node.step, node.result]
  }
}

export function nodeOf(shape: Shape): Node {
  let depth = 0
  for (const child of childrenOf(shape)) depth = Math.max(depth, child.depth)
  return { ...shape, depth: depth + 1 }
}

export const callOf = (offset: number, name: string, ...args: readonly Node[]): Node =>
  nodeOf({ type: 'call', offset, name, target: undefined, args })
export const identOf = (offset: number, name: string): Node => nodeOf({ type: 'ident', offset, name })
export const literalOf = (offset: number, value: CelValue): Node => nodeOf({ type: 'literal', offset, value })
export const listNode = (offset: number, ...items: readonly Node[]): Node =>
  nodeOf({ type: 'list', offset, items: items.map((value) => ({ value, optional: false })) })
