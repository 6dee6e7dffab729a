import type { Found } from '../checks.ts'
import { compileRule, maxCostOf } from '../custom-resources/rules/compile-rule.ts'
import { type Declared, declare, maxRequestBytes } from '../custom-resources/rules/declared-type.ts'
import { fieldName } from '../custom-resources/rules/field-names.ts'
import { resolveFieldPath } from '../custom-resources/rules/field-path.ts'
import { type Structural, structuralOf } from '../custom-resources/structural.ts'
import { forbidden, invalid, type Problem } from '../problem.ts'
import { namedNodesIn, nodeIn, nodesIn, type SchemaNode, textIn } from './schema-node.ts'

/** What one expression, and all of a schema, may cost at most. */
const maxExpressionCost = 10_000_000
const maxSchemaCost = 100_000_000
/** How many of the dearest are named, of those that are worth it. */
const maxNamed = 4

/** Where rules stand. */
interface Place {
  readonly field: string
  readonly declared: Declared | undefined
  readonly structural: Structural
  /** How often there can be such a value in one object; undefined: as often as a request has room for it. */
  readonly count: number | undefined
  /** The list whose items cannot be told to be the same as before. */
  readonly uncorrelated: string | undefined
}

interface Costs {
  total: number
  readonly dearest: { readonly field: string; readonly cost: number }[]
}

/** Rules have to compile, and to cost little enough however big an object becomes. For schemas that are right otherwise. */
export function checkRuleExpressions(found: Found, field: string, root: SchemaNode): void {
  const structural = structuralOf(root)
  const costs: Costs = { total: 0, dearest: [] }
  const place = { field, structural, declared: declare(structural, 'self', true), count: 1, uncorrelated: undefined }
  visit(found, costs, root, place)
  if (costs.total <= maxSchemaCost) return
  for (const { field: at } of costs.dearest)
    found.push(forbidden(at, 'contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema'))
  found.push(
    forbidden(field, tooDear('x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema', costs.total, maxSchemaCost)),
  )
}

function visit(found: Found, costs: Costs, node: SchemaNode, place: Place): void {
  const { field, structural, declared } = place
  const additional = structural.additional()
  const others = nodeIn(node.additionalProperties)
  if (others && typeof additional === 'object')
    visit(found, costs, others, {
      ...place,
      field: `${field}.additionalProperties`,
      structural: additional,
      declared: declared?.element,
      count: times(place.count, structural.node.maxProperties),
    })
  for (const [name, property] of namedNodesIn(node.properties)) {
    const part = structural.properties().get(name)
    if (!part) continue
    const known = fieldName(name)
    visit(found, costs, property, {
      ...place,
      field: `${field}.properties[${name}]`,
      structural: part,
      declared: known === undefined ? declare(part, name, part.isEmbedded) : declared?.fields?.get(known),
    })
  }
  nodesIn(node.allOf).forEach((part, index) => {
    visit(found, costs, part, { ...place, field: `${field}.allOf[${index}]` })
  })
  const item = nodeIn(node.items)
  const structure = structural.items()
  if (item && structure)
    visit(found, costs, item, {
      field: `${field}.items`,
      structural: structure,
      declared: declared?.element,
      count: times(place.count, structural.node.maxItems),
      uncorrelated: place.uncorrelated ?? (structural.listType === 'map' ? undefined : field),
    })
  nodesIn(node['x-kubernetes-validations']).forEach((rule, index) => {
    checkRule(found, costs, rule, { ...place, field: `${field}.x-kubernetes-validations[${index}]` })
  })
}

const times = (count: number | undefined, most: unknown): number | undefined =>
  count === undefined || typeof most !== 'number' ? undefined : count * Math.max(most, 0)

function checkRule(found: Found, costs: Costs, node: SchemaNode, place: Place): void {
  const { field, declared, structural, uncorrelated } = place
  if (!declared) {
    const keeps = structural.keepsUnknown
    const why = `rule declared on schema that does not support validation rules type: '${structural.type}' x-kubernetes-preserve-unknown-fields: '${keeps}'`
    found.push({ type: 'InternalError', field: field.replace(/\[\d+\]$/, ''), message: `Internal error: ${why}` })
    return
  }
  const rule = compileRule(node, declared)
  const how = place.count ?? Math.floor(maxRequestBytes / (declared.minBytes + 1))
  const limit = (at: string, what: string, cost: number, most: number) => {
    if (cost > most) found.push(forbidden(at, tooDear(what, cost, most)))
    observe(costs, at, cost)
  }
  const wrong = (at: string, detail: string): Problem => ({
    ...invalid(at, '', detail),
    message: `Invalid value: ${goRule(node)}: ${detail}`,
  })
  if (rule.program) {
    const cost = maxCostOf(rule.program, declared)
    limit(`${field}.rule`, 'estimated rule cost', how === 0 ? 0 : cost * how, maxExpressionCost)
  }
  if (rule.problem !== undefined) found.push(wrong(`${field}.rule`, rule.problem))
  if (rule.messageProblem !== undefined) found.push(wrong(`${field}.messageExpression`, rule.messageProblem))
  if (rule.message)
    limit(`${field}.messageExpression`, 'estimated messageExpression cost', maxCostOf(rule.message, declared), maxExpressionCost)
  if (rule.usesOldSelf) {
    if (uncorrelated !== undefined)
      found.push(
        invalid(
          `${field}.rule`,
          textIn(node.rule),
          `oldSelf cannot be used on the uncorrelatable portion of the schema within ${uncorrelated}`,
        ),
      )
  } else if (rule.program && typeof node.optionalOldSelf === 'boolean')
    found.push(invalid(`${field}.optionalOldSelf`, node.optionalOldSelf, 'may not be set if oldSelf is not used in rule'))
  if (rule.fieldPath !== '' && !/[\n\r]/.test(rule.fieldPath)) {
    const resolved = resolveFieldPath(rule.fieldPath, structural)
    if ('problem' in resolved)
      found.push(invalid(`${field}.fieldPath`, rule.fieldPath, `fieldPath must be a valid path: ${resolved.problem}`))
  }
}

function observe(costs: Costs, field: string, cost: number): void {
  const { dearest } = costs
  costs.total += cost
  if (cost < maxSchemaCost / 100) return
  const at = dearest.findIndex((known) => known.cost < cost)
  if (at >= 0) dearest.splice(at, 0, { field, cost })
  else dearest.push({ field, cost })
  dearest.length = Math.min(dearest.length, maxNamed)
}

function tooDear(what: string, cost: number, most: number): string {
  const factor = cost / most
  const shown = factor > 100 ? 'more than 100x' : factor < 1.5 ? `${factor.toFixed(6)}x` : `${factor.toFixed(1)}x`
  return `${what} exceeds budget by factor of ${shown} (try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are declared)`
}

/** A rule as Go prints the struct that it is. */
function goRule(node: SchemaNode): string {
  const text = (key: string) => JSON.stringify(textIn(node[key]))
  const pointer = (type: string, isSet: boolean) => (isSet ? `(*${type})(0xc000000000)` : `(*${type})(nil)`)
  const reason = pointer('apiextensions.FieldValueErrorReason', typeof node.reason === 'string')
  const optional = pointer('bool', typeof node.optionalOldSelf === 'boolean')
  return `apiextensions.ValidationRule{Rule:${text('rule')}, Message:${text('message')}, MessageExpression:${text('messageExpression')}, Reason:${reason}, FieldPath:${text('fieldPath')}, OptionalOldSelf:${optional}}`
}
