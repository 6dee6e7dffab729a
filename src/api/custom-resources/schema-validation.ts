import { lazily } from '../../base/lazily.ts'
import { namedNodesIn, nodeIn, nodesIn, type SchemaNode, textIn, textsIn } from '../apiextensions/schema-node.ts'
import { goFloat } from '../go-number.ts'
import { jsonEqual } from '../json-equal.ts'
import { isJsonObject } from '../merge-patch.ts'
import type { JsonObject } from '../object.ts'
import { invalid, notSupported, type Problem, required, tooLong, tooMany } from '../problem.ts'
import { formats } from './formats.ts'
import { schemaPattern } from './schema-pattern.ts'

/** One part of it; see SchemaCheck. */
type Check = (value: unknown, path: string, pass: Pass, old?: Before) => void

interface Pass {
  readonly found: Problem[]
  /** What matching patterns may still cost; shared by all who work on one object. */
  readonly budget: { left: number }
}

/**
 * Checks a value against the constraints of its schema, in the words of upstream's OpenAPI validator. `path` leads to the
 * value, '' being the whole object. With `old`, what stood there before, a part that has not changed is not checked again:
 * an object that was stored before its schema became stricter can still be written. Pass it where there is one.
 */
export type SchemaCheck = (value: unknown, path: string, found: Problem[], old?: Before) => void

/** What stood in a value's place; no such thing where nobody can say what did. */
export interface Before {
  readonly value: unknown
}

/** Characters times the size of the pattern: about a tenth of a second's worth. */
const patternBudget = 20_000_000

/** What an alternative finds, apart from what others do. */
function tried(check: Check, value: unknown, path: string, { budget }: Pass): Problem[] {
  const found: Problem[] = []
  check(value, path, { found, budget })
  return found
}

const known = new WeakMap<SchemaNode, Check>()

export const schemaCheck =
  (node: SchemaNode): SchemaCheck =>
  (value, path, found, old) =>
    checkOf(node)(value, path, { found, budget: { left: patternBudget } }, old)

function checkOf(node: SchemaNode): Check {
  const before = known.get(node)
  if (before) return before
  const parts = lazily(() => partsOf(node))
  const check: Check = (value, path, pass, old) => {
    if (old && jsonEqual(old.value, value)) return
    for (const part of parts()) part(value, path, pass, old)
  }
  known.set(node, check)
  return check
}

/** In the order in which upstream finds what is wrong. */
function partsOf(node: SchemaNode): readonly Check[] {
  const parts = [typeCheck(node), junctorCheck(node), stringCheck(node), formatCheck(node), numberCheck(node), listCheck(node)]
  return [...parts, enumCheck(node), objectCheck(node)].filter((part) => part !== undefined)
}

const inBody = (path: string) => `${path} in body`

function typeCheck(node: SchemaNode): Check | undefined {
  const types = node['x-kubernetes-int-or-string'] === true ? ['integer', 'string'] : textIn(node.type) === '' ? [] : [textIn(node.type)]
  const isNullable = node.nullable === true
  if (types.length === 0) return undefined
  return (value, path, { found }) => {
    const type = typeOf(value)
    // A double cannot tell such a number from its neighbours: refused rather than kept as another.
    if (type === 'integer' && types.includes('integer') && !Number.isSafeInteger(value))
      found.push(invalid(path, value, `${inBody(path)} should be between ${Number.MIN_SAFE_INTEGER} and ${Number.MAX_SAFE_INTEGER}`))
    if (type === 'null' ? isNullable : types.includes(type) || (type === 'integer' && types.includes('number'))) return
    found.push(wrongType(path, types.join(','), type))
  }
}

const wrongType = (path: string, wanted: string, value: string): Problem => ({
  ...invalid(path, value, `${inBody(path)} must be of type ${wanted}: ${JSON.stringify(value)}`),
  type: 'FieldValueTypeInvalid',
})

/** As JSON Schema names it; a number without a fraction is an integer. */
function typeOf(value: unknown): string {
  if (value === null || value === undefined) return 'null'
  if (Array.isArray(value)) return 'array'
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number'
  return typeof value
}

