import type { KubeObject } from '../api/object.ts'
import { hasReason, StatusError } from '../api/status-error.ts'
import { backoffMs } from '../base/backoff.ts'
import { type Clock, sleep } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import type { Random } from '../base/random.ts'
import type { ListOptions, ResourceClient } from './client.ts'
import { step, type WatcherEvent, type WatcherInput, type WatcherState } from './watcher.ts'

/** As upstream's reflector: 800 ms doubling to 30 s, up to half of it random. */
const backoff = { firstMs: 800, maxMs: 30_000, jitter: 0.5 }
/** Bookmarks come every minute: a watch that is silent for longer hangs on a dead connection. */
const maxSilenceMs = 150_000

export interface WatcherOptions<T extends KubeObject> {
  readonly resource: ResourceClient<T>
  /** Left out: lists come whole. */
  readonly pageSize: number | undefined
  readonly selection: Pick<ListOptions, 'namespace' | 'labelSelector' | 'fieldSelector'>
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  onEvent(event: WatcherEvent<T>): void
}

/** Lists and watches until the signal aborts. `relist` begins again from a list, whatever goes on. */
export function createWatcher<T extends KubeObject>({ resource, pageSize, selection, clock, random, log, onEvent }: WatcherOptions<T>) {
  let state: WatcherState = { type: 'empty' }
  let attempt = 0
  let expiredMs = Number.NEGATIVE_INFINITY
  let session: AbortController | undefined

  const put = (input: WatcherInput<T>) => {
    const next = step(state, input)
    state = next.state
    for (const event of next.events) onEvent(event)
  }

  return {
    relist(): void {
      state = { type: 'empty' }
      session?.abort()
    },
    async run(signal: AbortSignal): Promise<void> {
      while (!signal.aborted) {
        session = new AbortController()
        const both = AbortSignal.any([signal, session.signal])
        try {
          await once(both)
          attempt = 0
        } catch (error) {
          if (signal.aborted) return
          if (session.signal.aborted) continue
          // An error that is not the API's is a bug of a listener or of ours: it must not end the watch silently.
          if (isExpired(error)) {
            put({ type: 'expired' })
            // Expected once in a while, and then nothing is made to wait; only a server that goes on so is.
            const isRare = clock.now() - expiredMs > backoff.maxMs
            expiredMs = clock.now()
            if (isRare) continue
          } else {
            put({ type: 'ended' })
            log.warn('A list or watch failed', { error })
          }
          await sleep(clock, backoffMs(backoff, attempt++, random), both)
        }
      }
    },
  }

  /** One list page, or one watch until it ends. */
  async function once(signal: AbortSignal): Promise<void> {
    if (state.type === 'empty' || state.type === 'listing') {
      const position = state.type === 'listing' ? { continue: state.continue } : {}
      const page = await resource.list({ ...selection, ...(pageSize !== undefined && { limit: pageSize }), ...position, signal })
      if (!signal.aborted) put({ type: 'page', page })
      return
    }
    const silence = watchSilence(signal)
    try {
      const events = resource.watch({ ...selection, resourceVersion: state.revision, signal: silence.signal })
      put({ type: 'opened' })
      for await (const event of events) {
        if (silence.signal.aborted) break
        silence.heard()
        put({ type: 'event', event })
        attempt = 0
      }
    } finally {
      silence.stop()
    }
    if (signal.aborted) return
    put({ type: 'ended' })
    // A server that ends each watch at once must not be asked in a tight loop.
    if (!silence.wasHeard()) await sleep(clock, backoffMs(backoff, attempt, random), signal)
  }

  /** A signal that also aborts once nothing was heard for too long. One timer, however many events come. */
  function watchSilence(signal: AbortSignal) {
    const silent = new AbortController()
    const beganMs = clock.now()
    let heardMs = beganMs
    let heardAny = false
    let cancel: () => void
    const arm = () => {
      cancel = clock.after(heardMs + maxSilenceMs - clock.now(), () => {
        if (clock.now() - heardMs >= maxSilenceMs) silent.abort()
        else arm()
      })
    }
    arm()
    return {
      signal: AbortSignal.any([signal, silent.signal]),
      heard() {
        heardMs = clock.now()
        heardAny = true
      },
      wasHeard: () => heardAny || clock.now() - beganMs > 1_000,
      stop: () => cancel(),
    }
  }
}

const isExpired = (error: unknown) => hasReason(error, 'Expired', 'Gone') || (error instanceof StatusError && error.code === 410)
