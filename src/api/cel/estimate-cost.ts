import { checkCost, perCharacter, perPatternCharacter } from './call-cost.ts'
import type { Checked } from './check.ts'
import type { CostRule, Overload } from './functions.ts'
import { codePoints } from './meter.ts'
import { accumulator, type Call, type Comprehension, type Node } from './syntax.ts'
import type { CelType } from './types.ts'

/** Least and most; what has no bound is Infinity. */
export interface Range {
  readonly min: number
  readonly max: number
}

/** How big a value can be: the path leads from a variable through fields, `@items`, `@keys` and `@values`. */
export type SizeOf = (path: readonly string[]) => Range | undefined

const fixed = (value: number): Range => ({ min: value, max: value })
const unknown: Range = { min: 0, max: Number.POSITIVE_INFINITY }
const nothing = fixed(0)
const one = fixed(1)
const add = (left: Range, right: Range): Range => ({ min: left.min + right.min, max: left.max + right.max })
/** Nothing times anything is nothing. */
const product = (left: number, right: number) => (left === 0 || right === 0 ? 0 : left * right)
const multiply = (left: Range, right: Range): Range => ({ min: product(left.min, right.min), max: product(left.max, right.max) })
const scaled = (size: Range, factor: number): Range => ({ min: Math.ceil(size.min * factor), max: Math.ceil(size.max * factor) })
const union = (left: Range, right: Range): Range => ({ min: Math.min(left.min, right.min), max: Math.max(left.max, right.max) })

/** Sizes of a container's keys (or places) and elements. */
interface Entries {
  readonly of: 'list' | 'map'
  readonly key: Range
  readonly value: Range
}

interface Local {
  readonly path: readonly string[]
  readonly size: Range | undefined
  readonly entries: Entries | undefined
}

interface Estimate {
  readonly cost: Range
  readonly size?: Range
}

const listCost = 10
const mapCost = 30
const structCost = 40
/** The longest pattern of a named format. */
const longestFormat = 128

