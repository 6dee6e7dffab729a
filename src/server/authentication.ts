import { hash } from 'node:crypto'
import type { Catalog } from '../api/catalog.ts'
import type { ApiRequest, ClientCertificate, UserInfo } from '../api/exchange.ts'
import { hasReason, StatusError } from '../api/status-error.ts'
import { type Clock, systemClock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import { type FrontProxy, proxiedUser } from './authentication/front-proxy.ts'
import { protocolToken } from './authentication/protocol-token.ts'
import { firstToKnow, forAudiences, type TokenVerdict, type VerifyToken } from './authentication/token-verdict.ts'
import type { ResourceCaches } from './resource-caches.ts'
import { defaultIssuer } from './service-account-tokens.ts'

export const anonymous: UserInfo = { name: 'system:anonymous', groups: ['system:unauthenticated'] }

/** Who is calling; throws Unauthorized for credentials that are shown but not good. */
export type Authenticate = (request: ApiRequest) => UserInfo | Promise<UserInfo>

/** Whose a token is, for TokenReview; no audiences: for this API. */
export type ReviewToken = (token: string, audiences: readonly string[]) => TokenVerdict | Promise<TokenVerdict>

/** Both answers of one server. */
export interface Authentication {
  readonly authenticate: Authenticate
  readonly reviewToken: ReviewToken
}

/** What ways of authentication find out by. */
export interface AuthenticationParts {
  readonly catalog: Catalog
  readonly caches: ResourceCaches
  readonly clock: Clock
  readonly log: Log
}

/** Makes the authentication of one server, where it takes the server's objects. */
export interface AuthenticationFactory {
  create(parts: AuthenticationParts): Authentication | Promise<Authentication>
}

/** The two as one; a function alone also answers reviews, of tokens for this API. */
export async function authenticationOf(
  authenticate: Authenticate | AuthenticationFactory,
  parts: AuthenticationParts,
): Promise<Authentication> {
  if (typeof authenticate !== 'function') return authenticate.create(parts)
  return {
    authenticate,
    async reviewToken(token) {
      const { signal } = new AbortController()
      const headers = { authorization: `Bearer ${token}` }
      try {
        const caller = { type: 'socket', address: '' } as const
        return {
          type: 'verified',
          user: await authenticate({ method: 'GET', path: '/', query: '', headers, caller, signal }),
          audiences: [defaultIssuer],
        }
      } catch (error) {
        if (hasReason(error, 'Unauthorized')) return undefined
        throw error
      }
    },
  }
}

export interface AuthenticationOptions {
  /** Users by their tokens. */
  readonly staticTokens: ReadonlyMap<string, UserInfo>
  readonly verifyToken: VerifyToken
  /** What this API is called in tokens; left out: by the usual issuer of service accounts' tokens. */
  readonly audiences?: readonly string[]
  /** Whether who shows no credentials may ask for a path at all; left out: any. */
  readonly allowsAnonymous?: (path: string) => boolean
  readonly frontProxy?: FrontProxy
  readonly clock?: Clock
}

/** `createAuthentication` for who needs no reviews of tokens for other audiences. */
export const createAuthenticator = (options: AuthenticationOptions): Authenticate => createAuthentication(options).authenticate

/**
 * In-process callers are who the composition root says. A socket's caller is named by the front proxy it comes through,
 * else by its client certificate, else by its bearer token; who shows neither is nobody. As upstream, a credential that is
 * not good is made good by the next one, but never by showing none.
 */
export function createAuthentication({
  staticTokens,
  verifyToken,
  audiences: own = [defaultIssuer],
  allowsAnonymous = () => true,
  frontProxy,
  clock = systemClock,
}: AuthenticationOptions): Authentication {
  const known = new Map([...staticTokens].map(([token, user]) => [digestOf(token), withGroup(user)]))
  // Most tokens are of another length, which is no secret.
  const lengths = new Set([...staticTokens.keys()].map((token) => token.length))
  const verify = firstToKnow([
    // A digest says nothing of how much of a token was guessed.
    (token, asked) => {
      const user = lengths.has(token.length) ? known.get(digestOf(token)) : undefined
      return user && forAudiences(user, own, asked)
    },
    verifyToken,
  ])
  const users = new WeakMap<ClientCertificate, UserInfo>()
  return { authenticate, reviewToken: (token, asked) => verify(token, asked.length > 0 ? asked : own) }

  function authenticate(request: ApiRequest): UserInfo | Promise<UserInfo> {
    const { caller, path } = request
    if (caller.type === 'in-process') return caller.user
    const { certificate } = caller
    const isGood = certificate !== undefined && certificate.expiresMs > clock.now()
    if (isGood) {
      const user = (frontProxy && proxied(frontProxy, certificate, request)) ?? ownerOf(certificate)
      if (user) return user
    }
    const token = bearerToken(request)
    if (token !== undefined) {
      const verdict = verify(token, own)
      return verdict instanceof Promise ? verdict.then(userOf) : userOf(verdict)
    }
    const isRefused = caller.refusedCertificate !== undefined || (certificate && !(isGood && certificate.signedFor.includes('client')))
    if (isRefused || !allowsAnonymous(path)) throw unauthorized()
    return anonymous
  }

  /** Who holds a certificate; made once per connection. */
  function ownerOf(certificate: ClientCertificate): UserInfo | undefined {
    const { commonName, uid, organizations, fingerprint, signedFor } = certificate
    if (commonName === '' || !signedFor.includes('client')) return undefined
    const made = users.get(certificate)
    if (made) return made
    const user = withGroup({
      name: commonName,
      ...(uid !== undefined && { uid }),
      groups: organizations,
      extra: { 'authentication.kubernetes.io/credential-id': [`X509SHA256=${fingerprint}`] },
    })
    users.set(certificate, user)
    return user
  }
}

function proxied(proxy: FrontProxy, certificate: ClientCertificate, request: ApiRequest): UserInfo | undefined {
  const user = proxiedUser(proxy, certificate, request)
  return user && withGroup(user)
}

function userOf(verdict: TokenVerdict): UserInfo {
  if (verdict?.type !== 'verified') throw unauthorized()
  return verdict.user
}

function bearerToken({ headers }: ApiRequest): string | undefined {
  const { authorization } = headers
  // Other schemes, and what is no credential at all, are as if they were not there.
  const token = authorization === undefined ? undefined : /^\s*Bearer (\S+)/i.exec(authorization)?.[1]
  if (token !== undefined) return token
  const protocols = headers['sec-websocket-protocol']
  return protocols === undefined ? undefined : protocolToken(protocols)
}

const unauthorized = () => new StatusError('Unauthorized', 'Unauthorized')

const digestOf = (token: string) => hash('sha256', token, 'base64')

/** As upstream: whoever was authenticated is in this group, but for who says that nobody was. */
function withGroup(user: UserInfo): UserInfo {
  const isMarked =
    user.name === anonymous.name || user.groups.some((group) => group === authenticatedGroup || anonymous.groups.includes(group))
  return isMarked ? user : { ...user, groups: [...user.groups, authenticatedGroup] }
}

const authenticatedGroup = 'system:authenticated'
