import { namedNodesIn, nodeIn, nodesIn, type SchemaNode, textIn } from '../apiextensions/schema-node.ts'
import { isJsonObject } from '../merge-patch.ts'
import { type JsonObject, setField } from '../object.ts'
import type { Definitions, FactSchema } from '../schema-of.ts'

const conventions = 'https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md'
const meta = '#/definitions/io.k8s.apimachinery.pkg.apis.meta.v1'
const apiVersion = {
  type: 'string',
  description: `APIVersion defines the versioned schema of this representation of an object. Servers should convert recognized schemas to the latest internal value, and may reject unrecognized values. More info: ${conventions}#resources`,
}
const kindField = {
  type: 'string',
  description: `Kind is a string value representing the REST resource this object represents. Servers may infer this from the endpoint the client submits requests to. Cannot be updated. In CamelCase. More info: ${conventions}#types-kinds`,
}
const metadata = {
  $ref: `${meta}.ObjectMeta`,
  description: `Standard object's metadata. More info: ${conventions}#metadata`,
}

interface Named {
  readonly group: string
  readonly version: string
  readonly kind: string
  readonly listKind: string
}

/** What OpenAPI documents say of a custom resource: itself and its list, under names like `org.example.v1.Foo`. */
export function customDefinitions({ group, version, kind, listKind }: Named, root: SchemaNode, dialect: 'v2' | 'v3'): Definitions {
  const prefix = `${group.split('.').reverse().join('.')}.${version}`
  const name = `${prefix}.${kind}`
  const own = (dialect === 'v3' ? wholeNode(root, true) : plainNode(root, true)) as FactSchema
  return {
    [name]: { ...own, 'x-kubernetes-group-version-kind': [{ group, version, kind }] },
    [`${prefix}.${listKind}`]: {
      description: `${listKind} is a list of ${kind}`,
      type: 'object',
      required: ['items'],
      properties: {
        apiVersion,
        items: {
          description: `List of ${kind.toLowerCase()}s. More info: ${conventions}`,
          type: 'array',
          items: { $ref: `#/definitions/${name}` },
        },
        kind: kindField,
        metadata: { $ref: `${meta}.ListMeta`, description: `Standard list metadata. More info: ${conventions}#types-kinds` },
      },
      'x-kubernetes-group-version-kind': [{ group, version, kind: listKind }],
    } as FactSchema,
  }
}

/** The schema as it is, with what every object has. */
function wholeNode(node: SchemaNode, isObject: boolean): JsonObject {
  const result: JsonObject = { ...node }
  const properties = propertiesOf(node, isObject, wholeNode)
  if (properties) result.properties = properties
  const items = nodeIn(node.items)
  if (items) result.items = wholeNode(items, isEmbedded(items))
  const others = nodeIn(node.additionalProperties)
  if (others) result.additionalProperties = wholeNode(others, isEmbedded(others))
  else if (node.additionalProperties === true) result.additionalProperties = {}
  for (const key of ['allOf', 'anyOf', 'oneOf']) if (Array.isArray(node[key])) result[key] = nodesIn(node[key])
  return result
}

const isText = (value: unknown) => typeof value === 'string'
/** What is taken over, where it has the right type: below `items` nobody has seen to that. */
const plainKeys: Readonly<Record<string, (value: unknown) => boolean>> = {
  description: isText,
  format: isText,
  required: (value) => Array.isArray(value) && value.every(isText),
  enum: Array.isArray,
}

/**
 * What Swagger 2 and its readers cope with: values that may be null, and those of no single type, are of any type there;
 * conditions are left out.
 */
function plainNode(node: SchemaNode, isObject: boolean): JsonObject {
  const result: JsonObject = {}
  for (const [key, fits] of Object.entries(plainKeys)) if (fits(node[key])) result[key] = node[key]
  for (const key of Object.keys(node)) if (key.startsWith('x-kubernetes-')) result[key] = node[key]
  const isAny = node.nullable === true || node['x-kubernetes-int-or-string'] === true
  if (isAny) {
    delete result.enum
    return result
  }
  if (textIn(node.type) !== '') result.type = node.type
  if (node['x-kubernetes-preserve-unknown-fields'] === true && !isObject) return result
  const properties = propertiesOf(node, isObject, plainNode)
  if (properties) result.properties = properties
  const items = nodeIn(node.items)
  if (items) result.items = plainNode(items, isEmbedded(items))
  const others = nodeIn(node.additionalProperties)
  if (others) result.additionalProperties = plainNode(others, isEmbedded(others))
  else if (node.additionalProperties === true) result.additionalProperties = {}
  return result
}

const isEmbedded = (node: SchemaNode) => node['x-kubernetes-embedded-resource'] === true

function propertiesOf(
  node: SchemaNode,
  isObject: boolean,
  render: (node: SchemaNode, isObject: boolean) => JsonObject,
): JsonObject | undefined {
  if (!isObject && !isJsonObject(node.properties)) return undefined
  const properties: JsonObject = {}
  for (const [name, property] of namedNodesIn(node.properties)) setField(properties, name, render(property, isEmbedded(property)))
  return isObject ? { ...properties, apiVersion, kind: kindField, metadata } : properties
}
