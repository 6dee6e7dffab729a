import type { ApiRequest } from '../api/exchange.ts'
import { StatusError } from '../api/status-error.ts'
import { headerValues, prefixedHeaders } from './authentication/header-values.ts'
import type { Authorize } from './authorization/authorizer.ts'
import type { Filter } from './call.ts'
import { type Impersonated, impersonatedUser } from './impersonation-modes.ts'

const extraPrefix = 'impersonate-extra-'

/** Does what is asked in another's name, where the sender may. */
export const impersonation =
  (authorize: Authorize): Filter =>
  (next) =>
  (call) => {
    const wanted = impersonatedIn(call.request)
    if (!wanted) return next(call)
    return impersonatedUser(authorize, call.user, wanted, call.attributes).then((user) => {
      call.notes.impersonate(user)
      return next({ ...call, user })
    })
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
  throw new StatusError('BadRequest', `requested ${what.join(', ')} without impersonating a user name`)
}
