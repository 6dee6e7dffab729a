import { formats } from '../custom-resources/formats.ts'
import type { CustomResourceDefinitionSpec } from '../types/apiextensions-v1.ts'
import { namedNodesIn, nodeIn, nodesIn, type SchemaNode, textIn } from './schema-node.ts'

/** Formats of numbers, and those that say how a text is shown. */
const others = new Set(['int32', 'int64', 'float', 'double', 'binary'])

/** Formats that ask for nothing here, in the order of their names: each once. */
export function unknownFormats({ versions = [] }: CustomResourceDefinitionSpec): readonly string[] {
  const found = new Set<string>()
  for (const { schema } of versions) {
    const root = nodeIn(schema?.openAPIV3Schema)
    if (root) collect(found, root)
  }
  return [...found].sort()
}

function collect(found: Set<string>, node: SchemaNode): void {
  const format = textIn(node.format)
  if (format !== '' && !formats.has(format) && !others.has(format)) found.add(format)
  for (const [, property] of namedNodesIn(node.properties)) collect(found, property)
  for (const key of ['items', 'additionalProperties', 'not']) {
    const inner = nodeIn(node[key])
    if (inner) collect(found, inner)
  }
  for (const key of ['allOf', 'anyOf', 'oneOf']) for (const inner of nodesIn(node[key])) collect(found, inner)
}
