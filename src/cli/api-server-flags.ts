import { existsSync, readFileSync } from 'node:fs'
import { writeAtomically } from '../base/write-atomically.ts'
import { admissionFlags } from './admission-flags.ts'
import { auditFlags } from './audit-flags.ts'
import { authenticationFlags } from './authentication-flags.ts'
import { authorizationFlags } from './authorization-flags.ts'
import type { Places } from './cluster.ts'
import { CliError } from './context.ts'
import { requestFlags } from './request-flags.ts'
import { storageFlags } from './storage-flags.ts'

/**
 * Upstream's flags of kube-apiserver that are understood, as `up --kube-apiserver-arg NAME=VALUE` takes them. They are kept
 * with the cluster's data and read by main/server.ts; files that they name are read when the server starts.
 */
const readers = {
  /** Turns groups and versions on or off: `GROUP/VERSION=true,api/all=true`. */
  'runtime-config': pairs,
  ...admissionFlags,
  ...authenticationFlags,
  ...authorizationFlags,
  ...requestFlags,
  ...auditFlags,
  ...storageFlags,
} satisfies Record<string, (values: readonly string[], flag: string) => unknown>

/** Each flag that was given, read. */
export type ApiServerFlags = { readonly [Flag in keyof typeof readers]?: ReturnType<(typeof readers)[Flag]> }

/** From `NAME=VALUE` each; a flag given twice has both values. Throws words for what is unknown or malformed. */
export function parseApiServerFlags(texts: readonly string[]): ApiServerFlags {
  const values = new Map<string, string[]>()
  for (const text of texts) {
    const [, name = '', value = ''] = /^(?:--)?([a-z0-9-]+)=(.*)$/s.exec(text) ?? []
    if (!Object.hasOwn(readers, name))
      throw new CliError(
        `Unknown flag of the API server: ${JSON.stringify(text)}; known are ${Object.keys(readers).join(', ')}, each with =VALUE`,
      )
    values.set(name, [...(values.get(name) ?? []), value])
  }
  const flags = [...values].map(([name, given]) => [name, readers[name as keyof typeof readers](given, name)])
  return Object.fromEntries(flags) as ApiServerFlags
}

export const keepApiServerFlags = ({ apiServerFlagsFile }: Places, texts: readonly string[]): Promise<void> =>
  writeAtomically(apiServerFlagsFile, `${JSON.stringify(texts, undefined, 2)}\n`)

export const readApiServerFlags = ({ apiServerFlagsFile }: Places): ApiServerFlags =>
  existsSync(apiServerFlagsFile) ? parseApiServerFlags(JSON.parse(readFileSync(apiServerFlagsFile, 'utf8')) as string[]) : {}

/** `KEY=true,OTHER=false`. */
function pairs(values: readonly string[], flag: string): ReadonlyMap<string, boolean> {
  const read = new Map<string, boolean>()
  for (const pair of values.flatMap((value) => value.split(',')).filter((text) => text !== '')) {
    const [, key, value] = /^([^=]+)=(true|false)$/.exec(pair) ?? []
    if (key === undefined) throw new CliError(`${flag}: ${JSON.stringify(pair)} is not KEY=true or KEY=false`)
    read.set(key, value === 'true')
  }
  return read
}
