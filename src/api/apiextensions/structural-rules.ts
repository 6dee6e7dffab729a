import { jsonEqual } from '../json-equal.ts'
import { forbidden, invalid, type Problem, required } from '../problem.ts'
import { isGiven, namedNodesIn, nodeIn, nodesIn, type SchemaNode, textIn } from './schema-node.ts'

/** Where a node of a schema stands. */
type Level = 'root' | 'item' | 'field'

const missingType: Record<Level, string> = {
  root: 'must not be empty at the root',
  item: 'must not be empty for specified array items',
  field: 'must not be empty for specified object fields',
}

const integerOrString = [{ type: 'integer' }, { type: 'string' }]

/** What is said of a value's structure, and how it may stand under `allOf`, `anyOf`, `oneOf` or `not`. */
const structure: readonly (readonly [key: string, may: 'be empty' | 'be undefined' | 'be false'])[] = [
  ['type', 'be empty'],
  ['additionalProperties', 'be undefined'],
  ['default', 'be undefined'],
  ['title', 'be empty'],
  ['description', 'be empty'],
  ['nullable', 'be false'],
  ['x-kubernetes-preserve-unknown-fields', 'be false'],
  ['x-kubernetes-embedded-resource', 'be false'],
  ['x-kubernetes-int-or-string', 'be false'],
  ['x-kubernetes-list-map-keys', 'be empty'],
  ['x-kubernetes-list-type', 'be undefined'],
  ['x-kubernetes-map-type', 'be undefined'],
  ['x-kubernetes-validations', 'be empty'],
]

/** What a node says of structure. */
const structureOf = (node: SchemaNode) => structure.filter(([key, may]) => isSaid(node[key], may))

function isSaid(value: unknown, may: (typeof structure)[number][1]): boolean {
  switch (may) {
    case 'be undefined':
      return isGiven(value)
    case 'be false':
      return value === true
    case 'be empty':
      return Array.isArray(value) ? value.length > 0 : textIn(value) !== ''
  }
}

/**
 * Why a schema is not structural: a structural one says of every value, outside of `allOf` and the like, what it is, so that
 * unknown fields can be dropped and defaults be filled in. In the order of the sentences.
 */
export function structuralProblems(field: string, root: SchemaNode): Problem[] {
  const found: Problem[] = []
  checkNode(found, field, root, 'root')
  checkComplete(found, root, root, field, field)
  return found.sort((one, other) => (sentence(one) < sentence(other) ? -1 : sentence(one) > sentence(other) ? 1 : 0))
}

const sentence = ({ field, message }: Problem) => `${field}: ${message}`

function checkNode(found: Problem[], field: string, node: SchemaNode, level: Level): void {
  const items = nodeIn(node.items)
  if (node.type === 'array' && !isGiven(node.items)) found.push(required(`${field}.items`, 'must be specified'))
  if (items) checkNode(found, `${field}.items`, items, 'item')
  for (const [name, property] of namedNodesIn(node.properties)) checkNode(found, `${field}.properties[${name}]`, property, 'field')
  if (isGiven(node.additionalProperties)) {
    if (level === 'root') found.push(forbidden(`${field}.additionalProperties`, 'must not be used at the root'))
    const others = nodeIn(node.additionalProperties)
    if (others) checkNode(found, `${field}.additionalProperties`, others, 'field')
  }
  if (node['x-kubernetes-int-or-string'] === true)
    for (const key of ['x-kubernetes-preserve-unknown-fields', 'x-kubernetes-embedded-resource'])
      if (node[key] === true) found.push(invalid(`${field}.${key}`, true, 'must be false if x-kubernetes-int-or-string is true'))
  checkJunctors(found, field, node, {
    skipAnyOf: jsonEqual(node.anyOf, integerOrString),
    skipFirstOfAllOf: jsonEqual(nodesIn(node.allOf)[0]?.anyOf, integerOrString),
  })
  checkType(found, field, node, level)
  if (level === 'root' || node['x-kubernetes-embedded-resource'] === true) checkMeta(found, field, node, level)
}

