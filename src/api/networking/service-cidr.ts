import { checkFormat } from '../checks.ts'
import { defineKind } from '../define-kind.ts'
import { canonicalRangeProblems, parseIpRange } from '../ip-range.ts'
import { jsonEqual } from '../json-equal.ts'
import { invalid, type Problem, required } from '../problem.ts'
import { ageColumn, column, nameColumn } from '../table-columns.ts'
import type { ServiceCIDR } from '../types/networking-v1.ts'

/** A range, or one of each family, that addresses of services are taken from. */
export const serviceCidr = defineKind<ServiceCIDR>({
  group: 'networking.k8s.io',
  kind: 'ServiceCIDR',
  validate({ spec }) {
    const ranges = spec.cidrs ?? []
    if (ranges.length === 0) return [required('spec.cidrs', 'at least one CIDR required')]
    if (ranges.length > 2) return [invalid('spec.cidrs', spec, 'may only hold up to 2 values')]
    const families = ranges.map((range) => parseIpRange(range)?.family)
    if (families.length === 2 && (families.includes(undefined) || families[0] === families[1]))
      return [invalid('spec.cidrs', spec, 'may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64')]
    const found: Problem[] = []
    ranges.forEach((range, index) => {
      checkFormat(found, `spec.cidrs[${index}]`, range, canonicalRangeProblems)
    })
    return found
  },
  validateUpdate: ({ spec }, old) =>
    jsonEqual(spec.cidrs, old.spec.cidrs) ? [] : [invalid('spec.cidrs', spec.cidrs ?? null, 'field is immutable')],
  columns: [nameColumn, column('CIDRs', 'Its ranges.', ({ spec }) => (spec.cidrs ?? []).join(',')), ageColumn],
})
