import { callCost } from './call-cost.ts'
import type { Checked } from './check.ts'
import { celEqual } from './equality.ts'
import type { Functions, Overload } from './functions.ts'
import { noSuchKey } from './library/operators.ts'
import { CelError, type Meter } from './meter.ts'
import { StructValue } from './struct-value.ts'
import type { Call, Comprehension, ListLiteral, MapLiteral, Node, Select, StructLiteral } from './syntax.ts'
import {
  CelList,
  CelMap,
  CelOptional,
  CelTypeValue,
  type CelValue,
  GrowingList,
  isKey,
  ListOfValues,
  MapOfValues,
  none,
  runtimeName,
  typeName,
} from './values.ts'

/** Values of variables. */
export interface Bindings {
  get(name: string): CelValue | undefined
}

/** One evaluation. */
interface Frame {
  readonly meter: Meter
  readonly bindings: Bindings
  /** Of comprehensions, by their place. What `all` and `exists` found so far may be an error, which a later element can outweigh. */
  readonly locals: (CelValue | CelError)[]
}

type Turns = Generator<undefined, CelValue>

/** How a node gives its value: at once, or with pauses, in which others have their turn. */
interface Step {
  now(frame: Frame): CelValue
  /** Undefined where it never takes long, having no loop in it. */
  readonly slowly: ((frame: Frame) => Turns) | undefined
}

export interface Plan {
  evaluate(bindings: Bindings, meter: Meter): CelValue
  /** Stops for a moment whenever a turn is over. */
  inTurns(bindings: Bindings, meter: Meter): Turns
}

const listCost = 10
const mapCost = 30
const structCost = 40