function checkType(found: Problem[], field: string, node: SchemaNode, level: Level): void {
  const type = textIn(node.type)
  const isEmbedded = node['x-kubernetes-embedded-resource'] === true
  const keepsAll = node['x-kubernetes-preserve-unknown-fields'] === true
  if (isEmbedded && type !== 'object') {
    const detail = 'must be object if x-kubernetes-embedded-resource is true'
    found.push(type === '' ? required(`${field}.type`, detail) : invalid(`${field}.type`, type, detail))
  } else if (type === '' && node['x-kubernetes-int-or-string'] !== true && !keepsAll)
    found.push(required(`${field}.type`, missingType[level]))
  if (isEmbedded && isGiven(node.additionalProperties))
    found.push(forbidden(`${field}.additionalProperties`, 'must not be used if x-kubernetes-embedded-resource is set'))
  if (level === 'root' && type !== '' && type !== 'object') found.push(invalid(`${field}.type`, type, 'must be object at the root'))
  if (isEmbedded && !keepsAll && namedNodesIn(node.properties).length === 0)
    found.push(
      required(
        `${field}.properties`,
        'must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields',
      ),
    )
}

/** What every object has is not the schema's to describe. */
function checkMeta(found: Problem[], field: string, node: SchemaNode, level: Level): void {
  const properties = new Map(namedNodesIn(node.properties))
  for (const [name, type] of [
    ['kind', 'string'],
    ['apiVersion', 'string'],
    ['metadata', 'object'],
  ] as const) {
    const property = properties.get(name)
    if (property && property.type !== type)
      found.push(invalid(`${field}.properties[${name}].type`, textIn(property.type), `must be ${type}`))
  }
  const metadata = properties.get('metadata')
  if (level !== 'root' || !metadata) return
  const saysMore = structureOf(metadata).some(([key]) => key !== 'type' && key !== 'default')
  if (saysMore || isGiven(metadata.items) || namedNodesIn(metadata.properties).some(([name]) => name !== 'name' && name !== 'generateName'))
    found.push(
      forbidden(
        `${field}.properties[metadata]`,
        'must not specify anything other than name and generateName, but metadata is implicitly specified',
      ),
    )
}

interface Exceptions {
  /** `anyOf` may say that an integer or a string is wanted. */
  readonly skipAnyOf: boolean
  readonly skipFirstOfAllOf: boolean
}

const noExceptions: Exceptions = { skipAnyOf: false, skipFirstOfAllOf: false }

function checkJunctors(found: Problem[], field: string, node: SchemaNode, { skipAnyOf, skipFirstOfAllOf }: Exceptions): void {
  if (!skipAnyOf)
    nodesIn(node.anyOf).forEach((nested, index) => {
      checkNested(found, `${field}.anyOf[${index}]`, nested)
    })
  nodesIn(node.allOf).forEach((nested, index) => {
    checkNested(found, `${field}.allOf[${index}]`, nested, { ...noExceptions, skipAnyOf: skipFirstOfAllOf && index === 0 })
  })
  nodesIn(node.oneOf).forEach((nested, index) => {
    checkNested(found, `${field}.oneOf[${index}]`, nested)
  })
  const not = nodeIn(node.not)
  if (not) checkNested(found, `${field}.not`, not)
}

function checkNested(found: Problem[], field: string, node: SchemaNode, exceptions = noExceptions): void {
  checkJunctors(found, field, node, exceptions)
  const items = nodeIn(node.items)
  if (items) checkNested(found, `${field}.items`, items)
  for (const [name, property] of namedNodesIn(node.properties)) {
    checkNested(found, `${field}.properties[${name}]`, property)
    if (name === 'metadata') found.push(forbidden(`${field}.properties[metadata]`, 'must not be specified in a nested context'))
  }
  for (const [key, may] of structureOf(node)) found.push(forbidden(`${field}.${key}`, `must ${may} to be structural`))
}

/** What is said under `allOf` and the like must be about a value that is described outside of it, too. */
function checkComplete(found: Problem[], said: SchemaNode, described: SchemaNode, at: string, saidAt: string): void {
  const not = nodeIn(said.not)
  if (not) checkDescribed(found, not, described, at, `${saidAt}.not`)
  for (const key of ['allOf', 'anyOf', 'oneOf'])
    nodesIn(said[key]).forEach((nested, index) => {
      checkDescribed(found, nested, described, at, `${saidAt}.${key}[${index}]`)
    })
}

function checkDescribed(found: Problem[], said: SchemaNode, described: SchemaNode | undefined, at: string, saidAt: string): void {
  if (!described) {
    found.push(required(at, `because it is defined in ${saidAt}`))
    return
  }
  checkComplete(found, said, described, at, saidAt)
  const items = nodeIn(said.items)
  if (items) checkDescribed(found, items, nodeIn(described.items), `${at}.items`, `${saidAt}.items`)
  const known = new Map(namedNodesIn(described.properties))
  for (const [name, property] of namedNodesIn(said.properties))
    checkDescribed(found, property, known.get(name), `${at}.properties[${name}]`, `${saidAt}.properties[${name}]`)
}
