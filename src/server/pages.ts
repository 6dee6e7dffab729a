import { jsonSyntaxProblem } from '../api/json-syntax.ts'
import { isJsonObject } from '../api/merge-patch.ts'
import { StatusError } from '../api/status-error.ts'
import type { ListMeta } from '../api/types/meta-v1.ts'
import type { Clock } from '../base/clock.ts'
import { nextTurn } from '../base/turns.ts'
import { CompactedError } from '../store/store.ts'
import type { ReadableStore } from './custom-resources/converted-store.ts'
import { listAt, tooLarge } from './read-options.ts'
import { CacheEntry, type EntryFilter, type WatchCache } from './watch-cache.ts'

export interface Page {
  readonly entries: readonly CacheEntry[]
  readonly metadata: ListMeta
}

interface PageRequest {
  readonly store: Pick<ReadableStore, 'list'>
  readonly cache: WatchCache
  readonly clock: Clock
  readonly prefix: string
  /** Undefined: everything. */
  readonly filter: EntryFilter | undefined
  readonly parameters: URLSearchParams
}

/** What is left of a list: the revision that it shows, the last key that was shown, and how many come after it. */
interface Position {
  readonly revision: number
  readonly after: string
  /** Unknown where a selector decides. */
  readonly remaining?: number
}

/** In a token: go on with what is there now, since the list's own revision is gone. */
const anyRevision = -1
/** How long a read waits for a revision that is still to come. */
const waitMs = 3000
/** How many entries are read from the store before others get a turn. */
const storeSlice = 250
/** How many entries of the cache are looked at in one go: where all of them have to be decoded, two to five milliseconds' worth. */
const filterSlice = 250

/**
 * One page of a list. The first comes from the cache and names its revision; later ones, and lists of an older revision,
 * show one snapshot, which only the store still has.
 */
export async function pageOf(request: PageRequest): Promise<Page> {
  const { cache, prefix, parameters, clock } = request
  // As upstream: what is there, however old, is shown as a whole.
  const limit = parameters.get('resourceVersion') === '0' ? 0 : limitOf(parameters)
  const position = positionOf(parameters.get('continue') ?? '', prefix)
  const at = listAt(parameters)
  // What is given out names a revision that this cache has shown.
  if (position && position.revision > cache.revision()) throw notValid()
  if (position) return olderPage(request, position.revision === anyRevision ? { ...position, revision: cache.revision() } : position, limit)
  if (at.type !== 'newest' && !(await cache.reaches(at.revision, clock, waitMs))) throw tooLarge(at.revision, cache.revision())
  if (at.type === 'exact' && at.revision !== cache.revision()) return olderPage(request, { revision: at.revision, after: '' }, limit)
  return newestPage(request, limit)
}

async function newestPage({ cache, prefix, filter }: PageRequest, limit: number): Promise<Page> {
  const revision = cache.revision()
  if (filter) {
    const found = await firstMatches(cache.snapshot(prefix), filter, limit > 0 ? limit + 1 : Number.POSITIVE_INFINITY)
    return pageFrom(limit > 0 ? found.slice(0, limit) : found, { revision, isCut: limit > 0 && found.length > limit })
  }
  if (limit === 0) return pageFrom(cache.snapshot(prefix), { revision, isCut: false })
  const entries: CacheEntry[] = []
  for (const entry of cache.range(prefix)) {
    if (entries.length >= limit) break
    entries.push(entry)
  }
  const remaining = cache.count(prefix) - entries.length
  return pageFrom(entries, { revision, isCut: remaining > 0, remaining })
}

/** The first of those that match, no more than `count`, with the loop free for others in between. */
async function firstMatches(entries: readonly CacheEntry[], filter: EntryFilter, count: number): Promise<readonly CacheEntry[]> {
  const found: CacheEntry[] = []
  for (let first = 0; first < entries.length && found.length < count; first += filterSlice) {
    if (first > 0) await nextTurn()
    for (const entry of entries.slice(first, first + filterSlice)) if (found.length < count && filter(entry)) found.push(entry)
  }
  return found
}

