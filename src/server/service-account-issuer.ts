import type { ApiReply } from '../api/exchange.ts'
import { jsonReply } from './replies.ts'
import type { ServiceAccountTokens } from './service-account-tokens.ts'

const configurationPath = '/.well-known/openid-configuration'
const keysPath = '/openid/v1/jwks'
const cached = { 'cache-control': 'public, max-age=3600' }

/** By what others know tokens of this cluster's service accounts (OpenID Connect Discovery 1.0). Undefined for other paths. */
export function issuerHandler({
  tokens,
  server,
}: {
  tokens: ServiceAccountTokens
  /** `host:port` where this server is found. */
  server: string
}): (path: string) => Promise<ApiReply> | undefined {
  return (path) => (path === configurationPath ? configuration() : path === keysPath ? keySet() : undefined)

  async function configuration(): Promise<ApiReply> {
    const algorithms = (await tokens.keys()).flatMap(({ alg }) => alg ?? [])
    const document = {
      issuer: tokens.issuer,
      jwks_uri: tokens.policy.keysUrl ?? `https://${server}${keysPath}`,
      response_types_supported: ['id_token'],
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: [...new Set(algorithms)],
    }
    return jsonReply(200, document, { 'content-type': 'application/json', ...cached })
  }

  async function keySet(): Promise<ApiReply> {
    return jsonReply(200, { keys: await tokens.keys() }, { 'content-type': 'application/jwk-set+json', ...cached })
  }
}
