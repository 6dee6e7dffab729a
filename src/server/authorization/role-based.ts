import type { UserInfo } from '../../api/exchange.ts'
import type { ResourceRule } from '../../api/types/authorization-v1.ts'
import type { RequestAttributes } from '../request-attributes.ts'
import { type AuthorizerFactory, type Decision, noOpinion, type UserRules } from './authorizer.ts'
import { heldRules, missingRole } from './held-rules.ts'
import type { Grant } from './role-index.ts'
import { ruleAllows } from './rule-allows.ts'

/** RBAC: what the roles that bindings give to a user, or to a group of the user's, allow. Never denies. */
export const roleBased: AuthorizerFactory = async ({ roles }) => {
  const index = await roles()
  return Object.assign(decide, { rulesOf })

  function decide(user: UserInfo, attributes: RequestAttributes): Decision {
    const namespace = attributes.type === 'resource' ? attributes.namespace : ''
    let missing: Set<string> | undefined
    for (const grant of index.grants(user, namespace)) {
      const { roleRef, metadata } = grant.binding
      const rules = index.rules(roleRef, metadata.namespace ?? '')
      if (!rules) {
        missing ??= new Set()
        missing.add(missingRole(roleRef))
      } else if (rules.some((rule) => ruleAllows(rule, attributes)))
        return { type: 'allow', reason: `RBAC: allowed by ${described(grant)}` }
    }
    return missing ? { type: 'no-opinion', reason: `RBAC: ${aggregated([...missing])}` } : noOpinion
  }

  function rulesOf(user: UserInfo, namespace: string): UserRules {
    const { rules, errors } = heldRules(index, user, namespace)
    return {
      resourceRules: rules.flatMap(({ verbs, apiGroups, resources, resourceNames }) =>
        resources?.length
          ? [{ verbs, ...(apiGroups && { apiGroups }), resources, ...(resourceNames?.length && { resourceNames }) } as ResourceRule]
          : [],
      ),
      nonResourceRules: rules.flatMap(({ verbs, nonResourceURLs }) => (nonResourceURLs?.length ? [{ verbs, nonResourceURLs }] : [])),
      incomplete: false,
      errors,
    }
  }
}

/** Several errors in upstream's words. */
export const aggregated = (messages: readonly string[]): string =>
  messages.length === 1 ? (messages[0] ?? '') : `[${messages.join(', ')}]`

function described({ binding, subject }: Grant): string {
  const { namespace, name } = binding.metadata
  const { kind, name: role } = binding.roleRef
  const who = subject.kind === 'ServiceAccount' ? `${subject.name}/${subject.namespace || (namespace ?? '')}` : subject.name
  const what = namespace === undefined ? `ClusterRoleBinding "${name}"` : `RoleBinding "${name}/${namespace}"`
  return `${what} of ${kind} "${role}" to ${subject.kind} "${who}"`
}
