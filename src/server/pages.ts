import { isJsonObject } from '../api/merge-patch.ts'
import { StatusError } from '../api/status-error.ts'
import type { ListMeta } from '../api/types/meta-v1.ts'
import { CompactedError, type Store } from '../store/store.ts'
import { CacheEntry, type EntryFilter, type WatchCache } from './watch-cache.ts'

export interface Page {
  readonly entries: readonly CacheEntry[]
  readonly metadata: ListMeta
}

/**
 * One page of a list. The first comes from the cache and names its revision; later ones show the same snapshot, which only
 * the store still has.
 */
export async function pageOf({
  store,
  cache,
  prefix,
  filter,
  isFiltered,
  parameters,
}: {
  store: Store
  cache: WatchCache
  prefix: string
  filter: EntryFilter
  isFiltered: boolean
  parameters: URLSearchParams
}): Promise<Page> {
  const limit = Number(parameters.get('limit') ?? 0)
  if (!Number.isSafeInteger(limit) || limit < 0) throw new StatusError('BadRequest', `limit: Invalid value: "${parameters.get('limit')}"`)
  const position = positionOf(parameters.get('continue') ?? '')
  const revision = position?.revision ?? cache.revision()
  const entries: CacheEntry[] = []
  let remaining = 0
  for (const entry of position ? await laterEntries(store, prefix, position) : cache.range(prefix)) {
    if (!filter(entry)) continue
    if (limit > 0 && entries.length >= limit) remaining++
    else entries.push(entry)
  }
  const last = entries.at(-1)
  return {
    entries,
    metadata: {
      resourceVersion: String(revision),
      ...(remaining > 0 && last && { continue: tokenOf({ revision, after: last.key }) }),
      // Upstream counts only where no selector decides.
      ...(remaining > 0 && !isFiltered && { remainingItemCount: remaining }),
    },
  }
}

interface Position {
  readonly revision: number
  readonly after: string
}

async function laterEntries(store: Store, prefix: string, { revision, after }: Position): Promise<readonly CacheEntry[]> {
  if (!after.startsWith(prefix)) throw notValid()
  try {
    const { entries } = await store.list(prefix, { revision, after })
    return entries.map((entry) => new CacheEntry(entry.key, entry.value, entry.revision))
  } catch (cause) {
    if (!(cause instanceof CompactedError)) throw cause
    throw new StatusError(
      'Expired',
      'The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter.',
    )
  }
}

const tokenOf = (position: Position) => Buffer.from(JSON.stringify(position)).toString('base64url')

function positionOf(token: string): Position | undefined {
  if (token === '') return undefined
  try {
    const value: unknown = JSON.parse(Buffer.from(token, 'base64url').toString())
    if (isJsonObject(value) && Number.isSafeInteger(value.revision) && typeof value.after === 'string')
      return { revision: Number(value.revision), after: value.after }
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
  }
  throw notValid()
}

const notValid = () => new StatusError('BadRequest', 'continue key is not valid')
