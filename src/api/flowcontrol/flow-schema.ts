import { checkName, type Found } from '../checks.ts'
import { defineKind } from '../define-kind.ts'
import { jsonEqual } from '../json-equal.ts'
import { dnsSubdomainProblems } from '../names.ts'
import type { JsonObject } from '../object.ts'
import { invalid, notSupported, type Problem } from '../problem.ts'
import { ageColumn, column, nameColumn } from '../table-columns.ts'
import type { FlowSchema, FlowSchemaSpec } from '../types/flowcontrol-v1.ts'
import { checkConditionTypes } from './condition-rules.ts'
import { checkFlowRule } from './flow-rules.ts'
import { mandatoryFlowSchemas } from './mandatory-objects.ts'

const maxPrecedence = 10_000
const defaultPrecedence = 1000
const methods = new Set(['ByNamespace', 'ByUser'])

function checkPrecedence(found: Found, name: string, precedence: number): void {
  const field = 'spec.matchingPrecedence'
  if (precedence <= 0) found.push(invalid(field, precedence, 'must be a positive value'))
  if (precedence > maxPrecedence) found.push(invalid(field, precedence, `must not be greater than ${maxPrecedence}`))
  if (precedence === 1 && name !== 'exempt')
    found.push(invalid(field, precedence, "only the schema named 'exempt' may have matchingPrecedence 1"))
}

export const flowSchema = defineKind<FlowSchema>({
  group: 'flowcontrol.apiserver.k8s.io',
  kind: 'FlowSchema',
  versionRequired: true,
  generation: true,
  defaults(draft) {
    const spec = draft.spec as JsonObject & FlowSchemaSpec
    spec.matchingPrecedence ||= defaultPrecedence
  },
  validate({ metadata, spec, status }) {
    const found: Problem[] = []
    checkPrecedence(found, metadata.name, spec.matchingPrecedence ?? 0)
    const method = spec.distinguisherMethod
    if (method && !methods.has(method.type)) found.push(notSupported('spec.distinguisherMethod.type', method, methods))
    const level = spec.priorityLevelConfiguration?.name
    checkName(found, 'spec.priorityLevelConfiguration.name', level, dnsSubdomainProblems, 'must reference a priority level')
    spec.rules?.forEach((rule, index) => {
      checkFlowRule(found, `spec.rules[${index}]`, rule)
    })
    const fixed = mandatoryFlowSchemas.get(metadata.name)
    if (fixed && !jsonEqual(spec, fixed)) found.push(invalid('spec', spec, `spec of '${metadata.name}' must equal the fixed value`))
    checkConditionTypes(found, status?.conditions)
    return found
  },
  validateSubresource({ status }) {
    const found: Problem[] = []
    checkConditionTypes(found, status?.conditions)
    return found
  },
  // As they are tried.
  rowOrder: (one, other) =>
    (one.spec.matchingPrecedence ?? 0) - (other.spec.matchingPrecedence ?? 0) || (one.metadata.name < other.metadata.name ? -1 : 1),
  columns: [
    nameColumn,
    column('PriorityLevel', 'The level of its requests.', ({ spec }) => spec.priorityLevelConfiguration.name),
    column(
      'MatchingPrecedence',
      'Its place among all schemas; the lowest that matches counts.',
      ({ spec }) => spec.matchingPrecedence ?? 0,
    ),
    column('DistinguisherMethod', 'What makes a flow.', ({ spec }) => spec.distinguisherMethod?.type ?? '<none>'),
    ageColumn,
    column(
      'MissingPL',
      'Whether its level is missing.',
      ({ status }) => status?.conditions?.find(({ type }) => type === 'Dangling')?.status ?? '?',
    ),
  ],
})
