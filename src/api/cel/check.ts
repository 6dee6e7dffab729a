import type { Functions, Overload } from './functions.ts'
import { qualifiedName } from './parse.ts'
import type { Call, Comprehension, ListLiteral, MapLiteral, Node, Select, StructLiteral } from './syntax.ts'
import type { Mistake } from './tokens.ts'
import {
  bool,
  bytes,
  type CelType,
  double,
  duration,
  dyn,
  errorType,
  int,
  listOf,
  mapOf,
  nullType,
  type ObjectType,
  optionalOf,
  showType,
  string,
  timestamp,
  typeOf,
  uint,
} from './types.ts'
import { isMoreGeneral, Substitution } from './unify.ts'
import { CelUint, runtimeName } from './values.ts'

export interface CelEnvironment {
  readonly functions: Functions
  /** Variables and their types. */
  readonly variables: ReadonlyMap<string, CelType>
  /** Types of objects that an expression may make, by name. */
  readonly structs?: (name: string) => ObjectType | undefined
}

/** What a node stands for. */
export type Reference =
  /** A variable, whose name may have dots. */
  | { readonly type: 'variable'; readonly name: string }
  /** The name of a type. */
  | { readonly type: 'type'; readonly name: string }
  | { readonly type: 'call'; readonly overloads: readonly Overload[]; readonly onTarget: boolean }
  | { readonly type: 'struct'; readonly of: ObjectType }

export interface Checked {
  readonly root: Node
  readonly type: CelType
  readonly types: ReadonlyMap<Node, CelType>
  readonly references: ReadonlyMap<Node, Reference>
}

const typeNames: ReadonlyMap<string, CelType> = new Map<string, CelType>([
  ...[int, uint, double, bool, string, bytes, dyn].map((type): [string, CelType] => [runtimeName(type), type]),
  ['null_type', nullType],
  ['list', listOf(dyn)],
  ['map', mapOf(dyn, dyn)],
  ['type', typeOf(dyn)],
  ['optional_type', optionalOf(dyn)],
  ['google.protobuf.Timestamp', timestamp],
  ['google.protobuf.Duration', duration],
])

