import type { Found } from '../checks.ts'
import type { PatternRule } from '../custom-resources/schema-pattern.ts'
import { forbidden, invalid, notSupported, required } from '../problem.ts'
import { isGiven, namedNodesIn, nodeIn, nodesIn, type SchemaNode, textIn, textsIn } from './schema-node.ts'

const types = new Set(['string', 'number', 'integer', 'boolean', 'array', 'object'])
const reasons = new Set(['FieldValueRequired', 'FieldValueForbidden', 'FieldValueInvalid', 'FieldValueDuplicate'])
const metaFields = new Set(['metadata', 'kind', 'apiVersion'])

/** Keywords of JSON Schema that OpenAPI, or this API, does without. */
const unsupported = ['id', 'additionalItems', 'patternProperties', 'definitions', 'dependencies', '$ref']

/** Where a node stands. */
interface Place {
  readonly isRoot: boolean
  /** Below what every object has: apiVersion, kind, metadata. */
  readonly insideMeta: boolean
  /** Why there may be no default; undefined when there may. */
  readonly noDefault: string | undefined
  readonly patterns: PatternRule
}

/** `patterns` is shared by all schemas of a definition. */
export const atRoot = (patterns: PatternRule): Place => ({ isRoot: true, insideMeta: false, noDefault: undefined, patterns })

/** The keywords that schemas of custom resources may have, and how they go together. */
export function checkSchema(found: Found, field: string, node: SchemaNode, place: Place): void {
  checkKeywords(found, field, node, place)
  const properties = namedNodesIn(node.properties)
  const below: Place = { ...place, isRoot: false }
  const others = nodeIn(node.additionalProperties)
  if (properties.length > 0 && (others || node.additionalProperties === false))
    found.push(forbidden(`${field}.additionalProperties`, 'additionalProperties and properties are mutual exclusive'))
  if (others)
    checkSchema(found, `${field}.additionalProperties`, others, {
      ...below,
      noDefault: place.insideMeta ? 'inside additionalProperties applying to object metadata' : place.noDefault,
    })
  for (const [name, property] of properties) checkSchema(found, `${field}.properties[${name}]`, property, placeOf(name, node, place))
  const not = nodeIn(node.not)
  if (not) checkSchema(found, `${field}.not`, not, below)
  for (const key of ['allOf', 'oneOf', 'anyOf'])
    nodesIn(node[key]).forEach((nested, index) => {
      checkSchema(found, `${field}.${key}[${index}]`, nested, below)
    })
  const items = nodeIn(node.items)
  if (items) checkSchema(found, `${field}.items`, items, below)
  if (node['x-kubernetes-preserve-unknown-fields'] === false)
    found.push(invalid(`${field}.x-kubernetes-preserve-unknown-fields`, false, 'must be true or undefined'))
  checkMapType(found, field, node)
  checkListType(found, field, node)
  checkRules(found, `${field}.x-kubernetes-validations`, nodesIn(node['x-kubernetes-validations']))
}

function placeOf(name: string, node: SchemaNode, { isRoot, insideMeta, noDefault, patterns }: Place): Place {
  const isMeta = metaFields.has(name) && (isRoot || node['x-kubernetes-embedded-resource'] === true)
  return {
    isRoot: false,
    insideMeta: insideMeta || isMeta,
    noDefault: isRoot && isMeta ? `in top-level ${name}` : noDefault,
    patterns,
  }
}

function checkKeywords(found: Found, field: string, node: SchemaNode, { insideMeta, noDefault, patterns }: Place): void {
  const type = textIn(node.type)
  if (type !== '' && !types.has(type)) found.push(notSupported(`${field}.type`, type, types))
  if (isGiven(node.default) && noDefault !== undefined) found.push(forbidden(`${field}.default`, `must not be set ${noDefault}`))
  for (const key of unsupported)
    if (isGiven(node[key]) && node[key] !== '') found.push(forbidden(`${field}.${key}`, `${key} is not supported`))
  if (type === 'null') found.push(forbidden(`${field}.type`, 'type cannot be set to null, use nullable as an alternative'))
  if (Array.isArray(node.items)) found.push(forbidden(`${field}.items`, 'items must be a schema object and not an array'))
  const pattern = textIn(node.pattern)
  const problem = pattern === '' ? undefined : patterns(pattern)
  if (problem !== undefined) found.push(invalid(`${field}.pattern`, pattern, `must be a valid regular expression, but isn't: ${problem}`))
  if (insideMeta && node['x-kubernetes-embedded-resource'] === true)
    found.push(forbidden(`${field}.x-kubernetes-embedded-resource`, 'must not be used inside of resource meta'))
  if (node.uniqueItems === true)
    found.push(forbidden(`${field}.uniqueItems`, 'uniqueItems cannot be set to true since the runtime complexity becomes quadratic'))
}

function checkMapType(found: Found, field: string, node: SchemaNode): void {
  const mapType = node['x-kubernetes-map-type']
  if (!isGiven(mapType)) return
  checkTypeIs(found, field, node, 'object', 'x-kubernetes-map-type')
  if (mapType !== 'atomic' && mapType !== 'granular')
    found.push(notSupported(`${field}.x-kubernetes-map-type`, mapType, ['atomic', 'granular']))
}

function checkTypeIs(found: Found, field: string, node: SchemaNode, wanted: string, keyword: string): boolean {
  const type = textIn(node.type)
  if (type === wanted) return true
  const detail = `must be ${wanted} if ${keyword} is specified`
  found.push(type === '' ? required(`${field}.type`, detail) : invalid(`${field}.type`, type, detail))
  return false
}

