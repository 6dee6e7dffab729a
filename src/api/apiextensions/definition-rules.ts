import { checkFormat, checkOneOf, type Found } from '../checks.ts'
import { jsonEqual } from '../json-equal.ts'
import { dnsSubdomainProblems } from '../names.ts'
import { duplicate, forbidden, invalid, required, tooMany } from '../problem.ts'
import type {
  CustomResourceColumnDefinition,
  CustomResourceConversion,
  CustomResourceDefinitionSpec,
  CustomResourceDefinitionVersion,
  CustomResourceSubresources,
  SelectableField,
} from '../types/apiextensions-v1.ts'
import { checkReviewVersions, checkWebhookClient } from '../webhook-client.ts'
import { checkNames, labelProblem } from './definition-names.ts'
import { namedNodesIn, nodeIn, type SchemaNode } from './schema-node.ts'
import { checkSchema } from './schema-rules.ts'
import { structuralProblems } from './structural-rules.ts'

const scopes = ['Cluster', 'Namespaced']
const strategies = ['None', 'Webhook']
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

export function checkSpec(found: Found, spec: CustomResourceDefinitionSpec): void {
  const { versions = [], names } = spec
  checkGroup(found, spec.group)
  if (spec.scope) checkOneOf(found, 'spec.scope', spec.scope, scopes)
  else found.push(required('spec.scope'))
  versions.forEach((version, index) => {
    if (!version.schema?.openAPIV3Schema) found.push(required(`spec.versions[${index}].schema.openAPIV3Schema`, 'schemas are required'))
  })
  const shared = sharedParts(versions)
  versions.forEach((version, index) => {
    checkVersion(found, index, version, shared)
  })
  if (new Set(versions.map(({ name }) => name)).size < versions.length)
    found.push(invalid('spec.versions', versions, 'must contain unique version names'))
  if (versions.filter(({ storage }) => storage).length !== 1)
    found.push(invalid('spec.versions', versions, 'must have exactly one version marked as storage version'))
  for (const key of ['plural', 'singular', 'kind', 'listKind'] as const) if (!names?.[key]) found.push(required(`spec.names.${key}`))
  checkNames(found, 'spec.names', names ?? {})
  const [first] = versions
  if (first) {
    if (shared.has('schema')) checkVersionSchema(found, 'spec.validation', first)
    if (shared.has('subresources')) checkSubresources(found, 'spec.subresources', first.subresources)
    if (shared.has('additionalPrinterColumns')) checkColumns(found, 'spec.additionalPrinterColumns', first.additionalPrinterColumns)
    if (shared.has('selectableFields')) checkSelectableFields(found, 'spec.selectableFields', first)
  }
  if (spec.preserveUnknownFields && spec.conversion?.strategy !== 'None')
    found.push(invalid('spec.conversion.strategy', spec.conversion?.strategy, 'must be None if spec.preserveUnknownFields is true'))
  checkConversion(found, spec.conversion)
}

function checkGroup(found: Found, group: string): void {
  if (!group) {
    found.push(required('spec.group'))
    return
  }
  const problems = dnsSubdomainProblems(group)
  if (problems.length > 0) found.push(invalid('spec.group', group, problems.join(',')))
  else if (!group.includes('.')) found.push(invalid('spec.group', group, 'should be a domain with at least one dot'))
}

type Part = 'schema' | 'subresources' | 'additionalPrinterColumns' | 'selectableFields'
const parts: readonly Part[] = ['schema', 'subresources', 'additionalPrinterColumns', 'selectableFields']

/** What all versions have alike is told once, at the place where it stood before there were versions. */
function sharedParts(versions: readonly CustomResourceDefinitionVersion[]): ReadonlySet<Part> {
  const [first, ...others] = versions
  return new Set(first ? parts.filter((part) => others.every((version) => jsonEqual(version[part], first[part]))) : [])
}

function checkVersion(found: Found, index: number, version: CustomResourceDefinitionVersion, shared: ReadonlySet<Part>): void {
  const at = `spec.versions[${index}]`
  checkFormat(found, `${at}.name`, version.name ?? '', labelProblem)
  checkDeprecation(found, `${at}.deprecationWarning`, version)
  if (!shared.has('schema')) checkVersionSchema(found, `${at}.schema`, version)
  if (!shared.has('subresources')) checkSubresources(found, `${at}.subresources`, version.subresources)
  if (!shared.has('additionalPrinterColumns')) checkColumns(found, `${at}.additionalPrinterColumns`, version.additionalPrinterColumns)
  if (!shared.has('selectableFields')) checkSelectableFields(found, `${at}.selectableFields`, version)
}

function checkDeprecation(found: Found, field: string, { deprecated, deprecationWarning }: CustomResourceDefinitionVersion): void {
  if (deprecationWarning === undefined) return
  if (!deprecated) {
    found.push(invalid(field, deprecationWarning, 'can only be set for deprecated versions'))
    return
  }
  if (Buffer.byteLength(deprecationWarning) > 256) found.push(invalid(field, deprecationWarning, 'must be <= 256 characters long'))
  if (deprecationWarning === '') found.push(invalid(field, deprecationWarning, 'must not be an empty string'))
  const strange = /[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/u.exec(deprecationWarning)
  if (strange)
    found.push(
      invalid(
        field,
        deprecationWarning,
        `must only contain printable UTF-8 characters; non-printable character found at index ${Buffer.byteLength(deprecationWarning.slice(0, strange.index))}`,
      ),
    )
}

function checkVersionSchema(found: Found, field: string, { schema, subresources }: CustomResourceDefinitionVersion): void {
  const root = nodeIn(schema?.openAPIV3Schema)
  if (!root) return
  const at = `${field}.openAPIV3Schema`
  if (subresources?.status) checkRootKeywords(found, at, root)
  if (root.nullable === true) found.push(forbidden(`${at}.nullable`, 'nullable cannot be true at the root'))
  found.push(...structuralProblems(at, root))
  checkSchema(found, at, root)
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

function checkSubresources(found: Found, field: string, subresources: CustomResourceSubresources | undefined): void {
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

function checkColumns(found: Found, field: string, columns: readonly CustomResourceColumnDefinition[] | undefined): void {
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

function checkSelectableFields(found: Found, field: string, { selectableFields, schema }: CustomResourceDefinitionVersion): void {
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

function checkConversion(found: Found, conversion: CustomResourceConversion | undefined): void {
  if (!conversion) return
  const { strategy, webhook } = conversion
  if (strategy) checkOneOf(found, 'spec.conversion.strategy', strategy, strategies)
  else found.push(required('spec.conversion.strategy'))
  const at = 'spec.conversion.webhookClientConfig'
  const versions = 'spec.conversion.conversionReviewVersions'
  if (strategy === 'Webhook') {
    if (webhook?.clientConfig) checkWebhookClient(found, at, webhook.clientConfig)
    else found.push(required(at, 'required when strategy is set to Webhook'))
    checkReviewVersions(found, versions, webhook?.conversionReviewVersions ?? [])
    return
  }
  const detail = 'should not be set when strategy is not set to Webhook'
  if (webhook?.clientConfig) found.push(forbidden(at, detail))
  if (webhook?.conversionReviewVersions?.length) found.push(forbidden(versions, detail))
}
