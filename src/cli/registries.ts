import { existsSync, readFileSync } from 'node:fs'
import { parse, YAMLParseError } from 'yaml'
import { isJsonObject } from '../api/merge-patch.ts'
import { writeAtomically } from '../base/write-atomically.ts'
import type { RegistryOptions } from '../oci/registry-client.ts'
import type { Places } from './cluster.ts'
import { CliError } from './context.ts'

/**
 * How image registries are reached, as a file of YAML that `up --registries FILE` keeps with the cluster's data:
 *
 *   mirrors:                                   # tried in order before the registry itself; "*" is for all
 *     docker.io: [https://mirror.example:5000]
 *   plainHttp: [registry.lan:5000]             # no TLS; addresses of this machine never need it
 *   certificateAuthority: |                    # trusted beside the system's
 *     -----BEGIN CERTIFICATE-----
 */
export function parseRegistries(text: string): RegistryOptions {
  const value = document(text) ?? {}
  if (!isJsonObject(value)) throw new CliError('The registries file is not a map of mirrors, plainHttp and certificateAuthority')
  const { mirrors = {}, plainHttp = [], certificateAuthority, ...unknown } = value
  const [surplus] = Object.keys(unknown)
  if (surplus !== undefined) throw new CliError(`The registries file has an unknown field: ${surplus}`)
  if (!isJsonObject(mirrors)) throw new CliError('mirrors: a map from registries to lists of URLs is wanted')
  for (const [registry, urls] of Object.entries(mirrors))
    if (!isTexts(urls) || !urls.every(isUrl)) throw new CliError(`mirrors.${registry}: a list of http or https URLs is wanted`)
  if (!isTexts(plainHttp)) throw new CliError('plainHttp: a list of HOST[:PORT] is wanted')
  if (
    certificateAuthority !== undefined &&
    !(typeof certificateAuthority === 'string' && certificateAuthority.includes('BEGIN CERTIFICATE'))
  )
    throw new CliError('certificateAuthority: certificates in PEM are wanted')
  return { mirrors: mirrors as Record<string, string[]>, plainHttp, ...(certificateAuthority !== undefined && { certificateAuthority }) }
}

/** The text of a user's file that is good. */
export function goodRegistries(file: string): string {
  const text = readFileSync(file, 'utf8')
  parseRegistries(text)
  return text
}

export const keepRegistries = ({ registriesFile }: Places, text: string): Promise<void> => writeAtomically(registriesFile, text)

export const readRegistries = ({ registriesFile }: Places): RegistryOptions =>
  existsSync(registriesFile) ? parseRegistries(readFileSync(registriesFile, 'utf8')) : {}

function document(text: string): unknown {
  try {
    return parse(text, { maxAliasCount: 0 })
  } catch (cause) {
    if (cause instanceof YAMLParseError || cause instanceof ReferenceError)
      throw new CliError(`The registries file is not YAML: ${cause.message}`, { cause })
    throw cause
  }
}

const isTexts = (value: unknown): value is string[] => Array.isArray(value) && value.every((item) => typeof item === 'string')
const isUrl = (text: string) => /^https?:\/\//.test(text) && URL.canParse(text)
