import { isTrue } from '../conditions.ts'
import { defineKind } from '../define-kind.ts'
import type { JsonObject } from '../object.ts'
import { invalid, type Problem, required } from '../problem.ts'
import type { CustomResourceDefinition, CustomResourceDefinitionSpec } from '../types/apiextensions-v1.ts'
import { approvalField, approvalOf, approvalProblem, belongsToKubernetes } from './api-approval.ts'
import { cleanupFinalizer, instancesPending, withCondition } from './definition-conditions.ts'
import { checkNames } from './definition-names.ts'
import { checkSpec } from './definition-rules.ts'
import { unknownFormats } from './unknown-formats.ts'

const field = `metadata.annotations[${approvalField}]`

/** What has not changed is left alone. */
function approvalProblems(definition: CustomResourceDefinition, old?: CustomResourceDefinition): Problem[] {
  if (!belongsToKubernetes(definition.spec.group ?? '')) return []
  const now = approvalOf(definition)
  if (old && approvalOf(old) === now) return []
  switch (now) {
    case 'missing':
      return [required(field, approvalProblem.missing)]
    case 'invalid':
      return [invalid(field, definition.metadata.annotations?.[approvalField], approvalProblem.invalid)]
    case 'approved':
    case 'bypassed':
      return []
  }
}

/** Objects may have been written in any of these: a version that has been stored once stays until nothing is stored in it. */
function storedVersionProblems({ spec, status }: CustomResourceDefinition): Problem[] {
  const field = 'status.storedVersions'
  const stored = status?.storedVersions ?? []
  if (stored.length === 0) return [invalid(field, stored, 'must have at least one stored version')]
  const found: Problem[] = []
  for (const { name, storage } of spec.versions ?? [])
    if (storage && !stored.includes(name)) found.push(invalid(field, stored, `must have the storage version ${name}`))
  const known = new Set(spec.versions?.map(({ name }) => name))
  stored.forEach((name, index) => {
    if (!known.has(name))
      found.push(
        invalid(
          `${field}[${index}]`,
          name,
          `missing from spec.versions; ${name} was previously a storage version, and must remain in spec.versions until a storage migration ensures no data remains persisted in ${name} and removes ${name} from status.storedVersions`,
        ),
      )
  })
  return found
}

const storageVersion = (draft: JsonObject): string | undefined =>
  (draft.spec as Partial<CustomResourceDefinitionSpec> | undefined)?.versions?.find(({ storage }) => storage)?.name

export const customResourceDefinition = defineKind<CustomResourceDefinition>({
  group: 'apiextensions.k8s.io',
  kind: 'CustomResourceDefinition',
  versionRequired: true,
  shortNames: ['crd', 'crds'],
  categories: ['api-extensions'],
  generation: true,
  defaults(draft) {
    const spec = (draft.spec ?? {}) as JsonObject & Partial<CustomResourceDefinitionSpec>
    const { names } = spec
    if (names?.kind) {
      names.singular ||= names.kind.toLowerCase()
      names.listKind ||= `${names.kind}List`
    }
    spec.conversion ??= { strategy: 'None' }
    const service = spec.conversion.webhook?.clientConfig?.service
    if (service) service.port ??= 443
  },
  markDeletion(draft, time) {
    const { metadata, status } = draft as unknown as CustomResourceDefinition
    metadata.finalizers = [...new Set([...(metadata.finalizers ?? []), cleanupFinalizer])]
    const conditions = withCondition(status?.conditions ?? [], instancesPending, time)
    draft.status = { ...status, conditions }
  },
  prepareForCreate(draft) {
    const name = storageVersion(draft)
    draft.status = { acceptedNames: { plural: '', kind: '' }, storedVersions: name === undefined ? [] : [name] }
  },
  prepareForUpdate(draft, { status }, subresource) {
    if (subresource !== '') return
    const name = storageVersion(draft)
    const stored = status?.storedVersions ?? []
    if (name !== undefined && !stored.includes(name)) draft.status = { ...status, storedVersions: [...stored, name] }
  },
  validate(definition) {
    const { metadata, spec, status } = definition
    const found: Problem[] = []
    if (metadata.name !== `${spec.names?.plural ?? ''}.${spec.group ?? ''}`)
      found.push(invalid('metadata.name', metadata.name, 'must be spec.names.plural+"."+spec.group'))
    checkSpec(found, spec)
    checkNames(found, 'status.acceptedNames', status?.acceptedNames ?? {})
    found.push(...storedVersionProblems(definition))
    return found
  },
  validateCreate: (definition) => [...approvalProblems(definition), ...keepingAllProblems(definition)],
  validateUpdate(definition, old) {
    const found: Problem[] = []
    const [now, before] = [definition.spec, old.spec]
    const unchanged = (field: string, value: unknown, was: unknown) => {
      if (value !== was) found.push(invalid(field, value, 'field is immutable'))
    }
    // What is stored depends on them.
    if (isTrue(old.status, 'Established')) {
      unchanged('spec.scope', now.scope, before.scope)
      unchanged('spec.names.kind', now.names.kind, before.names.kind)
    }
    unchanged('spec.group', now.group, before.group)
    unchanged('spec.names.plural', now.names.plural, before.names.plural)
    return [...found, ...approvalProblems(definition, old), ...(before.preserveUnknownFields ? [] : keepingAllProblems(definition))]
  },
  warnings: ({ spec }) => unknownFormats(spec).map((format) => `unrecognized format ${JSON.stringify(format)}`),
  validateSubresource({ status }) {
    const found: Problem[] = []
    checkNames(found, 'status.acceptedNames', status?.acceptedNames ?? {})
    return found
  },
})

const keepingAllProblems = ({ spec }: CustomResourceDefinition): Problem[] =>
  spec.preserveUnknownFields
    ? [
        invalid(
          'spec.preserveUnknownFields',
          true,
          'cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead',
        ),
      ]
    : []
