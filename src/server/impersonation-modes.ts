import type { UserInfo } from '../api/exchange.ts'
import { dnsSubdomainProblems } from '../api/names.ts'
import { anonymous } from './authentication.ts'
import { type Authorize, notAuthorized, privilegedGroup } from './authorization/authorizer.ts'
import type { RequestAttributes, ResourceAttributes } from './request-attributes.ts'

/** Whom a request is to be done for, as its headers say. */
export interface Impersonated {
  readonly user: string
  readonly uid: string | undefined
  readonly groups: readonly string[]
  readonly extra: Readonly<Record<string, readonly string[]>>
}

/**
 * Rights by which somebody acts as another. `impersonate` alone is for whatever that one may do; each other takes a right
 * `impersonate:MODE` to the identity and a right `impersonate-on:MODE:VERB` to what is done (KEP-5284).
 */
export type ImpersonationMode = 'associated-node' | 'arbitrary-node' | 'serviceaccount' | 'user-info' | 'legacy'

const nodeNameKey = 'authentication.kubernetes.io/node-name'
const accountPattern = /^system:serviceaccount:([^:]+):([^:]+)$/
const nodePrefix = 'system:node:'

const nodeIn = (user: string): string | undefined => {
  const name = user.startsWith(nodePrefix) ? user.slice(nodePrefix.length) : ''
  return name !== '' && dnsSubdomainProblems(name).length === 0 ? name : undefined
}

/** By which rights this one may be impersonated, those that give least first. */
export function modesFor({ user, uid, groups, extra }: Impersonated, sender: UserInfo): readonly ImpersonationMode[] {
  const isNameAlone = uid === undefined && groups.length === 0 && Object.keys(extra).length === 0
  const node = nodeIn(user)
  if (node !== undefined) {
    if (!isNameAlone) return ['legacy']
    const [home, ...others] = sender.extra?.[nodeNameKey] ?? []
    const isAtHome = accountPattern.test(sender.name) && others.length === 0 && home === node
    return isAtHome ? ['associated-node', 'arbitrary-node', 'legacy'] : ['arbitrary-node', 'legacy']
  }
  if (accountPattern.test(user)) return isNameAlone ? ['serviceaccount', 'legacy'] : ['legacy']
  return ['user-info', 'legacy']
}

/** What the sender must be allowed to do in a mode. */
export function* rightsFor(mode: ImpersonationMode, wanted: Impersonated, asked: RequestAttributes): Generator<RequestAttributes> {
  const { user, uid, groups, extra } = wanted
  const group = 'authentication.k8s.io'
  if (mode !== 'legacy') yield { ...asked, verb: `impersonate-on:${mode}:${asked.verb}` }
  const right = (attributes: Partial<ResourceAttributes>): ResourceAttributes => ({
    type: 'resource',
    verb: mode === 'legacy' ? 'impersonate' : `impersonate:${mode}`,
    group: mode === 'legacy' ? '' : group,
    version: 'v1',
    resource: '',
    subresource: '',
    namespace: '',
    name: '',
    ...attributes,
  })
  const [, namespace, account] = accountPattern.exec(user) ?? []
  const node = mode === 'legacy' ? undefined : nodeIn(user)
  if (namespace !== undefined && account !== undefined) yield right({ resource: 'serviceaccounts', namespace, name: account })
  // A sender on its own node may be on any.
  else if (node !== undefined) yield right({ resource: 'nodes', name: mode === 'associated-node' ? '*' : node })
  else yield right({ resource: 'users', name: user })
  if (uid !== undefined) yield right({ group, resource: 'uids', name: uid })
  for (const name of groups) yield right({ resource: 'groups', name })
  for (const [subresource, values] of Object.entries(extra))
    for (const name of values) yield right({ group, resource: 'userextras', subresource, name })
}

/** Why nobody is this one in a mode, whatever their rights; undefined: some may be. */
function problemOf(mode: ImpersonationMode, { groups, extra }: Impersonated): string | undefined {
  if (mode === 'legacy') return undefined
  if (groups.includes('')) return 'impersonating the empty string group is not allowed'
  if (groups.includes(privilegedGroup)) return `impersonating the ${privilegedGroup} group is not allowed`
  if (Object.hasOwn(extra, '')) return 'impersonating the empty string key in extra is not allowed'
  return Object.values(extra).some((values) => values.includes(''))
    ? 'impersonating the empty string value in extra is not allowed'
    : undefined
}

/** Who it is done as: what nodes and accounts are in is known where no groups are named, and known users are known to be. */
export function userOf(mode: ImpersonationMode, { user, uid, groups: named, extra }: Impersonated): UserInfo {
  const [, namespace] = accountPattern.exec(user) ?? []
  const groups = mode.endsWith('-node')
    ? ['system:nodes']
    : named.length === 0 && namespace !== undefined
      ? ['system:serviceaccounts', `system:serviceaccounts:${namespace}`]
      : [...named]
  const marks = user === anonymous.name ? anonymous.groups : ['system:authenticated', ...anonymous.groups]
  if (!groups.some((group) => marks.includes(group))) groups.push(marks[0] ?? '')
  return {
    name: user,
    ...(uid !== undefined && { uid }),
    groups,
    ...(Object.keys(extra).length > 0 && { extra }),
  }
}

/** Tries each mode; throws Forbidden for what the first of them lacks. */
export async function impersonatedUser(
  authorize: Authorize,
  sender: UserInfo,
  wanted: Impersonated,
  asked: RequestAttributes,
): Promise<UserInfo> {
  let refusal: Error | undefined
  for (const mode of modesFor(wanted, sender)) {
    const missing = await missingRight(mode)
    if (!missing) return userOf(mode, wanted)
    refusal ??= missing
  }
  throw refusal

  async function missingRight(mode: ImpersonationMode): Promise<Error | undefined> {
    // What is allowed on one node is allowed on each: where the sender is says nothing more.
    const user = mode === 'associated-node' ? { ...sender, extra: { [associatedKeys]: Object.keys(sender.extra ?? {}).sort() } } : sender
    const problem = problemOf(mode, wanted)
    for (const attributes of rightsFor(mode, wanted, asked)) {
      const { type, reason } = await authorize(user, attributes)
      if (type !== 'allow') return notAuthorized(user, attributes, reason)
      if (problem !== undefined) return notAuthorized(user, attributes, problem)
    }
    return undefined
  }
}

const associatedKeys = 'authentication.kubernetes.io/associated-node-keys'
