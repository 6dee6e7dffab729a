import type { Filter } from '../call.ts'
import { type Authorize, notAuthorized } from './authorizer.ts'
import { connectionRight } from './connection-rights.ts'

/** The last station: nothing is done that nobody allows. `isAudited`: what was decided, and why, is told. */
export const authorization =
  (authorize: Authorize, isAudited: boolean): Filter =>
  (next) =>
  async (call) => {
    const { request, user, attributes, notes } = call
    for (const asked of [attributes, connectionRight(request, attributes)]) {
      if (!asked) continue
      const pending = authorize(user, asked)
      const { type, reason } = pending instanceof Promise ? await pending : pending
      if (isAudited) {
        notes.annotate('authorization.k8s.io/decision', type === 'allow' ? 'allow' : 'forbid')
        notes.annotate('authorization.k8s.io/reason', reason)
      }
      if (type !== 'allow') throw notAuthorized(user, asked, reason)
    }
    return next(call)
  }
