import { checkFormat, checkOneOf, checkPositive, type Found } from '../checks.ts'
import { defineKind } from '../define-kind.ts'
import { qualifiedNameProblems } from '../names.ts'
import { forbidden, invalid, type Problem } from '../problem.ts'
import { ageColumn, column, nameColumn } from '../table-columns.ts'
import type { Lease } from '../types/coordination-v1.ts'

const strategies = new Set(['OldestEmulationVersion'])

/** How candidates are chosen between: in a way that is known, or one with a domain of its own. The path has the field twice, as upstream's. */
function checkStrategy(found: Found, strategy: string): void {
  const field = 'spec.strategy.strategy'
  if (strategy.includes('/')) checkFormat(found, field, strategy, qualifiedNameProblems)
  else checkOneOf(found, field, strategy, strategies)
}

export const lease = defineKind<Lease>({
  group: 'coordination.k8s.io',
  kind: 'Lease',
  createsOnUpdate: true,
  versionRequired: true,
  validate({ spec }) {
    const found: Problem[] = []
    checkPositive(found, 'spec.leaseDurationSeconds', spec.leaseDurationSeconds)
    if (spec.leaseTransitions !== undefined && spec.leaseTransitions < 0)
      found.push(invalid('spec.leaseTransitions', spec.leaseTransitions, 'must be greater than or equal to 0'))
    if (spec.strategy !== undefined) checkStrategy(found, spec.strategy)
    if (spec.preferredHolder && !spec.strategy)
      found.push(forbidden('spec.preferredHolder', 'may only be specified if `strategy` is defined'))
    return found
  },
  columns: [nameColumn, column('Holder', 'Who holds it.', ({ spec }) => spec.holderIdentity ?? ''), ageColumn],
})