/** Finds out the type of every node, and which overloads each call may mean. */
export function check(root: Node, { functions, variables, structs }: CelEnvironment): Checked | readonly Mistake[] {
  const substitution = new Substitution()
  const types = new Map<Node, CelType>()
  const references = new Map<Node, Reference>()
  const mistakes: Mistake[] = []
  /** Of comprehensions, innermost last. */
  const scopes: Map<string, CelType>[] = []
  typeOfNode(root)
  if (mistakes.length > 0) return mistakes.sort((one, other) => one.offset - other.offset)
  for (const [node, type] of types) types.set(node, substitution.resolve(type, true))
  return { root, type: types.get(root) ?? dyn, types, references }

  function typeOfNode(node: Node): CelType {
    const type = infer(node)
    types.set(node, type)
    return type
  }

  function mistake({ offset }: { readonly offset: number }, message: string): CelType {
    mistakes.push({ offset, message })
    return errorType
  }

  function shown(type: CelType): string {
    return showType(substitution.resolve(type, true))
  }

  function infer(node: Node): CelType {
    switch (node.type) {
      case 'literal':
        return literalType(node.value)
      case 'ident':
        return lookUp(node, node.name) ?? undeclared(node, node.name)
      case 'select':
        return inferSelect(node)
      case 'call':
        return inferCall(node)
      case 'list':
        return inferList(node)
      case 'map':
        return inferMap(node)
      case 'struct':
        return inferStruct(node)
      case 'comprehension':
        return inferComprehension(node)
    }
  }

  function undeclared(node: Node, name: string): CelType {
    return mistake(node, `undeclared reference to '${name.replace(/^\./, '')}' (in container '')`)
  }

  /** The type of a name; remembers what it stands for. */
  function lookUp(node: Node, name: string): CelType | undefined {
    for (let index = scopes.length - 1; index >= 0; index--) {
      const type = scopes[index]?.get(name)
      if (!type) continue
      references.set(node, { type: 'variable', name })
      return type
    }
    const absolute = name.replace(/^\./, '')
    const declared = variables.get(absolute)
    if (declared) {
      references.set(node, { type: 'variable', name: absolute })
      return declared
    }
    const named = typeNames.get(absolute) ?? structs?.(absolute)
    if (!named) return undefined
    references.set(node, { type: 'type', name: absolute })
    return typeOf(named)
  }

  function inferSelect(node: Select): CelType {
    const name = node.testOnly ? undefined : qualifiedName(node)
    if (name !== undefined && !scopes.some((scope) => scope.has(name.split('.')[0] ?? ''))) {
      const known = lookUp(node, name)
      if (known) return known
    }
    const operand = substitution.resolve(typeOfNode(node.operand))
    const field = operand.kind === 'optional' ? optionalOf(fieldType(node, operand.of)) : fieldType(node, operand)
    return node.testOnly ? bool : field
  }

  function fieldType(node: { readonly offset: number; readonly field: string }, operand: CelType): CelType {
    const type = substitution.resolve(operand)
    switch (type.kind) {
      case 'map':
        return type.value
      case 'object':
        return type.field(node.field) ?? mistake(node, `undefined field '${node.field}'`)
      case 'param':
        // It may yet turn out to be anything.
        substitution.assign(type, dyn)
        return dyn
      case 'dyn':
        return dyn
      case 'error':
        return errorType
      default:
        return mistake(node, `type '${shown(type)}' does not support field selection`)
    }
  }

  function inferCall(node: Call): CelType {
    if (node.name === '_?._' && !node.target) return inferOptionalSelect(node)
    const qualified = node.target && qualifiedName(node.target)
    const global = qualified === undefined ? undefined : functions.get(`${qualified.replace(/^\./, '')}.${node.name}`)
    if (!node.target || global) {
      const name = node.target ? `${qualified?.replace(/^\./, '')}.${node.name}` : node.name.replace(/^\./, '')
      const found = global ?? functions.get(name)
      const args = node.args.map(typeOfNode)
      if (!found) return undeclared(node, name)
      return resolveCall(node, name, found, args, false)
    }
    const target = typeOfNode(node.target)
    const args = node.args.map(typeOfNode)
    const found = functions.get(node.name)
    if (!found) return undeclared(node, node.name)
    return resolveCall(node, node.name, found, [target, ...args], true)
  }

  function inferOptionalSelect(node: Call): CelType {
    const [operand, field] = node.args
    if (!operand || field?.type !== 'literal' || typeof field.value !== 'string')
      return mistake(node, 'unsupported optional field selection')
    types.set(field, string)
    const type = substitution.resolve(typeOfNode(operand))
    const found = fieldType({ offset: node.offset, field: field.value }, type.kind === 'optional' ? type.of : type)
    const overloads = functions.get('_?._') ?? []
    references.set(node, { type: 'call', overloads, onTarget: false })
    return found.kind === 'error' ? found : optionalOf(found)
  }

  function resolveCall(node: Call, name: string, candidates: readonly Overload[], args: readonly CelType[], onTarget: boolean): CelType {
    let result: CelType | undefined
    const overloads: Overload[] = []
    for (const overload of candidates) {
      if (overload.member !== onTarget || overload.params.length !== args.length) continue
      const names = new Map<string, CelType>()
      const params = overload.params.map((type) => substitution.instance(type, names))
      if (!substitution.assignAll(params, args)) continue
      overloads.push(overload)
      const returned = substitution.resolve(substitution.instance(overload.result, names))
      if (result === undefined) result = returned
      else if (showType(result) !== showType(returned)) result = dyn
    }
    if (result === undefined) {
      if (args.some(({ kind }) => kind === 'error')) return errorType
      return mistake(node, `found no matching overload for '${name}' applied to '${applied(args, onTarget)}'`)
    }
    references.set(node, { type: 'call', overloads, onTarget })
    return result
  }

  function applied(args: readonly CelType[], onTarget: boolean): string {
    const texts = args.map(shown)
    return onTarget ? `${texts[0]}.(${texts.slice(1).join(', ')})` : `(${texts.join(', ')})`
  }

  function inferList({ items }: ListLiteral): CelType {
    let joined: CelType | undefined
    for (const { value, optional } of items) joined = join(value, joined, unwrapped(value, typeOfNode(value), optional))
    return listOf(joined ?? substitution.fresh())
  }

  /** What `?value` holds. */
  function unwrapped(node: Node, type: CelType, optional: boolean): CelType {
    if (!optional) return type
    const resolved = substitution.resolve(type)
    if (resolved.kind === 'optional') return resolved.of
    if (resolved.kind === 'dyn' || resolved.kind === 'error') return resolved
    return mistake(node, `expected type 'optional_type(${shown(type)})' but found '${shown(type)}'`)
  }

  function inferMap({ entries }: MapLiteral): CelType {
    let keys: CelType | undefined
    let values: CelType | undefined
    for (const { key, value, optional } of entries) {
      keys = join(key, keys, typeOfNode(key))
      values = join(value, values, unwrapped(value, typeOfNode(value), optional))
    }
    return mapOf(keys ?? substitution.fresh(), values ?? substitution.fresh())
  }

  /** Elements of one literal are of one type. */
  function join(node: Node, before: CelType | undefined, type: CelType): CelType {
    if (before === undefined) return type
    if (substitution.assign(before, type)) return isMoreGeneral(before, type) ? before : type
    return mistake(node, `expected type '${shown(before)}' but found '${shown(type)}'`)
  }

  function inferStruct(node: StructLiteral): CelType {
    const found = structs?.(node.name.replace(/^\./, ''))
    for (const { name, value, optional, offset } of node.fields) {
      const given = unwrapped(value, typeOfNode(value), optional)
      if (!found) continue
      const field = found.field(name)
      if (!field) mistake({ offset }, `undefined field '${name}'`)
      else if (!substitution.assign(field, given))
        mistake({ offset }, `expected type of field '${name}' is '${shown(field)}' but provided type is '${shown(given)}'`)
    }
    if (!found) return undeclared(node, node.name)
    references.set(node, { type: 'struct', of: found })
    return found
  }

  function inferComprehension(node: Comprehension): CelType {
    const range = substitution.resolve(typeOfNode(node.range))
    const accumulated = typeOfNode(node.init)
    scopes.push(new Map([[node.accumulator, accumulated]]))
    scopes.push(variablesOf(node, range))
    const condition = typeOfNode(node.condition)
    if (!substitution.assign(bool, condition)) mistake(node.condition, `expected type 'bool' but found '${shown(condition)}'`)
    const step = typeOfNode(node.step)
    if (!substitution.assign(accumulated, step)) mistake(node.step, `expected type '${shown(accumulated)}' but found '${shown(step)}'`)
    scopes.pop()
    const result = typeOfNode(node.result)
    scopes.pop()
    return result
  }

  function variablesOf(node: Comprehension, range: CelType): Map<string, CelType> {
    const { variable, secondVariable } = node
    const named = (first: CelType, second: CelType) =>
      new Map([[variable, first], ...(secondVariable === undefined ? [] : [[secondVariable, second] as const])])
    switch (range.kind) {
      case 'list':
        return secondVariable === undefined ? named(range.item, dyn) : named(int, range.item)
      case 'map':
        return named(range.key, range.value)
      case 'param':
        substitution.assign(range, dyn)
        return named(dyn, dyn)
      case 'dyn':
      case 'error':
        return named(dyn, dyn)
      default:
        mistake(node.range, `expression of type '${shown(range)}' cannot be range of a comprehension (must be list, map, or dynamic)`)
        return named(errorType, errorType)
    }
  }
}

function literalType(value: unknown): CelType {
  switch (typeof value) {
    case 'bigint':
      return int
    case 'number':
      return double
    case 'string':
      return string
    case 'boolean':
      return bool
    default:
      return value === null ? nullType : value instanceof CelUint ? uint : bytes
  }
}
