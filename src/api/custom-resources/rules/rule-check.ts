import { assert } from '../../../base/assert.ts'
import { lazily } from '../../../base/lazily.ts'
import { nextTurn } from '../../../base/turns.ts'
import { namedNodesIn, nodeIn, nodesIn, type SchemaNode } from '../../apiextensions/schema-node.ts'
import { type CelProgram, costPerExpression, type Evaluation } from '../../cel/compile-cel.ts'
import { costExceeded } from '../../cel/meter.ts'
import type { Bindings } from '../../cel/plan.ts'
import { CelOptional, none } from '../../cel/values.ts'
import { jsonEqual } from '../../json-equal.ts'
import { isJsonObject } from '../../merge-patch.ts'
import type { JsonObject } from '../../object.ts'
import { duplicate, forbidden, invalid, type Problem, required } from '../../problem.ts'
import type { CompileRules } from '../custom-kind.ts'
import { type Structural, structuralOf } from '../structural.ts'
import { type CompiledRule, compileRule } from './compile-rule.ts'
import { type Declared, declare } from './declared-type.ts'
import { fieldName } from './field-names.ts'
import { resolveFieldPath } from './field-path.ts'

/** What all rules of one object may cost. */
const costPerObject = 10_000_000
const maxMessageBytes = 5 << 10

/** Rules of one node of a schema, and of what is below it. */
interface RuleNode {
  readonly structural: Structural
  readonly rules: readonly (() => CompiledRule)[]
  readonly adapt: Declared['adapt']
  /** Under `allOf`: of the same value. */
  readonly also: readonly RuleNode[]
  readonly item: RuleNode | undefined
  readonly fields: ReadonlyMap<string, RuleNode>
  readonly additional: RuleNode | undefined
}

/** Rules of a schema; they are compiled when an object first meets them. */
export const compileRules: CompileRules = (root) => {
  if (!hasRules(root)) return undefined
  const tree = lazily(() => {
    const structural = structuralOf(root)
    return nodeOf(root, structural, declare(structural, 'self', true))
  })
  return (object, old) => {
    const check: Check = { found: [], remaining: costPerObject, sinceTurn: 0 }
    const node = tree()
    if (!node) return check.found
    const place = { value: object, old, path: '', twin: old && { old, value: object } }
    const pending = proceed(visit(check, node, place), undefined)
    return pending ? pending.then(() => check.found) : check.found
  }
}

/** Stops where something takes longer, and goes on with what came out. */
type Pausing<Result> = Generator<Promise<Evaluation | undefined>, Result, Evaluation | undefined>

/** Without a promise where nothing took longer. */
function proceed(walk: Pausing<void>, given: Evaluation | undefined): Promise<void> | undefined {
  const next = walk.next(given)
  return next.done ? undefined : next.value.then((result) => proceed(walk, result))
}

/** After so much of rules that are quick by themselves, others have their turn. */
const costPerTurn = 20_000

function* evaluated(check: Check, program: CelProgram, bindings: Bindings): Pausing<Evaluation> {
  const pending = program.evaluateInTurns(bindings, costPerExpression)
  const result = pending instanceof Promise ? yield pending : pending
  assert(result, 'a walk goes on with what it waited for')
  check.sinceTurn += result.cost
  if (check.sinceTurn > costPerTurn) {
    check.sinceTurn = 0
    yield nextTurn().then(() => undefined)
  }
  return result
}

/** Keywords with schemas below them. */
function* below(node: SchemaNode): Generator<SchemaNode> {
  for (const [, property] of namedNodesIn(node.properties)) yield property
  for (const key of ['items', 'additionalProperties']) {
    const part = nodeIn(node[key])
    if (part) yield part
  }
  yield* nodesIn(node.allOf)
}

function hasRules(node: SchemaNode): boolean {
  if (nodesIn(node['x-kubernetes-validations']).length > 0) return true
  for (const part of below(node)) if (hasRules(part)) return true
  return false
}

