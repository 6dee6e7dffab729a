import { type AuthorizationMode, authorizationModes } from '../server/authorization/modes.ts'
import { CliError } from './context.ts'
import { durationMs, text, textList } from './flag-values.ts'

/** Flags that say who may do what. */
export const authorizationFlags = {
  /** Who is asked, in order. */
  'authorization-mode': modes,
  /** A file with an AuthorizationConfiguration, in place of the other flags. */
  'authorization-config': text,
  /** The kubeconfig of whom the mode Webhook asks. */
  'authorization-webhook-config-file': text,
  'authorization-webhook-version': text,
  'authorization-webhook-cache-authorized-ttl': durationMs,
  'authorization-webhook-cache-unauthorized-ttl': durationMs,
}

function modes(values: readonly string[], flag: string): readonly AuthorizationMode[] {
  const given = textList(values)
  const known = given.flatMap((name) => authorizationModes.filter((mode) => mode === name))
  const unknown = given.find((name) => !known.some((mode) => mode === name))
  if (unknown !== undefined)
    throw new CliError(`${flag}: ${JSON.stringify(unknown)} is not a valid mode; known are ${authorizationModes.join(', ')}`)
  if (new Set(known).size < known.length) throw new CliError(`${flag}: ${known.join(',')} has a mode more than once`)
  if (known.length === 0) throw new CliError(`${flag}: at least one mode must be passed`)
  return known
}
