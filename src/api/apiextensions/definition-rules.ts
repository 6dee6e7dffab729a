import { checkFormat, checkOneOf, type Found } from '../checks.ts'
import { type PatternRule, patternRule } from '../custom-resources/schema-pattern.ts'
import { jsonEqual } from '../json-equal.ts'
import { dnsSubdomainProblems } from '../names.ts'
import { forbidden, invalid, required } from '../problem.ts'
import type { CustomResourceConversion, CustomResourceDefinitionSpec, CustomResourceDefinitionVersion } from '../types/apiextensions-v1.ts'
import { checkReviewVersions, checkWebhookClient } from '../webhook-client.ts'
import { checkNames, labelProblem } from './definition-names.ts'
import { checkColumns, checkSelectableFields, checkSubresources, checkVersionSchema } from './version-rules.ts'

const scopes = ['Cluster', 'Namespaced']
const strategies = ['None', 'Webhook']

export function checkSpec(found: Found, spec: CustomResourceDefinitionSpec): void {
  const { versions = [], names } = spec
  checkGroup(found, spec.group)
  if (spec.scope) checkOneOf(found, 'spec.scope', spec.scope, scopes)
  else found.push(required('spec.scope'))
  versions.forEach((version, index) => {
    if (!version.schema?.openAPIV3Schema) found.push(required(`spec.versions[${index}].schema.openAPIV3Schema`, 'schemas are required'))
  })
  const shared = sharedParts(versions)
  const patterns = patternRule()
  versions.forEach((version, index) => {
    checkVersion(found, index, version, { shared, patterns })
  })
  if (new Set(versions.map(({ name }) => name)).size < versions.length)
    found.push(invalid('spec.versions', versions, 'must contain unique version names'))
  if (versions.filter(({ storage }) => storage).length !== 1)
    found.push(invalid('spec.versions', versions, 'must have exactly one version marked as storage version'))
  for (const key of ['plural', 'singular', 'kind', 'listKind'] as const) if (!names?.[key]) found.push(required(`spec.names.${key}`))
  checkNames(found, 'spec.names', names ?? {})
  const [first] = versions
  if (first) {
    if (shared.has('schema')) checkVersionSchema(found, 'spec.validation', first.schema, { hasStatus: versions.some(hasStatus), patterns })
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

const hasStatus = ({ subresources }: CustomResourceDefinitionVersion) => subresources?.status !== undefined

function checkVersion(
  found: Found,
  index: number,
  version: CustomResourceDefinitionVersion,
  { shared, patterns }: { readonly shared: ReadonlySet<Part>; readonly patterns: PatternRule },
): void {
  const at = `spec.versions[${index}]`
  checkFormat(found, `${at}.name`, version.name ?? '', labelProblem)
  checkDeprecation(found, `${at}.deprecationWarning`, version)
  if (!shared.has('schema')) checkVersionSchema(found, `${at}.schema`, version.schema, { hasStatus: hasStatus(version), patterns })
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