/** `allOf`, `anyOf`, `oneOf` and `not`: upstream cannot say where these are broken but in words. */
function junctorCheck(node: SchemaNode): Check | undefined {
  const [anyOf, oneOf, allOf] = ['anyOf', 'oneOf', 'allOf'].map((key) => nodesIn(node[key]).map(checkOf)) as [Check[], Check[], Check[]]
  const negated = nodeIn(node.not)
  const not = negated && checkOf(negated)
  if (anyOf.length + oneOf.length + allOf.length === 0 && !not) return undefined
  const broken = (path: string, why: string) => invalid('<nil>', '', `${JSON.stringify(path)} ${why}`)
  return (value, path, pass) => {
    if (value === null || value === undefined) return
    const { found } = pass
    const results = (checks: readonly Check[]) => checks.map((check) => tried(check, value, path, pass))
    const isKept = (problems: readonly Problem[]) => problems.length === 0
    if (anyOf.length > 0) {
      const alternatives = results(anyOf)
      if (!alternatives.some(isKept)) found.push(broken(path, 'must validate at least one schema (anyOf)'), ...bestOf(alternatives))
    }
    if (oneOf.length > 0) {
      const alternatives = results(oneOf)
      const count = alternatives.filter(isKept).length
      const sentence = 'must validate one and only one schema (oneOf).'
      if (count === 0) found.push(broken(path, `${sentence} Found none valid`), ...bestOf(alternatives))
      else if (count > 1) found.push(broken(path, `${sentence} Found ${count} valid alternatives`))
    }
    if (allOf.length > 0) {
      const demands = results(allOf)
      const count = demands.filter(isKept).length
      found.push(...demands.flat())
      if (count < allOf.length) found.push(broken(path, `must validate all the schemas (allOf)${count === 0 ? '. None validated' : ''}`))
    }
    if (not && isKept(tried(not, value, path, pass))) found.push(broken(path, 'must not validate the schema (not)'))
  }
}

/** What is wrong by the alternative that comes closest. */
const bestOf = (alternatives: readonly Problem[][]): readonly Problem[] =>
  alternatives.reduce((best, problems) => (problems.length < best.length ? problems : best))

const numberIn = (value: unknown): number | undefined => (typeof value === 'number' ? value : undefined)

/** Characters, as Go counts runes. */
const lengthOf = (text: string): number => {
  let length = 0
  for (const _ of text) length++
  return length
}

function stringCheck(node: SchemaNode): Check | undefined {
  const [minLength, maxLength, pattern] = [numberIn(node.minLength), numberIn(node.maxLength), textIn(node.pattern)]
  if (minLength === undefined && maxLength === undefined && pattern === '') return undefined
  const expression = lazily(() => schemaPattern(pattern))
  return (value, path, { found, budget }) => {
    if (typeof value !== 'string') return
    const length = minLength === undefined && maxLength === undefined ? 0 : lengthOf(value)
    if (maxLength !== undefined && length > maxLength) found.push(tooLong(path, maxLength))
    if (minLength !== undefined && length < minLength)
      found.push(invalid(path, value, `${inBody(path)} should be at least ${minLength} chars long`))
    const matcher = pattern === '' ? '' : expression()
    // Definitions with a pattern that is none are not taken.
    if (typeof matcher === 'string') return
    budget.left -= value.length * matcher.programSize()
    if (budget.left < 0) found.push(invalid(path, '', 'matching the patterns of the schema would take too long'))
    else if (!matcher.test(value)) found.push(invalid(path, value, `${inBody(path)} should match '${pattern}'`))
  }
}

function formatCheck(node: SchemaNode): Check | undefined {
  const format = textIn(node.format)
  const keeps = formats.get(format)
  if (format === 'int32' || format === 'int64') return integerFormatCheck(format)
  if (!keeps) return undefined
  return (value, path, { found }) => {
    if (typeof value === 'string' && !keeps(value)) found.push(wrongType(path, format, value))
  }
}

function integerFormatCheck(format: 'int32' | 'int64'): Check {
  const [low, high] = format === 'int32' ? [-(2 ** 31), 2 ** 31 - 1] : [-(2 ** 63), 2 ** 63]
  return (value, path, { found }) => {
    if (typeof value !== 'number' || !Number.isInteger(value) || (value >= low && value <= high)) return
    found.push(invalid(path, value, `Checked value must be of type integer with format ${format} in ${path}`))
  }
}

function numberCheck(node: SchemaNode): Check | undefined {
  const [minimum, maximum, multipleOf] = [numberIn(node.minimum), numberIn(node.maximum), numberIn(node.multipleOf)]
  if (minimum === undefined && maximum === undefined && multipleOf === undefined) return undefined
  const [isAbove, isBelow] = [node.exclusiveMinimum === true, node.exclusiveMaximum === true]
  return (value, path, { found }) => {
    if (typeof value !== 'number') return
    // A bound of a whole number is one itself.
    const told = (bound: number) => (Number.isInteger(value) ? String(Math.trunc(bound)) : goFloat(bound))
    const wrong = (sentence: string) => found.push(invalid(path, value, `${inBody(path)} should be ${sentence}`))
    if (multipleOf !== undefined && multipleOf > 0 && !isMultiple(value, multipleOf)) wrong(`a multiple of ${told(multipleOf)}`)
    if (maximum !== undefined && (isBelow ? value >= maximum : value > maximum))
      wrong(`less than ${isBelow ? '' : 'or equal to '}${told(maximum)}`)
    if (minimum !== undefined && (isAbove ? value <= minimum : value < minimum))
      wrong(`greater than ${isAbove ? '' : 'or equal to '}${told(minimum)}`)
  }
}

