/** How long a container's next start waits, as upstream's flowcontrol.Backoff: kept per container, begun at its second start. */
export interface BackoffEntry {
  readonly delayMs: number
  /** When the entry was made or doubled. */
  readonly atMs: number
}

export interface BackoffLimits {
  readonly firstMs: number
  readonly maxMs: number
}

export const crashLoop: BackoffLimits = { firstMs: 10_000, maxMs: 300_000 }
export const imagePull: BackoffLimits = { firstMs: 10_000, maxMs: 300_000 }

/** An entry that was not touched for twice the longest delay counts no more. */
const hasExpired = ({ maxMs }: BackoffLimits, entry: BackoffEntry, atMs: number) => atMs - entry.atMs > 2 * maxMs

/** When the wait that began with the event at `sinceMs` is over; undefined where there is none. */
export function backoffEndMs(limits: BackoffLimits, entry: BackoffEntry | undefined, sinceMs: number): number | undefined {
  return entry && !hasExpired(limits, entry, sinceMs) ? sinceMs + entry.delayMs : undefined
}

/** The entry once the thing is tried again. */
export function nextBackoff(limits: BackoffLimits, entry: BackoffEntry | undefined, sinceMs: number, nowMs: number): BackoffEntry {
  const delayMs = entry && !hasExpired(limits, entry, sinceMs) ? Math.min(entry.delayMs * 2, limits.maxMs) : limits.firstMs
  return { delayMs, atMs: nowMs }
}

/** What a kubelet that has just started takes for the entry: a container that was restarted and did not hold for long goes on waiting. */
export function recalledBackoff(
  limits: BackoffLimits,
  { attempt, startedAtMs, finishedAtMs }: { attempt: number; startedAtMs: number; finishedAtMs: number },
): BackoffEntry | undefined {
  if (attempt === 0 || finishedAtMs - startedAtMs > 2 * limits.maxMs) return undefined
  return { delayMs: Math.min(limits.firstMs * 2 ** Math.min(attempt - 1, 30), limits.maxMs), atMs: startedAtMs }
}
