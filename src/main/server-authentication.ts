import { readFileSync } from 'node:fs'
import type { UserInfo } from '../api/exchange.ts'
import type { Clock } from '../base/clock.ts'
import type { Random } from '../base/random.ts'
import type { ApiServerFlags } from '../cli/api-server-flags.ts'
import { bootstrapTokenVerifier } from '../server/authentication/bootstrap-tokens.ts'
import { serviceAccountVerifier } from '../server/authentication/service-account-verifier.ts'
import { parseTokenFile } from '../server/authentication/token-file.ts'
import { firstToKnow } from '../server/authentication/token-verdict.ts'
import { type AuthenticationFactory, createAuthentication } from '../server/authentication.ts'
import { defaultIssuer, type ServiceAccountTokens, serviceAccountTokens } from '../server/service-account-tokens.ts'

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

/** All ways to say who one is that the flags turn on. */
export function authenticationFor(
  flags: ApiServerFlags,
  { tokens, adminToken }: { tokens: ServiceAccountTokens; adminToken: string },
): AuthenticationFactory {
  return {
    create(parts) {
      const admin: UserInfo = { name: 'admin', groups: ['system:masters'] }
      const { audiences } = tokens.policy
      return createAuthentication({
        staticTokens: new Map([...tokensIn(flags['token-auth-file']), [adminToken, admin]]),
        verifyToken: firstToKnow([
          serviceAccountVerifier(tokens, parts),
          // Upstream has them off, and its installers turn them on.
          ...((flags['enable-bootstrap-token-auth'] ?? true) ? [bootstrapTokenVerifier(audiences, parts)] : []),
        ]),
        audiences,
        allowsAnonymous: () => flags['anonymous-auth'] ?? true,
        clock: parts.clock,
      })
    },
  }
}

const tokensIn = (file: string | undefined) => (file === undefined ? [] : parseTokenFile(readFileSync(file, 'utf8')))