/** Doubles that are meant as decimals (0.3 of 0.1) are multiples as far as doubles can tell. */
function isMultiple(value: number, factor: number): boolean {
  if (Number.isSafeInteger(value) && Number.isSafeInteger(factor)) return value % factor === 0
  const ratio = factor < 1 ? (1 / factor) * value : value / factor
  const whole = Math.round(ratio)
  return Number.isSafeInteger(whole) && (ratio === whole || Math.abs(ratio - whole) < 1e-9 * Math.abs(whole))
}

function listCheck(node: SchemaNode): Check | undefined {
  const [minItems, maxItems, item] = [numberIn(node.minItems), numberIn(node.maxItems), nodeIn(node.items)]
  const each = item && checkOf(item)
  const keys = node['x-kubernetes-list-type'] === 'map' ? textsIn(node['x-kubernetes-list-map-keys']) : []
  if (minItems === undefined && maxItems === undefined && !each) return undefined
  return (value, path, pass, old) => {
    if (!Array.isArray(value)) return
    const { found } = pass
    const before = old && keys.length > 0 ? itemsByKey(old.value, keys) : undefined
    if (each)
      value.forEach((element, index) => {
        const twin = before && isJsonObject(element) ? before.get(keyOf(element, keys)) : undefined
        each(element, `${path}[${index}]`, pass, twin)
      })
    const { length } = value
    if (minItems !== undefined && length < minItems)
      found.push(invalid(path, length, `${inBody(path)} should have at least ${minItems} items`))
    if (maxItems !== undefined && length > maxItems) found.push(tooMany(path, length, maxItems))
  }
}

const keyOf = (item: JsonObject, keys: readonly string[]) => JSON.stringify(keys.map((key) => item[key]))

function itemsByKey(value: unknown, keys: readonly string[]): ReadonlyMap<string, Before> {
  const items = Array.isArray(value) ? value.filter(isJsonObject) : []
  return new Map(items.map((item) => [keyOf(item, keys), { value: item }]))
}

function enumCheck({ enum: values }: SchemaNode): Check | undefined {
  if (!Array.isArray(values) || values.length === 0) return undefined
  const told = values.map((value) => (typeof value === 'string' ? value : JSON.stringify(value)))
  return (value, path, { found }) => {
    if (!values.some((allowed) => jsonEqual(allowed, value))) found.push(notSupported(path, value, told))
  }
}

function objectCheck(node: SchemaNode): Check | undefined {
  const properties = new Map(namedNodesIn(node.properties).map(([name, property]) => [name, checkOf(property)]))
  const others = nodeIn(node.additionalProperties)
  const other = others && checkOf(others)
  const needed = textsIn(node.required)
  const defaulted = new Set(namedNodesIn(node.properties).flatMap(([name, property]) => (property.default === undefined ? [] : [name])))
  const [minProperties, maxProperties] = [numberIn(node.minProperties), numberIn(node.maxProperties)]
  const isClosed = node.additionalProperties === false
  const isBounded = minProperties !== undefined || maxProperties !== undefined
  if (properties.size === 0 && !other && needed.length === 0 && !isClosed && !isBounded) return undefined
  return (value, path, pass, old) => {
    if (!isJsonObject(value)) return
    const { found } = pass
    const below = (name: string) => (path === '' ? name : `${path}.${name}`)
    const names = Object.keys(value)
    if (minProperties !== undefined && names.length < minProperties) {
      found.push(invalid(path, names.length, `${inBody(path)} should have at least ${minProperties} properties`))
      return
    }
    if (maxProperties !== undefined && names.length > maxProperties) {
      found.push(tooMany(path, names.length, maxProperties))
      return
    }
    const before = old && isJsonObject(old.value) ? old.value : undefined
    for (const name of names) {
      const check = properties.get(name) ?? other
      if (check) check(value[name], below(name), pass, before && Object.hasOwn(before, name) ? { value: before[name] } : undefined)
      else if (isClosed) found.push(invalid(below(name), '', `${path}.${name} in body is a forbidden property`))
    }
    for (const name of needed) if (!Object.hasOwn(value, name) && !defaulted.has(name)) found.push(required(below(name)))
  }
}
