import { readFileSync } from 'node:fs'
import type { UserInfo } from '../api/exchange.ts'
import type { Clock } from '../base/clock.ts'
import type { Random } from '../base/random.ts'
import type { ApiServerFlags } from '../cli/api-server-flags.ts'
import {
  type AuthenticationConfiguration,
  parseAuthenticationConfiguration,
} from '../server/authentication/authentication-configuration.ts'
import { bootstrapTokenVerifier } from '../server/authentication/bootstrap-tokens.ts'
import type { FrontProxy } from '../server/authentication/front-proxy.ts'
import { jwtVerifier } from '../server/authentication/jwt-verifier.ts'
import { serviceAccountVerifier } from '../server/authentication/service-account-verifier.ts'
import { parseTokenFile } from '../server/authentication/token-file.ts'
import { firstToKnow } from '../server/authentication/token-verdict.ts'
import { webhookTokenVerifier } from '../server/authentication/webhook-tokens.ts'
import { type AuthenticationFactory, createAuthentication } from '../server/authentication.ts'
import { defaultIssuer, type ServiceAccountTokens, serviceAccountTokens } from '../server/service-account-tokens.ts'
import { fetchJson } from './fetch-json.ts'
import { oidcIssuer } from './oidc-issuer.ts'
import { webhookPoster } from './webhook-kubeconfig.ts'

/** The cluster's own tokens, as the flags want them. */
export function tokensFor(flags: ApiServerFlags, parts: { key: string; clock: Clock; random: Random }): ServiceAccountTokens {
  const issuer = flags['service-account-issuer']?.[0] ?? defaultIssuer
  const maxMs = flags['service-account-max-token-expiration']
  return serviceAccountTokens({
    ...parts,
    issuer,
    policy: {
      audiences: flags['api-audiences'] ?? [issuer],
      extendsExpiration: flags['service-account-extend-token-expiration'] ?? true,
      ...(flags['service-account-jwks-uri'] && { keysUrl: flags['service-account-jwks-uri'] }),
      ...(maxMs !== undefined && maxMs > 0 && { maxExpirationSeconds: Math.floor(maxMs / 1000) }),
    },
  })
}

/** All ways to say who one is that the flags turn on. Throws where flags contradict each other. */
export function authenticationFor(
  flags: ApiServerFlags,
  { tokens, adminToken, frontProxy }: { tokens: ServiceAccountTokens; adminToken: string; frontProxy?: FrontProxy },
): AuthenticationFactory {
  const admin: UserInfo = { name: 'admin', groups: ['system:masters'] }
  const { audiences: own } = tokens.policy
  const configuration = configurationOf(flags)
  const tokenFile = flags['token-auth-file']
  const webhook = webhookOf(flags)
  return {
    create: (parts) =>
      createAuthentication({
        staticTokens: new Map([...(tokenFile ? parseTokenFile(readFileSync(tokenFile, 'utf8')) : []), [adminToken, admin]]),
        verifyToken: firstToKnow([
          serviceAccountVerifier(tokens, parts),
          // Upstream has them off, and its installers turn them on.
          ...((flags['enable-bootstrap-token-auth'] ?? true) ? [bootstrapTokenVerifier(own, parts)] : []),
          ...configuration.issuers.map((issuer) => jwtVerifier({ issuer, own, fetchJson, clock: parts.clock, log: parts.log })),
          ...(webhook ? [webhookTokenVerifier({ ...webhook, own, clock: parts.clock, log: parts.log })] : []),
        ]),
        audiences: own,
        allowsAnonymous: anonymousRule(configuration.anonymous),
        ...(frontProxy && { frontProxy }),
        clock: parts.clock,
      }),
  }
}

const webhookTimeoutMs = 30_000
/** As upstream: answers are good for two minutes. */
const webhookCacheMs = 120_000

function webhookOf(flags: ApiServerFlags): Pick<Parameters<typeof webhookTokenVerifier>[0], 'ask' | 'version' | 'cacheMs'> | undefined {
  const file = flags['authentication-token-webhook-config-file']
  if (!file) return undefined
  // Upstream's default is the older version.
  const version = flags['authentication-token-webhook-version'] ?? 'v1beta1'
  if (version !== 'v1' && version !== 'v1beta1')
    throw new Error(`authentication-token-webhook-version: ${JSON.stringify(version)} is not v1 or v1beta1`)
  const { ask } = webhookPoster({ file, timeoutMs: webhookTimeoutMs })
  return { ask, version, cacheMs: flags['authentication-token-webhook-cache-ttl'] ?? webhookCacheMs }
}

/** The file's, with what flags say in its place. */
function configurationOf(flags: ApiServerFlags): AuthenticationConfiguration {
  const path = flags['authentication-config']
  const issuer = oidcIssuer(flags)
  const file = path ? parseAuthenticationConfiguration(readFileSync(path, 'utf8')) : { issuers: [] }
  if (path && issuer) throw new Error('authentication-config file and oidc-* flags are mutually exclusive')
  const isAnonymous = flags['anonymous-auth']
  if (isAnonymous !== undefined && file.anonymous)
    throw new Error('--anonymous-auth flag cannot be set when anonymous field is configured in authentication configuration file')
  return {
    issuers: issuer ? [issuer] : file.issuers,
    ...(file.anonymous ? { anonymous: file.anonymous } : { anonymous: { enabled: isAnonymous ?? true } }),
  }
}

function anonymousRule(
  { enabled, paths }: NonNullable<AuthenticationConfiguration['anonymous']> = { enabled: true },
): (path: string) => boolean {
  if (!enabled || !paths) return () => enabled
  const allowed = new Set(paths)
  return (path) => allowed.has(path)
}

/** Who speaks for others: a proxy with the cluster's own certificate, unless flags name another authority. */
export function frontProxyOf(flags: ApiServerFlags, own: { authority: string; name: string }): FrontProxy & { readonly authority: string } {
  const file = flags['requestheader-client-ca-file']
  const lower = (names: readonly string[] | undefined) => (names ?? []).map((name) => name.toLowerCase())
  return {
    authority: file ? readFileSync(file, 'utf8') : own.authority,
    allowedNames: flags['requestheader-allowed-names'] ?? (file ? [] : [own.name]),
    usernameHeaders: lower(flags['requestheader-username-headers'] ?? ['x-remote-user']),
    uidHeaders: lower(flags['requestheader-uid-headers'] ?? ['x-remote-uid']),
    groupHeaders: lower(flags['requestheader-group-headers'] ?? ['x-remote-group']),
    extraPrefixes: lower(flags['requestheader-extra-headers-prefix'] ?? ['x-remote-extra-']),
  }
}
