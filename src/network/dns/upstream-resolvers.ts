import { readFile, stat } from 'node:fs/promises'
import { hasErrorCode } from '../../base/error-code.ts'

export interface Resolver {
  readonly address: string
  readonly port: number
}

/** The `nameserver` lines of a resolv.conf, without our own addresses: asking ourselves would never end. */
export function parseResolvers(text: string, ownAddresses: readonly string[]): Resolver[] {
  return text
    .split('\n')
    .map((line) => /^\s*nameserver\s+(\S+)/.exec(line)?.[1])
    .filter((address) => address !== undefined && !ownAddresses.includes(address))
    .map((address) => ({ address: address ?? '', port: 53 }))
}

/** Reads the file again when it has changed, looking at most as often as it is asked. */
export function resolversOf(file: string, ownAddresses: readonly string[]): () => Promise<readonly Resolver[]> {
  let known: { changedMs: number; resolvers: readonly Resolver[] } | undefined
  return async () => {
    try {
      const { mtimeMs } = await stat(file)
      if (known?.changedMs !== mtimeMs)
        known = { changedMs: mtimeMs, resolvers: parseResolvers(await readFile(file, 'utf8'), ownAddresses) }
    } catch (error) {
      // Replaced just now, or never there: what was known goes on.
      if (!hasErrorCode(error, 'ENOENT')) throw error
    }
    return known?.resolvers ?? []
  }
}
