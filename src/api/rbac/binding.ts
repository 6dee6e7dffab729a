import { checkFormat, checkName, type Found } from '../checks.ts'
import type { KindDefinition } from '../define-kind.ts'
import { jsonEqual } from '../json-equal.ts'
import { dnsSubdomainProblems, pathSegmentProblems } from '../names.ts'
import type { JsonObject } from '../object.ts'
import { invalid, notSupported, type Problem, required } from '../problem.ts'
import { ageColumn, column, nameColumn, wideColumn } from '../table-columns.ts'
import type { ClusterRoleBinding, RoleBinding, Subject } from '../types/rbac-v1.ts'

type Binding = RoleBinding | ClusterRoleBinding

const group = 'rbac.authorization.k8s.io'

function checkSubject(found: Found, field: string, subject: Subject, isNamespaced: boolean): void {
  const { kind, name, namespace, apiGroup = '' } = subject
  if (!name) found.push(required(`${field}.name`))
  switch (kind) {
    case 'ServiceAccount':
      if (name) checkFormat(found, `${field}.name`, name, dnsSubdomainProblems)
      if (apiGroup !== '') found.push(notSupported(`${field}.apiGroup`, apiGroup, ['']))
      if (!isNamespaced && !namespace) found.push(required(`${field}.namespace`))
      break
    case 'User':
    case 'Group':
      if (apiGroup !== group) found.push(notSupported(`${field}.apiGroup`, apiGroup, [group]))
      break
    default:
      found.push(notSupported(`${field}.kind`, kind ?? '', ['ServiceAccount', 'User', 'Group']))
  }
}

const subjectNames = ({ subjects = [] }: Binding, kind: string): string =>
  subjects
    .filter((subject) => subject.kind === kind)
    .map(({ name, namespace }) => (kind === 'ServiceAccount' && namespace ? `${namespace}/${name}` : name))
    .join(', ')

/** What bindings of both scopes have in common; `roles` are the kinds that they may refer to. */
export const bindingRules = <T extends Binding>(
  isNamespaced: boolean,
  roles: readonly string[],
): Pick<KindDefinition<T>, 'defaults' | 'validate' | 'validateUpdate' | 'columns'> => ({
  defaults(draft: JsonObject) {
    const { roleRef, subjects } = draft as unknown as Partial<Binding>
    if (roleRef) roleRef.apiGroup ||= group
    for (const subject of subjects ?? [])
      if (!subject.apiGroup && (subject.kind === 'User' || subject.kind === 'Group')) subject.apiGroup = group
  },
  validate({ roleRef, subjects }) {
    const found: Problem[] = []
    const { apiGroup = '', kind = '', name } = roleRef ?? {}
    if (apiGroup !== group) found.push(notSupported('roleRef.apiGroup', apiGroup, [group]))
    if (!roles.includes(kind)) found.push(notSupported('roleRef.kind', kind, roles))
    checkName(found, 'roleRef.name', name, pathSegmentProblems)
    subjects?.forEach((subject, index) => {
      checkSubject(found, `subjects[${index}]`, subject, isNamespaced)
    })
    return found
  },
  validateUpdate: ({ roleRef }, old) => (jsonEqual(roleRef, old.roleRef) ? [] : [invalid('roleRef', roleRef, 'cannot change roleRef')]),
  columns: [
    nameColumn,
    column('Role', 'The role that its subjects have.', ({ roleRef }) => `${roleRef.kind}/${roleRef.name}`),
    ageColumn,
    wideColumn('Users', 'Users who have the role.', (object) => subjectNames(object, 'User')),
    wideColumn('Groups', 'Groups that have the role.', (object) => subjectNames(object, 'Group')),
    wideColumn('ServiceAccounts', 'Service accounts that have the role.', (object) => subjectNames(object, 'ServiceAccount')),
  ],
})
