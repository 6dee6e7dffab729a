import { type AuthorizerFactory, noOpinion } from './authorizer.ts'
import { missingRole } from './held-rules.ts'
import type { Grant } from './role-index.ts'
import { ruleAllows } from './rule-allows.ts'

/** RBAC: what the roles that bindings give to a user, or to a group of the user's, allow. Never denies. */
export const roleBased: AuthorizerFactory = async ({ roles }) => {
  const index = await roles()
  return (user, attributes) => {
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
