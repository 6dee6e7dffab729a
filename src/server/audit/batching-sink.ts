import { type BackoffPolicy, backoffMs } from '../../base/backoff.ts'
import { type Clock, sleep } from '../../base/clock.ts'
import type { Log } from '../../base/log.ts'
import type { Counter } from '../../base/metrics/metric-registry.ts'
import type { Random } from '../../base/random.ts'
import { Wakeup } from '../../base/wakeup.ts'
import type { AuditEvent, AuditSink } from './audit-event.ts'

export interface Batching {
  /** Events that wait; what comes beyond that is lost. */
  readonly bufferSize: number
  readonly maxBatchSize: number
  /** How long an event waits for others at most. */
  readonly maxWaitMs: number
  /** Batches a second, on average. */
  readonly throttleQps: number
  readonly retry: BackoffPolicy & { readonly attempts: number }
}

/** Upstream's. */
export const defaultBatching: Batching = {
  bufferSize: 10_000,
  maxBatchSize: 400,
  maxWaitMs: 30_000,
  throttleQps: 10,
  retry: { firstMs: 10_000, maxMs: 60_000, jitter: 0.2, attempts: 5 },
}

/**
 * Sends events many at a time, one batch after the other. A batch that cannot be delivered is tried a few times and then lost.
 *
 *   take ─▶ waiting ─400, or 30 s─▶ send ─fails─▶ again, after a delay that doubles ─▶ lost
 *            └─10,000 wait already─▶ lost
 */
export function createBatchingSink({
  batching,
  send,
  clock,
  random,
  log,
  lost,
}: {
  batching: Batching
  /** Throws when it could not be delivered. */
  send: (events: readonly AuditEvent[]) => Promise<void>
  clock: Clock
  random: Random
  log: Log
  lost: Counter
}): AuditSink {
  const { bufferSize, maxBatchSize, maxWaitMs, throttleQps, retry } = batching
  const ending = new AbortController()
  const wakeup = new Wakeup(ending.signal)
  const waiting: AuditEvent[] = []
  let cancel: (() => void) | undefined
  let isDue = false
  const running = run()

  return {
    take(event) {
      if (waiting.length >= bufferSize || ending.signal.aborted) return lost.add()
      waiting.push(event)
      if (waiting.length >= maxBatchSize) return due()
      cancel ??= clock.after(maxWaitMs, due)
    },
    async close() {
      ending.abort()
      await running
    },
  }

  function due(): void {
    isDue = true
    wakeup.signal()
  }

  async function run(): Promise<void> {
    for (;;) {
      while (!isDue && !ending.signal.aborted) await wakeup.wait()
      cancel?.()
      cancel = undefined
      isDue = false
      // What came before now is due, full batches of what comes meanwhile too.
      for (let owed = waiting.length; owed > 0; owed = waiting.length >= maxBatchSize ? waiting.length : owed) {
        const batch = waiting.splice(0, Math.min(owed, maxBatchSize))
        owed -= batch.length
        await deliver(batch)
        if (!ending.signal.aborted) await sleep(clock, 1000 / throttleQps, ending.signal)
      }
      if (waiting.length > 0) cancel ??= clock.after(maxWaitMs, due)
      else if (ending.signal.aborted) return
    }
  }

  async function deliver(batch: readonly AuditEvent[]): Promise<void> {
    for (let attempt = 0; ; attempt++) {
      try {
        return await send(batch)
      } catch (error) {
        if (attempt + 1 >= retry.attempts || ending.signal.aborted) {
          lost.add(batch.length)
          log.error('Cannot deliver audit events', { error, events: batch.length })
          return
        }
        await sleep(clock, backoffMs(retry, attempt, random), ending.signal)
      }
    }
  }
}