/** Turns a checked expression into functions. What it costs is charged as upstream's interpreter does. */
export function plan({ root, references }: Checked, functions: Functions): Plan {
  /** Names in scope and where their values are, innermost last. */
  const scope: { readonly name: string; readonly place: number }[] = []
  const step = stepOf(root)
  return {
    evaluate: (bindings, meter) => step.now({ bindings, meter, locals: [] }),
    inTurns: (bindings, meter) => turnsOf(step, { bindings, meter, locals: [] }),
  }

  function stepOf(node: Node): Step {
    switch (node.type) {
      case 'literal': {
        const { value } = node
        return quick(() => value)
      }
      case 'ident':
      case 'select':
        return variable(node) ?? (node.type === 'select' ? selection(node) : quick(() => null))
      case 'call':
        return call(node)
      case 'list':
        return list(node)
      case 'map':
        return map(node)
      case 'struct':
        return struct(node)
      case 'comprehension':
        return comprehension(node)
    }
  }

  /** What a name stands for; undefined when the node is no name. */
  function variable(node: Node): Step | undefined {
    const reference = references.get(node)
    if (reference?.type === 'type') {
      const value = new CelTypeValue(reference.name)
      return quick(() => value)
    }
    if (reference?.type !== 'variable') return undefined
    const { name } = reference
    const local = scope.findLast((known) => known.name === name)
    if (local) {
      const { place } = local
      return quick(({ locals, meter }) => {
        meter.charge(1)
        const value = locals[place]
        if (value instanceof CelError) throw value
        return value as CelValue
      })
    }
    return quick(({ bindings, meter }) => {
      meter.charge(1)
      const value = bindings.get(name)
      if (value === undefined) throw new CelError(`no such attribute(s): ${name}`)
      return value
    })
  }

  function selection({ operand, field, testOnly }: Select): Step {
    return combined([stepOf(operand)], ([value = null], { meter }) => {
      if (testOnly) return isPresent(value, field)
      meter.charge(1)
      return fieldOf(value, field)
    })
  }

  function call(node: Call): Step {
    const { args, target, name } = node
    const steps = args.map(stepOf)
    switch (name) {
      case '_&&_':
        return logical(steps as [Step, Step], false)
      case '_||_':
        return logical(steps as [Step, Step], true)
      case '_?_:_':
        return conditional(steps as [Step, Step, Step])
      case '@not_strictly_false':
        return notStrictlyFalse(steps[0] as Step)
      case '_==_':
      case '_!=_':
        return equality(steps, name === '_==_')
    }
    const reference = references.get(node)
    const onTarget = reference?.type === 'call' && reference.onTarget
    return dispatch(node, onTarget && target ? [stepOf(target), ...steps] : steps)
  }

  function dispatch(node: Call, steps: readonly Step[]): Step {
    const reference = references.get(node)
    const found = reference?.type === 'call' ? reference.overloads : []
    const name = found[0]?.name ?? node.name
    const candidates = (functions.get(name) ?? []).filter(
      (overload) => overload.params.length === steps.length && overload.member === (found[0]?.member ?? false),
    )
    // Types are the same from one evaluation to the next, mostly. They may be others than the checker thought: null is in many places.
    let last: Overload | undefined = found[0]
    return combined(steps, (values, { meter }) => {
      if (!last?.matches(values)) last = candidates.find((candidate) => candidate.matches(values))
      if (!last) throw noOverload(name, values)
      return charged(last, values, meter)
    })
  }

  function list({ items }: ListLiteral): Step {
    return combined(
      items.map(({ value }) => stepOf(value)),
      (values, { meter }) => {
        meter.charge(listCost)
        return new ListOfValues(values.flatMap((value, index) => given(value, items[index]?.optional ?? false) ?? []))
      },
    )
  }

  function map({ entries }: MapLiteral): Step {
    return combined(
      entries.flatMap(({ key, value }) => [stepOf(key), stepOf(value)]),
      (values, { meter }) => {
        const made = new MapOfValues()
        for (const [index, { optional }] of entries.entries()) {
          const key = values[2 * index] ?? null
          const item = given(values[2 * index + 1] ?? null, optional)
          if (!isKey(key)) throw new CelError(`unsupported key type: ${typeName(key)}`)
          if (item !== undefined && !made.add(key, item)) throw new CelError(`Failed with repeated key: ${String(key)}`)
        }
        meter.charge(mapCost)
        return made
      },
    )
  }

  function struct(node: StructLiteral): Step {
    const reference = references.get(node)
    const type = reference?.type === 'struct' ? runtimeName(reference.of) : node.name
    return combined(
      node.fields.map(({ value }) => stepOf(value)),
      (values, { meter }) => {
        const fields = new Map<string, CelValue>()
        for (const [index, { name, optional }] of node.fields.entries()) {
          const value = given(values[index] ?? null, optional)
          if (value !== undefined) fields.set(name, value)
        }
        meter.charge(structCost)
        return new StructValue(type, fields)
      },
    )
  }

  function comprehension(node: Comprehension): Step {
    const range = stepOf(node.range)
    const init = stepOf(node.init)
    const collects = node.init.type === 'list'
    const isLogical = node.init.type === 'literal' && typeof node.init.value === 'boolean'
    const accumulator = scope.length
    scope.push({ name: node.accumulator, place: accumulator })
    const first = scope.length
    scope.push({ name: node.variable, place: first })
    const second = scope.length
    const hasSecond = node.secondVariable !== undefined
    if (node.secondVariable !== undefined) scope.push({ name: node.secondVariable, place: second })
    const condition = stepOf(node.condition)
    const step = stepOf(node.step)
    scope.length = first
    const result = stepOf(node.result)
    scope.length = accumulator
    return {
      now(frame) {
        const { locals } = frame
        const over = range.now(frame)
        const initial = init.now(frame)
        locals[accumulator] = collects ? new GrowingList() : initial
        for (const [key, value] of elements(over, hasSecond)) {
          locals[first] = key
          if (hasSecond) locals[second] = value
          if (condition.now(frame) !== true) break
          locals[accumulator] = isLogical ? attempted(step, frame) : step.now(frame)
        }
        return result.now(frame)
      },
      *slowly(frame) {
        const { locals, meter } = frame
        const over = yield* turnsOf(range, frame)
        const initial = yield* turnsOf(init, frame)
        locals[accumulator] = collects ? new GrowingList() : initial
        for (const [key, value] of elements(over, hasSecond)) {
          if (meter.endsTurn()) yield
          locals[first] = key
          if (hasSecond) locals[second] = value
          if ((yield* turnsOf(condition, frame)) !== true) break
          locals[accumulator] = isLogical ? yield* attemptedSlowly(step, frame) : yield* turnsOf(step, frame)
        }
        return yield* turnsOf(result, frame)
      },
    }
  }
}

const quick = (now: Step['now']): Step => ({ now, slowly: undefined })

const isSlow = ({ slowly }: Step) => slowly !== undefined

function* turnsOf(step: Step, frame: Frame): Turns {
  return step.slowly ? yield* step.slowly(frame) : step.now(frame)
}