/** What an expression costs at least and at most, by upstream's reckoning. */
export function estimateCost({ root, types, references }: Checked, sizeOf: SizeOf): Range {
  const sizes = new Map<Node, Range>()
  const entrySizes = new Map<Node, Entries>()
  const paths = new Map<Node, readonly string[]>()
  const locals = new Map<string, Local[]>()
  return costOf(root)

  function costOf(node: Node): Range {
    switch (node.type) {
      case 'literal':
        return nothing
      case 'ident':
        paths.set(node, localOf(node.name)?.path ?? [node.name])
        return one
      case 'select': {
        if (node.testOnly) return costOf(node.operand)
        const cost = costOf(node.operand)
        paths.set(node, [...pathOf(node.operand), node.field])
        const kind = types.get(node.operand)?.kind
        return kind === 'map' || kind === 'object' || kind === 'param' ? add(cost, one) : cost
      }
      case 'call':
        return callCost(node)
      case 'list': {
        const items = node.items.map(({ value }) => value)
        const cost = items.reduce((sum, item) => add(sum, costOf(item)), fixed(listCost))
        entrySizes.set(node, { of: 'list', key: one, value: unionOf(items) })
        return cost
      }
      case 'map': {
        const [keys, values] = [node.entries.map(({ key }) => key), node.entries.map(({ value }) => value)]
        const cost = node.entries.reduce((sum, { key, value }) => add(sum, add(costOf(key), costOf(value))), fixed(mapCost))
        entrySizes.set(node, { of: 'map', key: unionOf(keys), value: unionOf(values) })
        return cost
      }
      case 'struct':
        return node.fields.reduce((sum, { value }) => add(sum, costOf(value)), fixed(structCost))
      case 'comprehension':
        return isBinding(node) ? bindingCost(node) : foldCost(node)
    }
  }

  function unionOf(nodes: readonly Node[]): Range {
    return nodes.length === 0 ? nothing : nodes.map(sizeOrUnknown).reduce(union)
  }

  function foldCost(node: Comprehension): Range {
    const before = add(costOf(node.range), costOf(node.init))
    push(node.accumulator, { path: pathOf(node.init), size: sizeOfNode(node.init), entries: entriesOf(node.init) })
    const names = pushVariables(node)
    const condition = costOf(node.condition)
    const step = costOf(node.step)
    for (const name of names) locals.get(name)?.pop()
    const result = costOf(node.result)
    locals.get(node.accumulator)?.pop()
    const count = sizeOrUnknown(node.range)
    if (node.init.type === 'literal') setSize(node, sizeOfNode(node.init))
    else if (node.init.type === 'list' || node.init.type === 'map') {
      setSize(node, count)
      const entries = entriesOf(node.step)
      if (entries) entrySizes.set(node, entries)
    }
    return add(add(before, result), multiply(count, add(step, condition)))
  }

  /** Names that stand for an element, its key, or its place. */
  function pushVariables({ range, variable, secondVariable }: Comprehension): readonly string[] {
    const entries = entriesOf(range)
    const isList = (entries?.of ?? types.get(range)?.kind) === 'list'
    const at = (part: string) => [...pathOf(range), part]
    const key = { path: at(isList ? '@indices' : '@keys'), size: entries?.key, entries: undefined }
    const value = { path: at(isList ? '@items' : '@values'), size: entries?.value, entries: undefined }
    if (secondVariable === undefined) {
      push(variable, isList ? value : key)
      return [variable]
    }
    push(variable, key)
    push(secondVariable, value)
    return [variable, secondVariable]
  }

  function isBinding({ range, condition }: Comprehension): boolean {
    return range.type === 'list' && range.items.length === 0 && condition.type === 'literal' && condition.value === false
  }

  function bindingCost(node: Comprehension): Range {
    const before = add(costOf(node.range), costOf(node.init))
    push(node.accumulator, { path: pathOf(node.init), size: sizeOfNode(node.init), entries: entriesOf(node.init) })
    const cost = add(before, costOf(node.result))
    locals.get(node.accumulator)?.pop()
    copySizes(node, node.result)
    return cost
  }

  function push(name: string, local: Local): void {
    const known = locals.get(name)
    if (known) known.push(local)
    else locals.set(name, [local])
  }

  function localOf(name: string): Local | undefined {
    return locals.get(name)?.at(-1)
  }

  function callCost(node: Call): Range {
    const [first] = node.args
    if (node.name === 'dyn' && first) {
      const cost = add(costOf(first), one)
      copySizes(node, first)
      return cost
    }
    const reference = references.get(node)
    const overloads = reference?.type === 'call' ? reference.overloads : []
    const onTarget = reference?.type === 'call' && reference.onTarget
    const target = onTarget ? node.target : undefined
    const costs = node.args.map(costOf)
    const before = target ? costOf(target) : nothing
    const estimates = overloads.map((overload) => estimateOf(node, overload, target, costs))
    if (estimates.length === 0) return nothing
    const resultSizes = estimates.flatMap(({ size }) => (size ? [size] : []))
    if (resultSizes.length > 0) setSize(node, resultSizes.reduce(union))
    return add(before, estimates.map(({ cost }) => cost).reduce(union))
  }

  function estimateOf(node: Call, overload: Overload, target: Node | undefined, costs: readonly Range[]): Estimate {
    const own = ownEstimate(node, overload.cost, target, costs)
    if (overload.cost === 'conditional' || overload.cost === 'logical') return own
    return { ...own, cost: costs.reduce(add, own.cost) }
  }

  /** Without what arguments cost, but for operators that do not evaluate all of theirs. */
  function ownEstimate(node: Call, rule: CostRule, target: Node | undefined, costs: readonly Range[]): Estimate {
    const { args } = node
    const [left = node, right = node, other = node] = args
    const size = (of: Node) => sizeOrUnknown(of)
    const characters = (of: Range) => scaled(of, perCharacter)
    switch (rule) {
      case 'one':
        return { cost: one }
      case 'free':
        return { cost: nothing }
      case 'logical': {
        const [lhs = nothing, rhs = nothing] = costs
        return { cost: { min: lhs.min, max: lhs.max + rhs.max } }
      }
      case 'conditional': {
        const [condition = nothing, then = nothing, otherwise = nothing] = costs
        const [one, two] = [entriesOf(right), entriesOf(other)]
        if (one && two) entrySizes.set(node, { of: one.of, key: union(one.key, two.key), value: union(one.value, two.value) })
        return { cost: add(condition, union(then, otherwise)), size: union(size(right), size(other)) }
      }
      case 'index':
      case 'map-value': {
        paths.set(node, [...pathOf(left), rule === 'index' ? '@items' : '@values'])
        const value = entriesOf(left)?.value
        return { cost: one, ...(value && { size: value }) }
      }
      case 'traverse':
      case 'rebuild':
        // Of functions that are not called on something upstream knows only what `url` costs.
        if (target) return { cost: characters(size(target)), size: size(target) }
        return { cost: node.name === 'url' ? characters(size(left)) : one }
      case 'affix':
        return { cost: characters(size(left)) }
      case 'format':
        return { cost: target ? characters(size(target)) : one }
      case 'to-bytes':
        return { cost: characters(size(left)), size: { min: size(left).min, max: size(left).max * 4 } }
      case 'to-string':
        return { cost: characters(size(left)), size: { min: Math.floor(size(left).min / 4), max: size(left).max } }
      case 'quote':
        return { cost: characters(size(left)), size: { min: size(left).min + 2, max: size(left).max * 2 + 2 } }
      case 'replace':
        return target ? replaceEstimate(size(target), size(left), size(right)) : { cost: one }
      case 'split':
        return target ? { cost: scaled(size(target), 2 * perCharacter), size: { min: 0, max: size(target).max } } : { cost: one }
      case 'join':
        return target ? joinEstimate(target, args.length > 0 ? size(left) : nothing) : { cost: one }
      case 'elements':
        return { cost: target ? elementsCost(target) : one }
      case 'compare': {
        const max = Math.min(size(left).max, size(right).max)
        return { cost: characters({ min: max > 0 ? 1 : 0, max }) }
      }
      case 'concatenate':
      case 'concatenate-lists': {
        const [one, two] = [entriesOf(left), entriesOf(right)]
        if (one && two) entrySizes.set(node, { of: one.of, key: union(one.key, two.key), value: union(one.value, two.value) })
        const whole = add(size(left), size(right))
        return { cost: rule === 'concatenate' ? characters(whole) : fixed(1), size: whole }
      }
      case 'matches':
      case 'finds': {
        if (!target) return { cost: one }
        const cost = multiply(characters(add(size(target), one)), scaled(size(left), perPatternCharacter))
        return { cost, ...(rule === 'finds' && { size: { min: 0, max: size(target).max } }) }
      }
      case 'contains':
        return { cost: target ? multiply(characters(size(target)), characters(size(left))) : one }
      case 'in-list':
        return { cost: size(right) }
      case 'sets':
      case 'sets-twice':
        return { cost: add(scaled(multiply(size(left), size(right)), rule === 'sets' ? 1 : 2), one) }
      case 'validate':
        return { cost: scaled(characters(size(left)), longestFormat * perPatternCharacter) }
      case 'authorize':
        return { cost: fixed(checkCost) }
      case 'parse-twice':
        return { cost: one }
      case 'ip-in-range':
        return { cost: rangeCost }
      case 'ip-text-in-range':
        return { cost: add(rangeCost, characters(size(left))) }
      case 'range-in-range':
        return { cost: add(add(rangeCost, characters({ min: 4, max: 16 })), one) }
      case 'range-text-in-range':
        return { cost: add(add(add(rangeCost, characters({ min: 4, max: 16 })), one), characters(size(left))) }
    }
  }

  function joinEstimate(list: Node, separator: Range): Estimate {
    const count = sizeOrUnknown(list)
    const item = elementSize(list)
    const between = { min: Math.max(count.min - 1, 0), max: Math.max(count.max - 1, 0) }
    const whole = add(multiply(count, item), multiply(separator, between))
    return { cost: scaled(whole, perCharacter), size: whole }
  }

  /** One for each element, and what it takes to look at it. */
  function elementsCost(list: Node): Range {
    const type = types.get(list)
    if (type?.kind !== 'list') return scaled(sizeOrUnknown(list), perCharacter)
    const isText = type.item.kind === 'string' || type.item.kind === 'bytes'
    return multiply(sizeOrUnknown(list), isText ? add(one, scaled(elementSize(list), perCharacter)) : one)
  }

  function elementSize(list: Node): Range {
    return entriesOf(list)?.value ?? sizeAt([...pathOf(list), '@items']) ?? unknown
  }

  function sizeAt(path: readonly string[]): Range | undefined {
    const [first] = path
    return first === undefined || first === accumulator ? undefined : sizeOf(path)
  }

  function pathOf(node: Node): readonly string[] {
    if (node.type === 'ident') {
      const local = localOf(node.name)
      if (local) return local.path
    }
    return paths.get(node) ?? []
  }

  function setSize(node: Node, size: Range | undefined): void {
    if (size) sizes.set(node, size)
  }

  function copySizes(to: Node, from: Node): void {
    setSize(to, sizeOfNode(from))
    const entries = entriesOf(from)
    if (entries) entrySizes.set(to, entries)
  }

  function sizeOrUnknown(node: Node): Range {
    return sizeOfNode(node) ?? unknown
  }

  function sizeOfNode(node: Node): Range | undefined {
    const known = sizes.get(node) ?? literalSize(node)
    if (known) return known
    const declared = sizeAt(pathOf(node))
    if (declared) {
      sizes.set(node, declared)
      return declared
    }
    if (isScalar(types.get(node))) return one
    return node.type === 'ident' ? localOf(node.name)?.size : undefined
  }

  function entriesOf(node: Node): Entries | undefined {
    return entrySizes.get(node) ?? (node.type === 'ident' ? localOf(node.name)?.entries : undefined)
  }
}

