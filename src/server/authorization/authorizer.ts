import type { Catalog } from '../../api/catalog.ts'
import type { UserInfo } from '../../api/exchange.ts'
import { StatusError } from '../../api/status-error.ts'
import type { NonResourceRule, ResourceRule } from '../../api/types/authorization-v1.ts'
import type { Clock } from '../../base/clock.ts'
import type { Log } from '../../base/log.ts'
import type { Random } from '../../base/random.ts'
import { anonymous } from '../authentication.ts'
import { isHealthPath } from '../health.ts'
import type { RequestAttributes } from '../request-attributes.ts'
import type { ResourceCaches } from '../resource-caches.ts'
import type { RoleIndex } from './role-index.ts'

/** What one authorizer says. Of several in order, the first that has an opinion decides; without any the request is refused. */
export interface Decision {
  readonly type: 'allow' | 'deny' | 'no-opinion'
  /** For the one who asks why; '' when there is nothing to say. */
  readonly reason: string
}

/** Whether a user may do something. */
export interface Authorize {
  /** Answers without a promise when it can, since every request asks. */
  (user: UserInfo, attributes: RequestAttributes): Decision | Promise<Decision>
  /** All that it allows a user in a namespace and in the whole cluster; left out by what has no list of that. */
  rulesOf?(user: UserInfo, namespace: string): UserRules | Promise<UserRules>
}

export interface UserRules {
  readonly resourceRules: readonly ResourceRule[]
  readonly nonResourceRules: readonly NonResourceRule[]
  /** Whether the user may do more than that. */
  readonly incomplete: boolean
  readonly errors: readonly string[]
}

/** Makes an authorizer for one server. */
export type AuthorizerFactory = (parts: AuthorizationParts) => Authorize | Promise<Authorize>

/** What authorizers decide by. */
export interface AuthorizationParts {
  readonly catalog: Catalog
  readonly caches: ResourceCaches
  /** Roles and who has them; made when somebody first asks. */
  readonly roles: () => Promise<RoleIndex>
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
}

export const noRules: UserRules = { resourceRules: [], nonResourceRules: [], incomplete: false, errors: [] }

/** Who may do everything. */
export const allRules: UserRules = {
  ...noRules,
  resourceRules: [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'] }],
  nonResourceRules: [{ verbs: ['*'], nonResourceURLs: ['*'] }],
}

export const noOpinion: Decision = { type: 'no-opinion', reason: '' }

/** All authorizers in order, as one. Where none has an opinion, all of them say why, a line each. */
export function unionOf(authorizers: readonly Authorize[]): Authorize {
  return Object.assign((user: UserInfo, attributes: RequestAttributes) => decide(user, attributes, 0, ''), { rulesOf })

  async function rulesOf(user: UserInfo, namespace: string): Promise<UserRules> {
    const parts = await Promise.all(authorizers.map((authorizer) => authorizer.rulesOf?.(user, namespace) ?? noRules))
    return {
      resourceRules: parts.flatMap(({ resourceRules }) => resourceRules),
      nonResourceRules: parts.flatMap(({ nonResourceRules }) => nonResourceRules),
      incomplete: parts.some(({ incomplete }) => incomplete),
      errors: parts.flatMap(({ errors }) => errors),
    }
  }

  function decide(user: UserInfo, attributes: RequestAttributes, first: number, before: string): Decision | Promise<Decision> {
    let reasons = before
    for (let index = first; index < authorizers.length; index++) {
      const decision = authorizers[index]?.(user, attributes) ?? noOpinion
      if (decision instanceof Promise)
        return decision.then((settled) =>
          settled.type === 'no-opinion' ? decide(user, attributes, index + 1, joined(reasons, settled.reason)) : settled,
        )
      if (decision.type !== 'no-opinion') return decision
      reasons = joined(reasons, decision.reason)
    }
    return reasons === '' ? noOpinion : { type: 'no-opinion', reason: reasons }
  }
}

const joined = (one: string, other: string) => (one === '' || other === '' ? one + other : `${one}\n${other}`)

/** Who may do everything, whatever else authorizers say: whoever could give it to themselves anyway. */
export const privilegedGroup = 'system:masters'

export const allowPrivileged: Authorize = ({ groups }) => (groups.includes(privilegedGroup) ? { type: 'allow', reason: '' } : noOpinion)

/** Everybody who is known may do everything; anybody may ask how the server is. */
export const allowKnown: Authorize = Object.assign(
  (user: UserInfo, attributes: RequestAttributes): Decision => {
    const isPublic = attributes.type === 'path' && (attributes.path === '/version' || isHealthPath(attributes.path))
    return isPublic || isKnown(user) ? { type: 'allow', reason: '' } : noOpinion
  },
  { rulesOf: (user: UserInfo) => (isKnown(user) ? allRules : noRules) },
)

const isKnown = ({ name, groups }: UserInfo) => name !== anonymous.name && !groups.includes('system:unauthenticated')

/** Upstream's words for what is not allowed. */
export function notAuthorized(user: UserInfo, attributes: RequestAttributes, reason: string): StatusError {
  const who = `User "${user.name}" cannot`
  const why = reason === '' ? '' : `: ${reason}`
  if (attributes.type === 'path')
    return new StatusError('Forbidden', `forbidden: ${who} ${attributes.verb} path "${attributes.path}"${why}`)
  const { group, resource, subresource, verb, namespace, name } = attributes
  const scope = namespace === '' ? 'at the cluster scope' : `in the namespace "${namespace}"`
  const what = `${resource}${subresource === '' ? '' : `/${subresource}`}`
  const qualified = `${resource}${group === '' ? '' : `.${group}`}${name === '' ? '' : ` "${name}"`}`
  return new StatusError(
    'Forbidden',
    `${qualified} is forbidden: ${who} ${verb} resource "${what}" in API group "${group}" ${scope}${why}`,
    { ...(name !== '' && { name }), ...(group !== '' && { group }), kind: resource },
  )
}