/** A step that makes its value of others' values. */
function combined(steps: readonly Step[], combine: (values: readonly CelValue[], frame: Frame) => CelValue): Step {
  return {
    now: (frame) =>
      combine(
        steps.map((step) => step.now(frame)),
        frame,
      ),
    slowly: steps.some(isSlow)
      ? function* (frame) {
          const values: CelValue[] = []
          for (const step of steps) values.push(yield* turnsOf(step, frame))
          return combine(values, frame)
        }
      : undefined,
  }
}

function charged(overload: Overload, values: readonly CelValue[], meter: Meter): CelValue {
  const result = overload.run(values, meter)
  meter.charge(callCost(overload.cost, values, result, meter))
  return result
}

function* elements(range: CelValue, hasSecond: boolean): Generator<readonly [CelValue, CelValue]> {
  if (range instanceof CelList) {
    for (let index = 0; index < range.size; index++) yield hasSecond ? [BigInt(index), range.at(index)] : [range.at(index), null]
  } else if (range instanceof CelMap) {
    for (const key of range.keys()) yield [key, hasSecond ? (range.get(key) ?? null) : null]
  } else throw new CelError('no such overload')
}

/** An element's value; undefined when it was optional and there is none. */
function given(value: CelValue, optional: boolean): CelValue | undefined {
  if (!optional) return value
  if (!(value instanceof CelOptional)) throw new CelError(`cannot initialize optional entry from non-optional value ${typeName(value)}`)
  return value.value
}

function fieldOf(value: CelValue, field: string): CelValue {
  if (value instanceof CelMap) {
    const found = value.get(field)
    if (found === undefined) throw noSuchKey(field)
    return found
  }
  if (value instanceof CelOptional) {
    const inner = value.value
    const found = inner instanceof CelMap ? inner.get(field) : undefined
    return found === undefined ? none : new CelOptional(found)
  }
  throw noSuchKey(field)
}

function isPresent(value: CelValue, field: string): boolean {
  const inner = value instanceof CelOptional ? value.value : value
  return inner instanceof CelMap && inner.has(field)
}

const isOperator = (name: string) => name.includes('_') || name.startsWith('@')

function noOverload(name: string, args: readonly CelValue[]): CelError {
  return new CelError(isOperator(name) ? 'no such overload' : `no such overload: ${name}(${args.map(typeName).join(', ')})`)
}

/** The side that decides wins over an error on the other. */
function logical([left, right]: readonly [Step, Step], decides: boolean): Step {
  return {
    now(frame) {
      const one = attempted(left, frame)
      return one === decides ? decides : both(one, attempted(right, frame), decides)
    },
    slowly:
      isSlow(left) || isSlow(right)
        ? function* (frame) {
            const one = yield* attemptedSlowly(left, frame)
            return one === decides ? decides : both(one, yield* attemptedSlowly(right, frame), decides)
          }
        : undefined,
  }
}

function both(one: CelValue | CelError, other: CelValue | CelError, decides: boolean): boolean {
  if (other === decides) return decides
  if (one instanceof CelError) throw one
  if (other instanceof CelError) throw other
  if (typeof one === 'boolean' && typeof other === 'boolean') return !decides
  throw new CelError('no such overload')
}

function attempted(step: Step, frame: Frame): CelValue | CelError {
  try {
    return step.now(frame)
  } catch (error) {
    if (error instanceof CelError) return error
    throw error
  }
}

function* attemptedSlowly(step: Step, frame: Frame): Generator<undefined, CelValue | CelError> {
  try {
    return yield* turnsOf(step, frame)
  } catch (error) {
    if (error instanceof CelError) return error
    throw error
  }
}

function conditional([condition, then, otherwise]: readonly [Step, Step, Step]): Step {
  const branch = (value: CelValue) => {
    if (typeof value !== 'boolean') throw new CelError('no such overload')
    return value ? then : otherwise
  }
  return {
    now: (frame) => branch(condition.now(frame)).now(frame),
    slowly: [condition, then, otherwise].some(isSlow)
      ? function* (frame) {
          return yield* turnsOf(branch(yield* turnsOf(condition, frame)), frame)
        }
      : undefined,
  }
}

function notStrictlyFalse(step: Step): Step {
  return quick((frame) => {
    const value = attempted(step, frame)
    frame.meter.charge(1)
    return value !== false
  })
}

function equality(sides: readonly Step[], wanted: boolean): Step {
  return combined(sides, (values, { meter }) => {
    const [one = null, other = null] = values
    const equal = celEqual(one, other, meter)
    meter.charge(callCost('compare', values, equal, meter))
    return equal === wanted
  })
}