/** The network's bytes, twice. */
const rangeCost = scaled({ min: 8, max: 32 }, perCharacter)

function replaceEstimate(text: Range, old: Range, by: Range): Estimate {
  const most = bound(text.max, old.min, by.max <= old.min)
  const least = bound(text.min, old.max, old.max <= by.min)
  const size = {
    min: product(least.count, by.min) + least.kept,
    max: product(most.count, by.max) + most.kept,
  }
  return { cost: scaled(text, 2 * perCharacter), size }
}

/** How often something of a length can be replaced in a text, and what then stays of the text. */
function bound(text: number, old: number, staysAsLong: boolean): { count: number; kept: number } {
  if (old === 0) return { count: text + 1, kept: text }
  return staysAsLong ? { count: 0, kept: text } : { count: Math.ceil(text / old), kept: 0 }
}

function literalSize(node: Node): Range | undefined {
  if (node.type === 'list') return fixed(node.items.length)
  if (node.type === 'map') return fixed(node.entries.length)
  if (node.type !== 'literal') return undefined
  const { value } = node
  if (typeof value === 'string') return fixed(codePoints(value))
  return fixed(value instanceof Uint8Array ? value.length : 1)
}

const scalars = new Set<CelType['kind']>(['bool', 'double', 'duration', 'int', 'timestamp', 'uint'])

function isScalar(type: CelType | undefined): boolean {
  if (type?.kind === 'optional') return isScalar(type.of)
  return type !== undefined && scalars.has(type.kind)
}
