import type { ApiRequest, UserInfo } from '../api/exchange.ts'
import { StatusError } from '../api/status-error.ts'
import { headerValues, prefixedHeaders } from './authentication/header-values.ts'
import { anonymous } from './authentication.ts'
import { type Authorize, notAuthorized } from './authorization/authorizer.ts'
import type { Filter } from './call.ts'
import type { ResourceAttributes } from './request-attributes.ts'

/** Whom a request is to be done for, as its headers say. */
export interface Impersonated {
  readonly user: string
  readonly uid: string | undefined
  readonly groups: readonly string[]
  readonly extra: Readonly<Record<string, readonly string[]>>
}

const extraPrefix = 'impersonate-extra-'
const accountPattern = /^system:serviceaccount:([^:]+):([^:]+)$/

/** Does what is asked in another's name, where the sender may `impersonate` that user with each group, uid and extra. */
export const impersonation =
  (authorize: Authorize): Filter =>
  (next) =>
  (call) => {
    const impersonated = impersonatedIn(call.request)
    return impersonated ? inNameOf(impersonated) : next(call)

    async function inNameOf(wanted: Impersonated) {
      for (const attributes of rightsFor(wanted)) {
        const { type, reason } = await authorize(call.user, attributes)
        if (type !== 'allow') throw notAuthorized(call.user, attributes, reason)
      }
      const user = userOf(wanted)
      call.notes.impersonate(user)
      return next({ ...call, user })
    }
  }

/** Undefined when the request does not ask for it. */
export function impersonatedIn(request: Pick<ApiRequest, 'headers' | 'rawHeaders'>): Impersonated | undefined {
  const { headers } = request
  const user = headers['impersonate-user'] ?? ''
  const groups = headerValues(request, 'impersonate-group')
  const uid = headers['impersonate-uid'] || undefined
  const extra = prefixedHeaders(request, extraPrefix)
  if (user !== '') return { user, uid, groups, extra: extra ?? {} }
  if (groups.length === 0 && uid === undefined && !extra) return undefined
  const what = [groups.length > 0 ? 'groups' : '', uid === undefined ? '' : 'a uid', extra ? 'extra' : ''].filter((part) => part !== '')
  throw new StatusError('InternalError', `Internal Server Error: requested ${what.join(', ')} without impersonating a user`)
}

/** What the sender must be allowed to do: `impersonate` each part. */
export function* rightsFor({ user, uid, groups, extra }: Impersonated): Generator<ResourceAttributes> {
  const right = (attributes: Partial<ResourceAttributes>): ResourceAttributes => ({
    type: 'resource',
    verb: 'impersonate',
    group: '',
    version: 'v1',
    resource: '',
    subresource: '',
    namespace: '',
    name: '',
    ...attributes,
  })
  const [, namespace, account] = accountPattern.exec(user) ?? []
  if (namespace !== undefined && account !== undefined) yield right({ resource: 'serviceaccounts', namespace, name: account })
  else yield right({ resource: 'users', name: user })
  for (const name of groups) yield right({ resource: 'groups', name })
  const group = 'authentication.k8s.io'
  for (const [subresource, values] of Object.entries(extra))
    for (const name of values) yield right({ group, resource: 'userextras', subresource, name })
  if (uid !== undefined) yield right({ group, resource: 'uids', name: uid })
}

/** Who does it then: an account has its own groups where none are named, and known users are known to be. */
export function userOf({ user, uid, groups: named, extra }: Impersonated): UserInfo {
  const [, namespace] = accountPattern.exec(user) ?? []
  const groups =
    named.length === 0 && namespace !== undefined ? ['system:serviceaccounts', `system:serviceaccounts:${namespace}`] : [...named]
  const marks = user === anonymous.name ? anonymous.groups : ['system:authenticated', ...anonymous.groups]
  if (!groups.some((group) => marks.includes(group))) groups.push(marks[0] ?? '')
  return {
    name: user,
    ...(uid !== undefined && { uid }),
    groups,
    ...(Object.keys(extra).length > 0 && { extra }),
  }
}