function checkListType(found: Found, field: string, node: SchemaNode): void {
  const listType = node['x-kubernetes-list-type']
  const keys = textsIn(node['x-kubernetes-list-map-keys'])
  const at = `${field}.x-kubernetes-list-type`
  const items = nodeIn(node.items)
  if (isGiven(listType)) {
    const isList = checkTypeIs(found, field, node, 'array', 'x-kubernetes-list-type')
    if (isList && listType === 'set' && items) checkSetItem(found, `${field}.items`, items)
    if (listType !== 'atomic' && listType !== 'set' && listType !== 'map') found.push(notSupported(at, listType, ['atomic', 'set', 'map']))
  }
  if (keys.length > 0 && listType !== 'map') {
    const detail = 'must be map if x-kubernetes-list-map-keys is non-empty'
    found.push(isGiven(listType) ? invalid(at, listType, detail) : required(at, detail))
  }
  if (listType === 'map') checkKeyedList(found, field, node, keys)
  if (items?.nullable === true && (listType === 'map' || listType === 'set'))
    found.push(forbidden(`${field}.items.nullable`, `cannot be nullable when x-kubernetes-list-type is ${listType}`))
  if (items && listType === 'map') checkKeysAreThere(found, `${field}.items`, items, keys)
}

/** What is compared as a whole cannot be merged within. */
function checkSetItem(found: Found, field: string, item: SchemaNode): void {
  const detail = 'must be atomic as item of a list with x-kubernetes-list-type=set'
  const listType = item['x-kubernetes-list-type']
  const mapType = item['x-kubernetes-map-type']
  if (item.type === 'array' && isGiven(listType) && listType !== 'atomic')
    found.push(invalid(`${field}.x-kubernetes-list-type`, listType, detail))
  if (item.type === 'object' && mapType !== 'atomic') found.push(invalid(`${field}.x-kubernetes-map-type`, mapType, detail))
}

function checkKeyedList(found: Found, field: string, node: SchemaNode, keys: readonly string[]): void {
  if (keys.length === 0) found.push(required(`${field}.x-kubernetes-list-map-keys`, 'must not be empty if x-kubernetes-list-type is map'))
  const items = nodeIn(node.items)
  if (!isGiven(node.items)) found.push(required(`${field}.items`, 'must have a schema if x-kubernetes-list-type is map'))
  else if (!items) found.push(invalid(`${field}.items`, node.items, 'must only have a single schema if x-kubernetes-list-type is map'))
  if (!items) return
  if (items.type !== 'object') {
    found.push(invalid(`${field}.items.type`, textIn(items.type), "must be object if parent array's x-kubernetes-list-type is map"))
    return
  }
  const properties = new Map(namedNodesIn(items.properties))
  const seen = new Set<string>()
  for (const key of keys) {
    const property = properties.get(key)
    if (!property) found.push(invalid(`${field}.x-kubernetes-list-map-keys`, keys, 'entries must all be names of item properties'))
    else if (property.type === 'array' || property.type === 'object')
      found.push(
        invalid(
          `${field}.items.properties[${key}].type`,
          items.type,
          "must be a scalar type if parent array's x-kubernetes-list-type is map",
        ),
      )
    if (seen.has(key)) found.push(invalid(`${field}.x-kubernetes-list-map-keys`, keys, 'must not contain duplicate entries'))
    seen.add(key)
  }
}

/** An item without its key could not be found again. */
function checkKeysAreThere(found: Found, field: string, items: SchemaNode, keys: readonly string[]): void {
  const needed = new Set(textsIn(items.required))
  const properties = new Map(namedNodesIn(items.properties))
  for (const key of keys) {
    const property = properties.get(key)
    if (!property) continue
    const at = `${field}.properties[${key}]`
    if (!needed.has(key) && !isGiven(property.default))
      found.push(
        required(`${at}.default`, 'this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property'),
      )
    if (property.nullable === true)
      found.push(forbidden(`${at}.nullable`, 'this property is in x-kubernetes-list-map-keys, so it cannot be nullable'))
  }
}

const hasLineBreak = (text: string) => /[\n\r]/.test(text)

/** Rules in CEL, as far as can be said without compiling them. */
function checkRules(found: Found, field: string, rules: readonly SchemaNode[]): void {
  rules.forEach((rule, index) => {
    const at = `${field}[${index}]`
    const text = textIn(rule.rule).trim()
    const message = textIn(rule.message)
    if (text === '') found.push(required(`${at}.rule`, 'rule is not specified'))
    else if (message !== '' && message.trim() === '')
      found.push(invalid(`${at}.message`, message, 'message must be non-empty if specified'))
    else if (hasLineBreak(message.trim())) found.push(invalid(`${at}.message`, message, 'message must not contain line breaks'))
    else if (hasLineBreak(text) && message === '')
      found.push(required(`${at}.message`, 'message must be specified if rule contains line breaks'))
    const expression = textIn(rule.messageExpression)
    if (expression !== '' && expression.trim() === '')
      found.push(required(`${at}.messageExpression`, 'messageExpression must be non-empty if specified'))
    if (isGiven(rule.reason) && !reasons.has(textIn(rule.reason))) found.push(notSupported(`${at}.reason`, rule.reason, reasons))
    const path = textIn(rule.fieldPath)
    if (path !== '' && path.trim() === '') found.push(invalid(`${at}.fieldPath`, path, 'fieldPath must be non-empty if specified'))
    if (hasLineBreak(path)) found.push(invalid(`${at}.fieldPath`, path, 'fieldPath must not contain line breaks'))
  })
}
