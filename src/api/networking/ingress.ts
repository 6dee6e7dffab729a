import { defineKind } from '../define-kind.ts'
import { invalid, type Problem } from '../problem.ts'
import { ageColumn, column, nameColumn } from '../table-columns.ts'
import type { Ingress, IngressRule } from '../types/networking-v1.ts'
import { checkAddresses, checkIngress } from './ingress-rules.ts'

const classAnnotation = 'kubernetes.io/ingress.class'
const shownHosts = 3

/** The first hosts, and how many rules are beyond them; all hosts without any. */
function hostsText(rules: readonly IngressRule[] = []): string {
  const hosts: string[] = []
  let hasMore = false
  for (const { host } of rules) {
    if (hosts.length === shownHosts) hasMore = true
    else if (host) hosts.push(host)
  }
  const text = hosts.join(',') || '*'
  return hasMore ? `${text} + ${rules.length - shownHosts} more...` : text
}

const addressText = ({ status }: Ingress) =>
  [...new Set((status?.loadBalancer?.ingress ?? []).flatMap(({ ip, hostname }) => ip || hostname || []))].sort().join(',')

export const ingress = defineKind<Ingress>({
  group: 'networking.k8s.io',
  kind: 'Ingress',
  shortNames: ['ing'],
  generation: true,
  validate({ spec }) {
    const found: Problem[] = []
    checkIngress(found, spec)
    return found
  },
  validateCreate({ metadata, spec }) {
    const annotation = metadata.annotations?.[classAnnotation]
    if (annotation === undefined || spec.ingressClassName === undefined || annotation === spec.ingressClassName) return []
    return [invalid(`annotations.${classAnnotation}`, annotation, 'must match `ingressClassName` when both are specified')]
  },
  validateSubresource({ status }) {
    const found: Problem[] = []
    checkAddresses(found, status?.loadBalancer?.ingress)
    return found
  },
  warnings: ({ metadata }, old) =>
    old === undefined && metadata.annotations?.[classAnnotation] !== undefined
      ? [`annotation "${classAnnotation}" is deprecated, please use 'spec.ingressClassName' instead`]
      : [],
  columns: [
    nameColumn,
    column('Class', 'The class of whoever serves it.', ({ spec }) => spec.ingressClassName ?? '<none>'),
    column('Hosts', 'Hosts that its rules speak of.', ({ spec }) => hostsText(spec.rules)),
    column('Address', 'Where it is served.', addressText),
    column('Ports', 'Ports that it is served on.', ({ spec }) => (spec.tls?.length ? '80, 443' : '80')),
    ageColumn,
  ],
})
