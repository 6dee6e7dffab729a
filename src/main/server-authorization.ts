import { readFileSync } from 'node:fs'
import type { ApiServerFlags } from '../cli/api-server-flags.ts'
import { parseAuthorizationConfiguration } from '../server/authorization/authorization-configuration.ts'
import type { AuthorizerFactory } from '../server/authorization/authorizer.ts'
import { authorizerOf, defaultModes } from '../server/authorization/modes.ts'
import { webhookAuthorizer } from '../server/authorization/webhook-authorizer.ts'
import { webhookPoster } from './webhook-kubeconfig.ts'

const webhookTimeoutMs = 10_000

/** Everybody who is asked who may do what, in the order in which the flags name them. Throws where flags contradict each other. */
export function authorizersFor(flags: ApiServerFlags): AuthorizerFactory[] {
  const configuration = flags['authorization-config']
  if (configuration) return configured(flags, configuration)
  const modes = flags['authorization-mode'] ?? defaultModes
  if (flags['authorization-webhook-config-file'] && !modes.includes('Webhook'))
    throw new Error('cannot specify --authorization-webhook-config-file without mode Webhook')
  return modes.map((mode) => (mode === 'Webhook' ? webhook(flags) : authorizerOf(mode)))
}

function configured(flags: ApiServerFlags, file: string): AuthorizerFactory[] {
  const others = ['authorization-mode', 'authorization-webhook-config-file'] as const
  for (const other of others)
    if (flags[other] !== undefined) throw new Error(`--authorization-config can not be specified when --${other} is specified`)
  return parseAuthorizationConfiguration(readFileSync(file, 'utf8')).map((authorizer) => {
    if (authorizer.type !== 'Webhook') return authorizerOf(authorizer.type)
    const { kubeConfigFile, timeoutMs, ...options } = authorizer.webhook
    return webhookAuthorizer({ ...options, ask: webhookPoster({ file: kubeConfigFile, timeoutMs }).ask })
  })
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
