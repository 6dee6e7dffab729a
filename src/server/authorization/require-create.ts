import type { UserInfo } from '../../api/exchange.ts'
import type { Kind } from '../../api/kind.ts'
import { type Authorize, notAuthorized } from './authorizer.ts'

/** Whether somebody whose update or apply turns out to make an object may do that, too; throws when not. */
export type RequireCreate = (user: UserInfo, kind: Kind, namespace: string | undefined, name: string) => Promise<void>

export const requireCreateBy =
  (authorize: Authorize): RequireCreate =>
  async (user, { group, version, plural }, namespace = '', name) => {
    const attributes = { type: 'resource', verb: 'create', group, version, resource: plural, subresource: '', namespace, name } as const
    const { type, reason } = await authorize(user, attributes)
    if (type !== 'allow') throw notAuthorized(user, attributes, reason)
  }
