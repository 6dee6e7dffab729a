import { defineKind } from '../define-kind.ts'
import { jsonEqual } from '../json-equal.ts'
import { invalid, type Problem } from '../problem.ts'
import { ageColumn, column, nameColumn } from '../table-columns.ts'
import type { ResourceClaim } from '../types/resource-v1.ts'
import { checkClaimStatus } from './claim-status.ts'
import { checkClaim, defaultClaim } from './device-claim.ts'

function stateText({ metadata, status }: ResourceClaim): string {
  const isDeleted = metadata.deletionTimestamp !== undefined
  const states = isDeleted ? ['deleted'] : []
  if (status?.allocation) states.push('allocated', ...(status.reservedFor?.length ? ['reserved'] : []))
  else if (!isDeleted) states.push('pending')
  return states.join(',')
}

export const resourceClaim = defineKind<ResourceClaim>({
  group: 'resource.k8s.io',
  versions: ['v1', 'v1beta2'],
  kind: 'ResourceClaim',
  defaults(draft) {
    defaultClaim((draft as unknown as ResourceClaim).spec.devices)
  },
  validateCreate({ spec }) {
    const found: Problem[] = []
    checkClaim(found, 'spec.devices', spec.devices)
    return found
  },
  validateUpdate: ({ spec }, old) => (jsonEqual(spec, old.spec) ? [] : [invalid('spec', spec, 'field is immutable')]),
  validateSubresource: checkClaimStatus,
  columns: [nameColumn, column('State', 'Whether it has devices, and whether they are used.', stateText), ageColumn],
})
