import { checkAmount, checkAtMostAll } from '../apps/rolling-amounts.ts'
import { checkLabelSelector, checkNotNegative, checkOneOf } from '../checks.ts'
import { defineKind } from '../define-kind.ts'
import { invalid, type Problem } from '../problem.ts'
import { ageColumn, column, integerColumn, nameColumn } from '../table-columns.ts'
import type { PodDisruptionBudget } from '../types/policy-v1.ts'

const evictionPolicies = new Set(['AlwaysAllow', 'IfHealthyBudget'])
const counts = ['disruptionsAllowed', 'currentHealthy', 'desiredHealthy', 'expectedPods'] as const

const amountText = (amount: number | string | undefined) => (amount === undefined ? 'N/A' : String(amount))

export const podDisruptionBudget = defineKind<PodDisruptionBudget>({
  group: 'policy',
  kind: 'PodDisruptionBudget',
  versionRequired: true,
  shortNames: ['pdb'],
  generation: true,
  validate({ spec }) {
    const found: Problem[] = []
    if (spec.minAvailable !== undefined && spec.maxUnavailable !== undefined)
      found.push(invalid('spec', spec, 'minAvailable and maxUnavailable cannot be both set'))
    for (const field of ['minAvailable', 'maxUnavailable'] as const) {
      checkAmount(found, `spec.${field}`, spec[field])
      checkAtMostAll(found, `spec.${field}`, spec[field])
    }
    checkLabelSelector(found, 'spec.selector', spec.selector)
    checkOneOf(found, 'spec.unhealthyPodEvictionPolicy', spec.unhealthyPodEvictionPolicy, evictionPolicies)
    return found
  },
  validateSubresource({ status }) {
    const found: Problem[] = []
    for (const field of counts) checkNotNegative(found, `status.${field}`, status?.[field])
    return found
  },
  columns: [
    nameColumn,
    column('Min Available', 'How many pods must stay.', ({ spec }) => amountText(spec.minAvailable)),
    column('Max Unavailable', 'How many pods may be gone.', ({ spec }) => amountText(spec.maxUnavailable)),
    integerColumn('Allowed Disruptions', 'How many pods may be evicted now.', ({ status }) => status?.disruptionsAllowed ?? 0),
    ageColumn,
  ],
})
