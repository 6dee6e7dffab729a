import type { Clock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import type { Store } from '../store/store.ts'

/** How long history stays readable, as upstream keeps it. */
const historyMs = 300_000

/** Forgets history that is older than five to ten minutes, until the signal aborts. */
export function compactRegularly({ store, clock, log }: { store: Store; clock: Clock; log: Log }, signal: AbortSignal): void {
  if (signal.aborted) return
  let seen = store.revision()
  let cancel = () => {}
  const begin = () => {
    cancel = clock.after(historyMs, () => {
      const until = seen
      seen = store.revision()
      store.compact(until).then(begin, (error: unknown) => {
        log.error('Cannot compact the store', { error })
        begin()
      })
    })
    if (signal.aborted) cancel()
  }
  signal.addEventListener('abort', () => cancel(), { once: true })
  begin()
}