/** `node` says which rules there are, the structure what the value is: under `allOf` these are not the same. */
function nodeOf(node: SchemaNode, structural: Structural, declared: Declared | undefined): RuleNode | undefined {
  if (!declared || !hasRules(node)) return undefined
  const item = nodeIn(node.items)
  const structure = structural.items()
  const others = nodeIn(node.additionalProperties)
  const additional = structural.additional()
  const fields = new Map<string, RuleNode>()
  for (const [name, property] of namedNodesIn(node.properties)) {
    const part = structural.properties().get(name)
    if (!part) continue
    const field = fieldName(name)
    // What no expression can name still has rules of its own.
    const known = field === undefined ? declare(part, name, part.isEmbedded) : declared.fields?.get(field)
    const made = nodeOf(property, part, known)
    if (made) fields.set(name, made)
  }
  return {
    structural,
    adapt: declared.adapt,
    rules: nodesIn(node['x-kubernetes-validations']).map((rule) => lazily(() => compileRule(rule, declared))),
    also: nodesIn(node.allOf).flatMap((part) => nodeOf(part, structural, declared) ?? []),
    item: item && structure && nodeOf(item, structure, declared.element),
    fields,
    additional: others && typeof additional === 'object' ? nodeOf(others, additional, declared.element) : undefined,
  }
}

interface Check {
  readonly found: Problem[]
  /** Below zero: nothing more is checked. */
  remaining: number
  /** What was spent since others had their turn. */
  sinceTurn: number
}

interface Place {
  readonly value: unknown
  /** What rules compare with: undefined where nobody can say what was there before. */
  readonly old: unknown
  /** '' at the root. */
  readonly path: string
  /** The nearest part around this that was there before: where it has not changed, what was wrong may stay so. */
  readonly twin: { readonly value: unknown; readonly old: unknown } | undefined
}

function* visit(check: Check, node: RuleNode, place: Place): Pausing<void> {
  const { value, old, path } = place
  if (value === null || value === undefined) return
  yield* runRules(check, node, place)
  for (const also of node.also) if (check.remaining >= 0) yield* visit(check, also, { ...place, twin: undefined })
  if (Array.isArray(value)) yield* visitItems(check, node, place, value)
  else if (isJsonObject(value)) {
    const before = isJsonObject(old) ? old : undefined
    for (const name of Object.keys(value)) {
      const below = node.additional ?? node.fields.get(name)
      if (!below || check.remaining < 0) continue
      const at = node.additional ? `${path}[${name}]` : path === '' ? name : `${path}.${name}`
      yield* visit(
        check,
        below,
        stepInto(place, at, value[name], before && Object.hasOwn(before, name) ? { old: before[name] } : undefined),
      )
    }
  }
}

function* visitItems(check: Check, node: RuleNode, place: Place, items: readonly unknown[]): Pausing<void> {
  if (!node.item) return
  const { listType, listKeys } = node.structural
  const before = listType === 'map' && Array.isArray(place.old) ? place.old.filter(isJsonObject) : []
  const keyOf = (item: JsonObject) => JSON.stringify(listKeys.map((key) => item[key] ?? null))
  const known = new Map(before.map((item) => [keyOf(item), item]))
  for (const [index, item] of items.entries()) {
    if (check.remaining < 0) return
    const twin = listType === 'map' && isJsonObject(item) ? known.get(keyOf(item)) : undefined
    yield* visit(check, node.item, stepInto(place, `${place.path}[${index}]`, item, twin && { old: twin }))
  }
}

const stepInto = (place: Place, path: string, value: unknown, before: { readonly old: unknown } | undefined): Place => ({
  path,
  value,
  old: before?.old,
  twin: before ? { value, old: before.old } : place.twin,
})

