import type { Found } from '../checks.ts'
import type { PatternRule } from '../custom-resources/schema-pattern.ts'
import { duplicate, forbidden, invalid, required, tooMany } from '../problem.ts'
import type {
  CustomResourceColumnDefinition,
  CustomResourceDefinitionVersion,
  CustomResourceSubresources,
  CustomResourceValidation,
  SelectableField,
} from '../types/apiextensions-v1.ts'
import { checkDefaults } from './default-rules.ts'
import { checkRuleExpressions } from './rule-costs.ts'
import { namedNodesIn, nodeIn, type SchemaNode } from './schema-node.ts'
import { atRoot, checkSchema } from './schema-rules.ts'
import { structuralProblems } from './structural-rules.ts'

const columnTypes = ['boolean', 'date', 'integer', 'number', 'string']
const columnFormats = ['byte', 'date', 'date-time', 'double', 'float', 'int32', 'int64', 'password']
const maxSelectableFields = 8

/** Keywords at the root that hold for the object without its status, too, as upstream lists them. */
const rootKeywords: readonly (readonly [key: string, listed: string])[] = [
  ['description', 'Description'],
  ['type', 'Type'],
  ['format', 'Format'],
  ['title', 'Title'],
  ['maximum', 'Maximum'],
  ['exclusiveMaximum', 'ExclusiveMaximum'],
  ['minimum', 'Minimum'],
  ['exclusiveMinimum', 'ExclusiveMinimum'],
  ['maxLength', 'MaxLength'],
  ['minLength', 'MinLength'],
  ['pattern', 'Pattern'],
  ['maxItems', 'MaxItems'],
  ['minItems', 'MinItems'],
  ['uniqueItems', 'UniqueItems'],
  ['multipleOf', 'MultipleOf'],
  ['required', 'Required'],
  ['items', 'Items'],
  ['properties', 'Properties'],
  ['externalDocs', 'ExternalDocs'],
  ['example', 'Example'],
  ['x-kubernetes-preserve-unknown-fields', 'XPreserveUnknownFields'],
  ['x-kubernetes-validations', 'XValidations'],
]

export function checkVersionSchema(
  found: Found,
  field: string,
  schema: CustomResourceValidation | undefined,
  { hasStatus, patterns }: { readonly hasStatus: boolean; readonly patterns: PatternRule },
): void {
  const root = nodeIn(schema?.openAPIV3Schema)
  if (!root) return
  const at = `${field}.openAPIV3Schema`
  if (hasStatus) checkRootKeywords(found, at, root)
  const before = found.length
  if (root.nullable === true) found.push(forbidden(`${at}.nullable`, 'nullable cannot be true at the root'))
  found.push(...structuralProblems(at, root))
  checkSchema(found, at, root, atRoot(patterns))
  if (found.length === before) checkDefaults(found, at, root)
  if (found.length === before) checkRuleExpressions(found, at, root)
}

/** The status has a schema of its own then: what is below `properties.status`. */
function checkRootKeywords(found: Found, field: string, root: SchemaNode): void {
  for (const key of Object.keys(root)) {
    if (key === 'type' && root.type !== 'object') {
      const detail = 'only "object" is allowed as the type at the root of the schema if the status subresource is enabled'
      found.push(invalid(`${field}.type`, root.type, detail))
      return
    }
    const isZero = root[key] === false || root[key] === ''
    if (!isZero && !rootKeywords.some(([allowed]) => allowed === key)) {
      const listed = rootKeywords.map(([, name]) => name).join(' ')
      found.push(invalid(field, root, `only [${listed}] fields are allowed at the root of the schema if the status subresource is enabled`))
      return
    }
  }
}

export function checkSubresources(found: Found, field: string, subresources: CustomResourceSubresources | undefined): void {
  const { scale } = subresources ?? {}
  if (!scale) return
  checkReplicasPath(found, `${field}.scale.specReplicasPath`, scale.specReplicasPath, '.spec')
  checkReplicasPath(found, `${field}.scale.statusReplicasPath`, scale.statusReplicasPath, '.status')
  const selector = scale.labelSelectorPath
  if (!selector) return
  const at = `${field}.scale.labelSelectorPath`
  if (!checkPath(found, at, selector)) return
  if (!selector.startsWith('.spec.') && !selector.startsWith('.status.'))
    found.push(invalid(at, selector, 'should be a json path under either .spec or .status'))
}

function checkReplicasPath(found: Found, field: string, path: string | undefined, under: string): void {
  if (!path) found.push(required(field))
  else if (checkPath(found, field, path) && !path.startsWith(`${under}.`))
    found.push(invalid(field, path, `should be a json path under ${under}`))
}

function checkPath(found: Found, field: string, path: string): boolean {
  if (path.startsWith('.')) return true
  found.push(invalid(field, path, 'must be a simple json path starting with .'))
  return false
}

export function checkColumns(found: Found, field: string, columns: readonly CustomResourceColumnDefinition[] | undefined): void {
  columns?.forEach(({ name, type, format, jsonPath }, index) => {
    const at = `${field}[${index}]`
    if (!name) found.push(required(`${at}.name`))
    const wanted = `must be one of ${columnTypes.join(',')}`
    if (!type) found.push(required(`${at}.type`, wanted))
    else if (!columnTypes.includes(type)) found.push(invalid(`${at}.type`, type, wanted))
    if (format && !columnFormats.includes(format)) found.push(invalid(`${at}.format`, format, `must be one of ${columnFormats.join(',')}`))
    if (!jsonPath) found.push(required(`${at}.JSONPath`))
    else checkPath(found, `${at}.JSONPath`, jsonPath)
  })
}

export function checkSelectableFields(found: Found, field: string, { selectableFields, schema }: CustomResourceDefinitionVersion): void {
  if (!selectableFields?.length) return
  const root = nodeIn(schema?.openAPIV3Schema)
  if (!root) return
  const seen = new Set<string>()
  selectableFields.forEach(({ jsonPath }: SelectableField, index) => {
    const at = `${field}[${index}].jsonPath`
    if (!jsonPath) {
      found.push(required(at))
      return
    }
    const target = fieldAt(root, jsonPath)
    if (typeof target === 'string') {
      found.push(invalid(at, jsonPath, `is an invalid path: ${target}`))
      return
    }
    if (/^\.metadata(?:\.|$)/.test(jsonPath)) found.push(invalid(at, jsonPath, 'must not point to fields in metadata'))
    if (target.type !== 'string' && target.type !== 'boolean' && target.type !== 'integer')
      found.push(
        invalid(
          at,
          jsonPath,
          'must point to a field of type string, boolean or integer. Enum string fields and strings with formats are allowed.',
        ),
      )
    if (seen.has(jsonPath)) found.push(duplicate(at, jsonPath))
    seen.add(jsonPath)
  })
  if (seen.size > maxSelectableFields) found.push(tooMany(field, seen.size, maxSelectableFields))
}

/** The schema of a field that a path such as `.spec.colour` leads to; or why it leads nowhere. */
function fieldAt(root: SchemaNode, path: string): SchemaNode | string {
  const [head, ...names] = path.split('.')
  if (head !== '') return `expected [ or . but got: ${head}`
  let node = root
  for (const name of names) {
    if (name === '') return 'unexpected end of JSON path'
    const next = new Map(namedNodesIn(node.properties)).get(name) ?? nodeIn(node.additionalProperties)
    if (!next) return 'does not refer to a valid field'
    node = next
  }
  return node
}
