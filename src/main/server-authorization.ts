import type { ApiServerFlags } from '../cli/api-server-flags.ts'
import type { AuthorizerFactory } from '../server/authorization/authorizer.ts'
import { authorizerOf, defaultModes } from '../server/authorization/modes.ts'
import { webhookAuthorizer } from '../server/authorization/webhook-authorizer.ts'
import { webhookPoster } from './webhook-kubeconfig.ts'

const webhookTimeoutMs = 10_000

/** Everybody who is asked who may do what, in the order in which the flags name them. Throws where flags contradict each other. */
export function authorizersFor(flags: ApiServerFlags): AuthorizerFactory[] {
  const modes = flags['authorization-mode'] ?? defaultModes
  if (flags['authorization-webhook-config-file'] && !modes.includes('Webhook'))
    throw new Error('cannot specify --authorization-webhook-config-file without mode Webhook')
  return modes.map((mode) => authorizerOf(mode, () => webhook(flags)))
}

function webhook(flags: ApiServerFlags): AuthorizerFactory {
  const file = flags['authorization-webhook-config-file']
  if (!file) throw new Error("authorization-mode Webhook's authorization config file not passed")
  const version = flags['authorization-webhook-version'] ?? 'v1beta1'
  if (version !== 'v1' && version !== 'v1beta1') throw new Error(`--authorization-webhook-version: ${version} is not v1 or v1beta1`)
  const { ask } = webhookPoster({ file, timeoutMs: webhookTimeoutMs })
  const allowedMs = flags['authorization-webhook-cache-authorized-ttl']
  const refusedMs = flags['authorization-webhook-cache-unauthorized-ttl']
  return webhookAuthorizer({
    ask,
    version,
    ...(allowedMs !== undefined && { allowedMs }),
    ...(refusedMs !== undefined && { refusedMs }),
  })
}
