import { timingSafeEqual } from 'node:crypto'
import type { ApiRequest, UserInfo } from '../api/exchange.ts'
import { StatusError } from '../api/status-error.ts'

export const anonymous: UserInfo = { name: 'system:anonymous', groups: ['system:unauthenticated'] }

/** Who is calling; throws Unauthorized for credentials that are shown but not good. */
export type Authenticate = (request: ApiRequest) => UserInfo | Promise<UserInfo>

/**
 * In-process callers are who the composition root says; a socket's caller is named by its client certificate, else by
 * its bearer token (a static one, or a service account's), else nobody.
 */
export function createAuthenticator({
  staticTokens,
  verifyToken,
}: {
  staticTokens: ReadonlyMap<string, UserInfo>
  verifyToken: (token: string) => Promise<UserInfo | undefined>
}): Authenticate {
  const tokens = [...staticTokens].map(([token, user]) => ({ token: Buffer.from(token), user: withGroup(user) }))
  return ({ caller, headers }) => {
    if (caller.type === 'in-process') return caller.user
    if (caller.certificate)
      return { name: caller.certificate.commonName, groups: [...caller.certificate.organizations, 'system:authenticated'] }
    const header = headers.authorization
    if (header === undefined) return anonymous
    const token = /^Bearer +(\S+)$/i.exec(header)?.[1]
    if (token === undefined) throw unauthorized()
    const shown = Buffer.from(token)
    const known = tokens.find((candidate) => candidate.token.length === shown.length && timingSafeEqual(candidate.token, shown))
    return known ? known.user : verified(token)
  }

  async function verified(token: string): Promise<UserInfo> {
    const user = await verifyToken(token)
    if (!user) throw unauthorized()
    return user
  }
}

const unauthorized = () => new StatusError('Unauthorized', 'Unauthorized')

const withGroup = (user: UserInfo): UserInfo => ({ ...user, groups: [...user.groups, 'system:authenticated'] })
