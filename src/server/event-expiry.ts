import type { Kind } from '../api/kind.ts'
import { hasReason } from '../api/status-error.ts'
import { timeOf } from '../api/timestamp.ts'
import type { Event } from '../api/types/core-v1.ts'
import type { Clock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import { bootstrapWrites } from './own-writes.ts'
import type { Registry } from './registry.ts'
import { mapInSlices } from './slices.ts'
import type { CacheEntry } from './watch-cache.ts'

/** How long an event is kept after it was written last: upstream's `--event-ttl`. */
const keptMs = 3_600_000
const sweepMs = 60_000
/** How many are deleted at once; they share a sync of the disk. */
const deletedTogether = 50

/** When an entry was written, as far as is known. */
interface Written {
  readonly revision: number
  readonly atMs: number
}

/** Deletes events that nobody wrote for an hour, until the signal aborts: nobody else would, and there is always a new one. */
export function expireEvents(
  { registry, kind, clock, log }: { registry: Registry; kind: Kind; clock: Clock; log: Log },
  signal: AbortSignal,
): void {
  let known: ReadonlyMap<string, Written> = new Map()
  let cancel = () => {}
  const wait = () => {
    if (signal.aborted) return
    cancel = clock.after(sweepMs, () => {
      sweep().then(wait, (error: unknown) => {
        log.error('Cannot delete old events', { error })
        wait()
      })
    })
  }
  signal.addEventListener('abort', () => cancel(), { once: true })
  wait()

  async function sweep(): Promise<void> {
    const cache = await registry.cache(kind)
    const nowMs = clock.now()
    const entries = [...cache.range(cache.prefix)]
    const written = await mapInSlices(entries, (entry) => writtenOf(entry, known.get(entry.key), nowMs))
    known = new Map(entries.map(({ key }, index) => [key, written[index] as Written]))
    const old = entries.filter((_, index) => nowMs - (written[index]?.atMs ?? nowMs) >= keptMs)
    for (let first = 0; first < old.length && !signal.aborted; first += deletedTogether)
      await Promise.all(old.slice(first, first + deletedTogether).map(remove))
  }

  async function remove(entry: CacheEntry): Promise<void> {
    const { namespace, name } = entry.glance().metadata
    const preconditions = { resourceVersion: String(entry.revision) }
    try {
      await registry.delete({ kind, namespace, name }, { ...bootstrapWrites, preconditions })
    } catch (error) {
      // It is gone, or somebody has just counted on it.
      if (!hasReason(error, 'NotFound', 'Conflict')) throw error
    }
  }
}

/** What changed between two looks was written then; of what is seen for the first time its own times tell, none of the future. */
function writtenOf(entry: CacheEntry, known: Written | undefined, nowMs: number): Written {
  const { revision } = entry
  if (known) return known.revision === revision ? known : { revision, atMs: nowMs }
  const { metadata, lastTimestamp, eventTime, series } = entry.glance() as Event
  const times = [metadata.creationTimestamp, lastTimestamp, eventTime, series?.lastObservedTime].map((text) => timeOf(text) ?? 0)
  return { revision, atMs: Math.min(nowMs, Math.max(...times)) }
}
