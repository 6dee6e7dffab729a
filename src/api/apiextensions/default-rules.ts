import type { Found } from '../checks.ts'
import { checkEmbedded } from '../custom-resources/embedded-rules.ts'
import { checkLists } from '../custom-resources/list-rules.ts'
import { prunedValue } from '../custom-resources/pruning.ts'
import { schemaCheck } from '../custom-resources/schema-validation.ts'
import { type Structural, structuralOf } from '../custom-resources/structural.ts'
import { jsonEqual } from '../json-equal.ts'
import { invalid, type Problem } from '../problem.ts'
import type { SchemaNode } from './schema-node.ts'

/** What is filled in must keep the schema that it stands in. For schemas that are structural. */
export function checkDefaults(found: Found, field: string, root: SchemaNode): void {
  visit(found, field, structuralOf(root))
}

function visit(found: Found, field: string, schema: Structural): void {
  if (schema.default !== undefined) checkDefault(found, `${field}.default`, schema)
  for (const [name, property] of schema.properties()) visit(found, `${field}.properties[${name}]`, property)
  const additional = schema.additional()
  if (typeof additional === 'object') visit(found, `${field}.additionalProperties`, additional)
  const items = schema.items()
  if (items) visit(found, `${field}.items`, items)
}

function checkDefault(found: Found, field: string, schema: Structural): void {
  if (!jsonEqual(prunedValue(schema, schema.default), schema.default)) {
    found.push(invalid(field, schema.default, 'must not have unknown fields'))
    return
  }
  const problems: Problem[] = []
  checkEmbedded(problems, schema, schema.default)
  if (problems.length === 0) schemaCheck(schema.node)(schema.default, '', problems)
  if (problems.length === 0) checkLists(problems, schema, schema.default)
  for (const problem of problems) found.push({ ...problem, field: below(field, problem.field) })
}

/** Where a problem of the value stands in the definition. */
const below = (field: string, path: string) =>
  path === '' || path === '<nil>' ? field : path.startsWith('[') ? field + path : `${field}.${path}`