function* runRules(check: Check, node: RuleNode, { value, old, path, twin }: Place): Pausing<void> {
  if (node.rules.length === 0) return
  const type = node.structural.type
  const at = path === '' ? '<nil>' : path
  const stop = (message: string) => {
    check.found.push(invalid(at, type, message))
    check.remaining = -1
  }
  if (check.remaining <= 0) {
    stop(outOfBudget)
    return
  }
  const self = node.adapt(value)
  const oldSelf = old === undefined || old === null ? undefined : node.adapt(old)
  const isUnchanged = lazily(() => twin !== undefined && jsonEqual(twin.old, twin.value))
  for (const make of node.rules) {
    const rule = make()
    if (rule.problem !== undefined) {
      check.found.push(invalid(at, type, `rule compile error: ${rule.problem}`))
      continue
    }
    if (!rule.program || (rule.usesOldSelf && oldSelf === undefined && !rule.isOldSelfOptional)) continue
    const bindings: Bindings = {
      get: (name) =>
        name === 'self' ? self : rule.isOldSelfOptional ? (oldSelf === undefined ? none : new CelOptional(oldSelf)) : oldSelf,
    }
    const result = yield* evaluated(check, rule.program, bindings)
    if (result.cost > check.remaining) {
      stop(outOfBudget)
      return
    }
    check.remaining -= result.cost
    const named = rule.plainMessage === '' ? rule.rule : rule.plainMessage
    if (result.type === 'exceeded') {
      stop(`'${costExceeded}': no further validation rules will be run due to call cost exceeds limit for rule: ${named}`)
      return
    }
    if (result.type === 'error') {
      check.found.push(
        invalid(
          at,
          type,
          result.message.startsWith('no such overload')
            ? `'${result.message}': call arguments did not match a supported operator, function or macro signature for rule: ${named}`
            : `${result.message} evaluating rule: ${named}`,
        ),
      )
      continue
    }
    if (result.value === true || (!rule.usesOldSelf && isUnchanged())) continue
    const message = rule.message && (yield* messageOf(check, rule.message, bindings))
    const target = fieldAt(path, rule.fieldPath, node.structural)
    check.found.push(problemOf(target, type, message ?? defaultMessage(rule), rule.reason))
    if (check.remaining < 0) return
  }
}

const outOfBudget = 'validation failed due to running out of cost budget, no further validation rules will be run'

const defaultMessage = ({ plainMessage, rule }: CompiledRule) => (plainMessage === '' ? `failed rule: ${rule}` : plainMessage)

/** What a messageExpression gives; undefined when it cannot be shown. */
function* messageOf(check: Check, program: CelProgram, bindings: Bindings): Pausing<string | undefined> {
  const result = yield* evaluated(check, program, bindings)
  if (result.cost > check.remaining) {
    check.remaining = -1
    return 'messageExpression evaluation failed due to running out of cost budget, no further validation rules will be run'
  }
  check.remaining -= result.cost
  if (result.type === 'exceeded') {
    check.remaining = -1
    return `no further validation rules will be run due to call cost exceeds limit for messageExpression: ${JSON.stringify(program.source)}`
  }
  if (result.type === 'error' || typeof result.value !== 'string') return undefined
  const message = result.value.trim()
  return message === '' || message.includes('\n') || Buffer.byteLength(message) > maxMessageBytes ? undefined : message
}

function fieldAt(path: string, fieldPath: string, structural: Structural): string {
  const resolved = fieldPath === '' ? undefined : resolveFieldPath(fieldPath, structural)
  if (!resolved || 'problem' in resolved) return path === '' ? '<nil>' : path
  return path === '' ? resolved.path : `${path}.${resolved.path}`
}

function problemOf(field: string, type: string, message: string, reason: string): Problem {
  switch (reason) {
    case 'FieldValueForbidden':
      return forbidden(field, message)
    case 'FieldValueRequired':
      return required(field, message)
    case 'FieldValueDuplicate':
      return duplicate(field, type)
    default:
      return invalid(field, type, message)
  }
}
