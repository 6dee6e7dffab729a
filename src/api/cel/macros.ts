import { accumulator, callOf, identOf, listNode, literalOf, type Node, nodeOf } from './syntax.ts'
import { SyntaxMistake } from './tokens.ts'

/** What a macro call stands for; undefined when the call is no macro's. */
export function expandMacro(offset: number, name: string, target: Node | undefined, args: readonly Node[]): Node | undefined {
  if (!target) return name === 'has' && args.length === 1 ? presenceTest(offset, args[0] as Node) : undefined
  return memberMacros.get(`${name}/${args.length}`)?.(offset, target, args)
}

type MemberMacro = (offset: number, target: Node, args: readonly Node[]) => Node

function presenceTest(offset: number, operand: Node): Node {
  if (operand.type !== 'select' || operand.testOnly) throw new SyntaxMistake(operand.offset, 'invalid argument to has() macro')
  return nodeOf({ ...operand, offset, testOnly: true })
}

interface Fold {
  readonly init: Node
  readonly condition: Node
  readonly step: Node
  readonly result: Node
}

const result = (offset: number) => identOf(offset, accumulator)
const always = (offset: number) => literalOf(offset, true)

function foldOf(offset: number, range: Node, variables: readonly Node[], { init, condition, step, result }: Fold): Node {
  const [variable, second] = variables.map((node) => {
    if (node.type !== 'ident') throw new SyntaxMistake(node.offset, 'argument must be a simple name')
    if (node.name === accumulator || node.name === '__result__')
      throw new SyntaxMistake(node.offset, `iteration variable overwrites accumulator variable`)
    return node.name
  })
  if (second !== undefined && second === variable) throw new SyntaxMistake(offset, `duplicate variable name: ${second}`)
  return nodeOf({
    ...{ type: 'comprehension', offset, variable: variable ?? '', secondVariable: second, range, accumulator },
    ...{ init, condition, step, result },
  })
}

const allOf = (offset: number, predicate: Node): Fold => ({
  init: literalOf(offset, true),
  condition: callOf(offset, '@not_strictly_false', result(offset)),
  step: callOf(offset, '_&&_', result(offset), predicate),
  result: result(offset),
})

const existsOf = (offset: number, predicate: Node): Fold => ({
  init: literalOf(offset, false),
  condition: callOf(offset, '@not_strictly_false', callOf(offset, '!_', result(offset))),
  step: callOf(offset, '_||_', result(offset), predicate),
  result: result(offset),
})

const existsOneOf = (offset: number, predicate: Node): Fold => ({
  init: literalOf(offset, 0n),
  condition: always(offset),
  step: callOf(offset, '_?_:_', predicate, callOf(offset, '_+_', result(offset), literalOf(offset, 1n)), result(offset)),
  result: callOf(offset, '_==_', result(offset), literalOf(offset, 1n)),
})

/** Collects what `item` gives, of the elements that pass. */
const listed = (offset: number, item: Node, predicate?: Node): Fold => {
  const added = callOf(offset, '_+_', result(offset), listNode(offset, item))
  return {
    init: listNode(offset),
    condition: always(offset),
    step: predicate ? callOf(offset, '_?_:_', predicate, added, result(offset)) : added,
    result: result(offset),
  }
}

const mapped = (offset: number, added: Node, predicate?: Node): Fold => ({
  init: nodeOf({ type: 'map', offset, entries: [] }),
  condition: always(offset),
  step: predicate ? callOf(offset, '_?_:_', predicate, added, result(offset)) : added,
  result: result(offset),
})

/** `target.optMap(name, expression)`: the value is bound to the name by a fold over nothing. */
const bound = (offset: number, target: Node, [name, expression]: readonly Node[]): Node => {
  if (name?.type !== 'ident') throw new SyntaxMistake(name?.offset ?? offset, 'optMap() variable name must be a simple identifier')
  return nodeOf({
    ...{ type: 'comprehension', offset, variable: '#unused', secondVariable: undefined, range: listNode(offset) },
    accumulator: name.name,
    init: nodeOf({ type: 'call', offset, name: 'value', target, args: [] }),
    condition: literalOf(offset, false),
    step: identOf(offset, name.name),
    result: expression as Node,
  })
}

const present = (offset: number, target: Node, then: Node): Node =>
  callOf(offset, '_?_:_', nodeOf({ type: 'call', offset, name: 'hasValue', target, args: [] }), then, callOf(offset, 'optional.none'))

type Make = (offset: number, ...args: Node[]) => Fold

/** A macro whose first arguments name variables. */
const folding =
  (variables: number, make: Make): MemberMacro =>
  (offset, target, args) =>
    foldOf(offset, target, args.slice(0, variables), make(offset, ...args.slice(variables)))

const memberMacros: ReadonlyMap<string, MemberMacro> = new Map<string, MemberMacro>([
  ['all/2', folding(1, allOf)],
  ['exists/2', folding(1, existsOf)],
  ['exists_one/2', folding(1, existsOneOf)],
  ['existsOne/2', folding(1, existsOneOf)],
  ['map/2', folding(1, (offset, item) => listed(offset, item as Node))],
  ['map/3', folding(1, (offset, predicate, item) => listed(offset, item as Node, predicate))],
  [
    'filter/2',
    (offset, target, [variable, predicate]) =>
      foldOf(offset, target, [variable as Node], listed(offset, variable as Node, predicate as Node)),
  ],
  ['all/3', folding(2, allOf)],
  ['exists/3', folding(2, existsOf)],
  ['existsOne/3', folding(2, existsOneOf)],
  ['exists_one/3', folding(2, existsOneOf)],
  ['transformList/3', folding(2, (offset, item) => listed(offset, item as Node))],
  ['transformList/4', folding(2, (offset, predicate, item) => listed(offset, item as Node, predicate))],
  [
    'transformMap/3',
    (offset, target, [key, value, item]) =>
      foldOf(offset, target, [key, value] as Node[], mapped(offset, insertion(offset, key as Node, item as Node))),
  ],
  [
    'transformMap/4',
    (offset, target, [key, value, predicate, item]) =>
      foldOf(offset, target, [key, value] as Node[], mapped(offset, insertion(offset, key as Node, item as Node), predicate)),
  ],
  ['transformMapEntry/3', folding(2, (offset, entry) => mapped(offset, merging(offset, entry as Node)))],
  ['transformMapEntry/4', folding(2, (offset, predicate, entry) => mapped(offset, merging(offset, entry as Node), predicate))],
  ['optMap/2', (offset, target, args) => present(offset, target, callOf(offset, 'optional.of', bound(offset, target, args)))],
  ['optFlatMap/2', (offset, target, args) => present(offset, target, bound(offset, target, args))],
])

const insertion = (offset: number, key: Node, item: Node) => callOf(offset, 'cel.@mapInsert', result(offset), key, item)
const merging = (offset: number, entry: Node) => callOf(offset, 'cel.@mapInsert', result(offset), entry)