/** Reads on from the store until the page is full or nothing is left. */
async function olderPage({ store, prefix, filter }: PageRequest, position: Position, limit: number): Promise<Page> {
  const { revision } = position
  const entries: CacheEntry[] = []
  let after = position.after
  for (;;) {
    // Where a selector may leave out nearly all, a few more are no fewer reads.
    const wanted = limit > 0 && !filter ? limit + 1 - entries.length : storeSlice
    const read = await snapshot(store, prefix, { revision, after, limit: Math.min(wanted, storeSlice) }, position.after !== '')
    for (const { key, value, revision: written } of read.entries) {
      const entry = new CacheEntry(key, value, written)
      if (!filter || filter(entry)) entries.push(entry)
      if (limit > 0 && entries.length > limit) break
    }
    after = read.entries.at(-1)?.key ?? after
    if (!read.more || (limit > 0 && entries.length > limit)) break
    await nextTurn()
  }
  const isCut = limit > 0 && entries.length > limit
  const shown = isCut ? entries.slice(0, limit) : entries
  const remaining = position.remaining === undefined ? undefined : position.remaining - shown.length
  return pageFrom(shown, { revision, isCut, ...(remaining !== undefined && { remaining }) })
}

async function snapshot(
  store: Pick<ReadableStore, 'list'>,
  prefix: string,
  { revision, after, limit }: { revision: number; after: string; limit: number },
  isContinued: boolean,
) {
  try {
    return await store.list(prefix, { revision, limit, ...(after !== '' && { after }) })
  } catch (cause) {
    if (!(cause instanceof CompactedError)) throw cause
    if (!isContinued) throw new StatusError('Expired', 'The resourceVersion for the provided list is too old.')
    throw new StatusError('Expired', tooOld, undefined, { continue: tokenOf({ revision: anyRevision, after }) })
  }
}

const tooOld =
  'The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.'

function pageFrom(
  entries: readonly CacheEntry[],
  { revision, isCut, remaining }: { revision: number; isCut: boolean; remaining?: number },
): Page {
  const last = entries.at(-1)
  // Upstream counts only where no selector decides.
  const count = remaining !== undefined && remaining > 0 ? remaining : undefined
  return {
    entries,
    metadata: {
      resourceVersion: String(revision),
      ...(isCut && last && { continue: tokenOf({ revision, after: last.key, ...(count !== undefined && { remaining: count }) }) }),
      ...(isCut && count !== undefined && { remainingItemCount: count }),
    },
  }
}

function limitOf(parameters: URLSearchParams): number {
  const limit = Number(parameters.get('limit') ?? 0)
  if (Number.isSafeInteger(limit) && limit >= 0) return limit
  throw new StatusError('BadRequest', `limit: Invalid value: "${parameters.get('limit')}"`)
}

const tokenOf = (position: Position) => Buffer.from(JSON.stringify(position)).toString('base64url')

function positionOf(token: string, prefix: string): Position | undefined {
  if (token === '') return undefined
  const { revision, after, remaining } = parsed(token)
  // Somebody else's token must not lead out of the list that is asked for.
  if (!Number.isSafeInteger(revision) || typeof after !== 'string' || !after.startsWith(prefix)) throw notValid()
  return { revision: Number(revision), after, ...(Number.isSafeInteger(remaining) && { remaining: Number(remaining) }) }
}

function parsed(token: string): Record<string, unknown> {
  const bytes = Buffer.from(token, 'base64url')
  try {
    const value: unknown = JSON.parse(bytes.toString())
    if (isJsonObject(value)) return value
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    throw notValid(jsonSyntaxProblem(bytes.toString('latin1')))
  }
  throw notValid()
}

const notValid = (why?: string) =>
  new StatusError('BadRequest', `invalid continue token: continue key is not valid${why === undefined ? '' : `: ${why}`}`)
