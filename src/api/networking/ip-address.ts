import { checkFormat, checkName } from '../checks.ts'
import { defineKind } from '../define-kind.ts'
import { jsonEqual } from '../json-equal.ts'
import { dnsSubdomainProblems, pathSegmentProblems } from '../names.ts'
import { invalid, type Problem, required } from '../problem.ts'
import { column, nameColumn } from '../table-columns.ts'
import type { IPAddress, ParentReference } from '../types/networking-v1.ts'

/** `services/default/kubernetes`, with the group after the resource. */
function parentText(parent: ParentReference | undefined): string {
  if (!parent) return '<none>'
  const { group, resource, namespace, name } = parent
  return [`${resource}${group ? `.${group}` : ''}`.toLowerCase(), ...(namespace ? [namespace] : []), name].join('/')
}

/** An address that a service has; the name is the address. */
export const ipAddress = defineKind<IPAddress>({
  group: 'networking.k8s.io',
  kind: 'IPAddress',
  shortNames: ['ip'],
  validate({ spec }) {
    const parent = spec.parentRef as ParentReference | undefined
    if (!parent) return [required('spec.parentRef')]
    const found: Problem[] = []
    if (parent.group) checkFormat(found, 'spec.parentRef.group', parent.group, dnsSubdomainProblems)
    checkName(found, 'spec.parentRef.resource', parent.resource, pathSegmentProblems)
    checkName(found, 'spec.parentRef.name', parent.name, pathSegmentProblems)
    if (parent.namespace) checkFormat(found, 'spec.parentRef.namespace', parent.namespace, pathSegmentProblems)
    return found
  },
  validateUpdate: ({ spec }, old) =>
    jsonEqual(spec.parentRef, old.spec.parentRef) ? [] : [invalid('spec.parentRef', spec.parentRef, 'field is immutable')],
  columns: [nameColumn, column('ParentRef', 'Whose address it is.', ({ spec }) => parentText(spec.parentRef))],
})
