import { hash } from 'node:crypto'
import { createLocalJWKSet, decodeJwt, errors, type JSONWebKeySet, jwtVerify } from 'jose'
import type { UserInfo } from '../../api/exchange.ts'
import { isJsonObject } from '../../api/merge-patch.ts'
import type { JsonObject } from '../../api/object.ts'
import type { Clock } from '../../base/clock.ts'
import type { Log } from '../../base/log.ts'
import { RecentMap } from '../../base/recent-map.ts'
import { type ClaimRules, ClaimsRefused, userFromClaims } from './claim-rules.ts'
import { forAudiences, type TokenVerdict, type VerifyToken } from './token-verdict.ts'

/** Somebody else who says who is who, by OpenID Connect. */
export interface JwtIssuer {
  readonly url: string
  /** Where its discovery document is, if not below its URL. */
  readonly discoveryUrl?: string
  /** PEM of the authority that signed its server's certificate; left out: one that the machine trusts. */
  readonly authority?: string
  /** Any of them must be a token's. */
  readonly audiences: readonly string[]
  readonly algorithms: readonly string[]
  readonly rules: ClaimRules
}

/** Reads a JSON document over HTTPS. */
export type FetchJson = (url: string, authority: string | undefined) => Promise<unknown>

/** A token that was good is asked about again after this, as upstream's cache has it. */
const knownMs = 10_000
const rememberedTokens = 4096
/** Keys that are not known are looked for, but not more often. */
const refetchMs = 10_000

/** Verifies tokens of one issuer: its keys are fetched when the first of them comes, and again when one has a new key. */
export function jwtVerifier({
  issuer,
  own,
  fetchJson,
  clock,
  log,
}: {
  issuer: JwtIssuer
  /** What this API is called: tokens of others do not know it. */
  own: readonly string[]
  fetchJson: FetchJson
  clock: Clock
  log: Log
}): VerifyToken {
  const known = new RecentMap<string, { readonly user: UserInfo; readonly untilMs: number }>(rememberedTokens)
  let keys: Promise<ReturnType<typeof createLocalJWKSet>> | undefined
  let fetchedMs = Number.NEGATIVE_INFINITY

  return (token, audiences) => {
    const digest = hash('sha256', token, 'base64')
    const before = known.get(digest)
    if (before && before.untilMs > clock.now()) return forAudiences(before.user, own, audiences)
    return isOurs(token) ? verify(token, digest, audiences) : undefined
  }

  function isOurs(token: string): boolean {
    try {
      return decodeJwt(token).iss === issuer.url
    } catch (error) {
      if (error instanceof errors.JOSEError) return false
      throw error
    }
  }

  async function verify(token: string, digest: string, audiences: readonly string[]): Promise<TokenVerdict> {
    try {
      const payload = await verified(token)
      const user = withGroup(userFromClaims(issuer.rules, payload))
      const endMs = typeof payload.exp === 'number' ? payload.exp * 1000 : 0
      known.set(digest, { user, untilMs: Math.min(clock.now() + knownMs, endMs) })
      return forAudiences(user, own, audiences)
    } catch (error) {
      if (error instanceof ClaimsRefused) return { type: 'refused', why: error.message }
      if (error instanceof errors.JOSEError || error instanceof IssuerUnknown)
        return { type: 'refused', why: `oidc: verify token: ${error.message}` }
      throw error
    }
  }

  async function verified(token: string): Promise<JsonObject> {
    const options = {
      issuer: issuer.url,
      audience: [...issuer.audiences],
      algorithms: [...issuer.algorithms],
      currentDate: new Date(clock.now()),
      requiredClaims: ['exp'],
    }
    try {
      return (await jwtVerify(token, await currentKeys(), options)).payload as JsonObject
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey) || clock.now() - fetchedMs < refetchMs) throw error
      keys = undefined
      return (await jwtVerify(token, await currentKeys(), options)).payload as JsonObject
    }
  }

  function currentKeys(): ReturnType<typeof fetchKeys> {
    keys ??= fetchKeys().catch((cause: unknown) => {
      keys = undefined
      log.warn('Cannot read the keys of an issuer of tokens', { issuer: issuer.url, error: cause })
      throw new IssuerUnknown(`authenticator not initialized`, { cause })
    })
    return keys
  }

  async function fetchKeys(): Promise<ReturnType<typeof createLocalJWKSet>> {
    fetchedMs = clock.now()
    const place = issuer.discoveryUrl ?? `${issuer.url.replace(/\/$/, '')}/.well-known/openid-configuration`
    const document = await fetchJson(place, issuer.authority)
    if (!isJsonObject(document) || document.issuer !== issuer.url)
      throw new Error(`oidc: issuer did not match the issuer returned by provider, expected ${JSON.stringify(issuer.url)}`)
    if (typeof document.jwks_uri !== 'string') throw new Error('the discovery document names no keys')
    return createLocalJWKSet((await fetchJson(document.jwks_uri, issuer.authority)) as JSONWebKeySet)
  }
}

/** The issuer's keys cannot be had now. */
class IssuerUnknown extends Error {
  override readonly name = 'IssuerUnknown'
}

const withGroup = (user: UserInfo): UserInfo => ({ ...user, groups: [...user.groups, 'system:authenticated'] })
