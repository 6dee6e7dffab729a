import type { UserInfo } from '../../api/exchange.ts'
import { jsonEqual } from '../../api/json-equal.ts'
import type { KubeObject } from '../../api/object.ts'
import { StatusError } from '../../api/status-error.ts'
import type { ClusterRole, PolicyRule, Role, RoleBinding, RoleRef } from '../../api/types/rbac-v1.ts'
import { type AdmissionPlugin, type AdmissionRequest, forbidden } from '../admission/admission.ts'
import type { AdmissionFactory } from '../admission/standard-admission.ts'
import type { ResourceAttributes } from '../request-attributes.ts'
import { privilegedGroup } from './authorizer.ts'
import { heldRules, missingRole } from './held-rules.ts'
import type { RoleIndex } from './role-index.ts'
import { describedRules, missingRules, quotedList } from './rules-cover.ts'

const group = 'rbac.authorization.k8s.io'
const everything: readonly PolicyRule[] = [
  { verbs: ['*'], apiGroups: ['*'], resources: ['*'] },
  { verbs: ['*'], nonResourceURLs: ['*'] },
]

/**
 * Nobody gives away by a role or a binding what they have not got themselves, unless they hold the verb `escalate` on the
 * role or `bind` on the role that is bound. Not a plug-in that anybody could turn off: part of what roles are.
 */
export const escalationCheck =
  (roles: () => Promise<RoleIndex>): AdmissionFactory =>
  ({ authorize }): AdmissionPlugin => {
    return {
      name: 'RoleEscalation',
      validate(request) {
        const { kind, operation, draft, old, user } = request
        if (kind.group !== group || operation === 'DELETE' || !draft) return
        if (user.groups.includes(privilegedGroup)) return
        const object = draft as unknown as KubeObject
        if (old && grantsTheSame(object, old)) return
        switch (kind.plural) {
          case 'roles':
          case 'clusterroles':
            return checkRole(request, object as Role | ClusterRole)
          case 'rolebindings':
          case 'clusterrolebindings':
            return checkBinding(request, object as RoleBinding)
        }
      },
    }

    async function checkRole(request: AdmissionRequest, role: Role | ClusterRole): Promise<void> {
      const { user, kind, name, namespace = '' } = request
      if (await isAllowed(user, { verb: 'escalate', resource: kind.plural, namespace, name })) return
      const index = await roles()
      checkHeld(index, request, role.rules ?? [])
      const aggregates = [role, request.old].some((each) => each && 'aggregationRule' in each && each.aggregationRule)
      if (aggregates && missingRules(heldRules(index, user, '').rules, everything).length > 0)
        throw forbidden(request, 'must have cluster-admin privileges to use the aggregationRule')
    }

    async function checkBinding(request: AdmissionRequest, { roleRef }: RoleBinding): Promise<void> {
      const { user, namespace = '' } = request
      const resource = roleRef.kind === 'ClusterRole' ? 'clusterroles' : 'roles'
      if (await isAllowed(user, { verb: 'bind', resource, namespace, name: roleRef.name })) return
      const index = await roles()
      const rules = index.rules(roleRef, namespace)
      if (!rules) throw noRole(roleRef)
      checkHeld(index, request, rules)
    }

    async function isAllowed(user: UserInfo, asked: Pick<ResourceAttributes, 'verb' | 'resource' | 'namespace' | 'name'>) {
      const { type } = await authorize(user, { type: 'resource', group, version: '*', subresource: '', ...asked })
      return type === 'allow'
    }
  }

function checkHeld(index: RoleIndex, request: AdmissionRequest, wanted: readonly PolicyRule[]): void {
  const { user, namespace = '' } = request
  const { rules, errors } = heldRules(index, user, namespace)
  const missing = missingRules(rules, wanted)
  if (missing.length === 0) return
  const unresolved = errors.length === 0 ? '' : `; resolution errors: [${errors.join(' ')}]`
  throw forbidden(
    request,
    `user ${JSON.stringify(user.name)} (groups=${quotedList(user.groups)}) is attempting to grant RBAC permissions not currently held:\n${describedRules(missing).join('\n')}${unresolved}`,
  )
}

/** As the garbage collector changes objects: what they give stays, whoever writes them. */
function grantsTheSame(changed: KubeObject, old: KubeObject): boolean {
  const fields = new Set([...Object.keys(changed), ...Object.keys(old)])
  fields.delete('metadata')
  const partsOf = (object: KubeObject) => object as unknown as Readonly<Record<string, unknown>>
  return [...fields].every((field) => jsonEqual(partsOf(changed)[field], partsOf(old)[field])) && onlyCollectorsFields(changed, old)
}

function onlyCollectorsFields({ metadata: changed }: KubeObject, { metadata: old }: KubeObject): boolean {
  const { ownerReferences: _, finalizers: __, managedFields: ___, resourceVersion: ____, ...left } = changed
  const { ownerReferences: _o, finalizers: _f, managedFields: _m, resourceVersion: _r, ...right } = old
  return jsonEqual(left, right)
}

const noRole = (roleRef: RoleRef) =>
  new StatusError('NotFound', missingRole(roleRef), { name: roleRef.name, group, kind: roleRef.kind.toLowerCase() })
