import { defineKind } from '../define-kind.ts'
import { jsonEqual } from '../json-equal.ts'
import { invalid, type Problem } from '../problem.ts'
import { ageColumn, nameColumn } from '../table-columns.ts'
import { checkTemplateMetadata } from '../template-metadata.ts'
import type { ResourceClaimTemplate } from '../types/resource-v1.ts'
import { checkClaim, defaultClaim } from './device-claim.ts'

export const resourceClaimTemplate = defineKind<ResourceClaimTemplate>({
  group: 'resource.k8s.io',
  versions: ['v1', 'v1beta2'],
  kind: 'ResourceClaimTemplate',
  defaults(draft) {
    defaultClaim((draft as unknown as ResourceClaimTemplate).spec.spec?.devices)
  },
  validateCreate({ spec }) {
    const found: Problem[] = []
    checkTemplateMetadata(found, 'spec.metadata', spec.metadata)
    checkClaim(found, 'spec.spec.devices', spec.spec?.devices)
    return found
  },
  validateUpdate: ({ spec }, old) => (jsonEqual(spec, old.spec) ? [] : [invalid('spec', spec, 'field is immutable')]),
  columns: [nameColumn, ageColumn],
})
