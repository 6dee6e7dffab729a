import { readFileSync } from 'node:fs'
import type { ApiServerFlags } from '../cli/api-server-flags.ts'
import type { JwtIssuer } from '../server/authentication/jwt-verifier.ts'

/** The issuer that upstream's `--oidc-*` flags describe; undefined: they are not used. */
export function oidcIssuer(flags: ApiServerFlags): JwtIssuer | undefined {
  const [url, client] = [flags['oidc-issuer-url'], flags['oidc-client-id']]
  if (!Object.keys(flags).some((flag) => flag.startsWith('oidc-'))) return undefined
  if (!url || !client) throw new Error('oidc-issuer-url and oidc-client-id must be specified together when any oidc-* flags are set')
  if (!url.startsWith('https://')) throw new Error(`oidc-issuer-url: Invalid value: ${JSON.stringify(url)}: URL scheme must be https`)
  const authority = flags['oidc-ca-file']
  const claim = flags['oidc-username-claim'] ?? 'sub'
  const groups = flags['oidc-groups-claim']
  return {
    url,
    ...(authority && { authority: readFileSync(authority, 'utf8') }),
    audiences: [client],
    algorithms: flags['oidc-signing-algs'] ?? ['RS256'],
    rules: {
      username: { type: 'claim', claim, prefix: usernamePrefix(flags['oidc-username-prefix'], claim, url) },
      ...(groups && { groups: { type: 'claim', claim: groups, prefix: flags['oidc-groups-prefix'] ?? '' } }),
      extra: [],
      claims: [...(flags['oidc-required-claim'] ?? [])].map(([name, value]) => ({ type: 'claim', claim: name, value })),
      user: [],
    },
  }
}

/** Users of an issuer are told from others by its URL, unless they are named by their address, or `-` says not to. */
function usernamePrefix(given: string | undefined, claim: string, url: string): string {
  if (given === '-') return ''
  return given || (claim === 'email' ? '' : `${url}#`)
}
