import type { ApiReply, WatchSink } from '../api/exchange.ts'
import { StatusError } from '../api/status-error.ts'
import type { Clock } from '../base/clock.ts'
import type { WatchCache, Watching, WatchOptions } from './watch-cache.ts'

export interface WatchCall {
  readonly cache: WatchCache
  readonly options: WatchOptions
  /** How long it lasts. */
  readonly seconds: number
  /** What is watched. */
  readonly objects: { readonly apiVersion: string; readonly kind: string }
  /** The sink to give to the cache so that events arrive as the caller wants them. */
  readonly shownTo: (sink: WatchSink) => WatchSink
  readonly signal: AbortSignal
  readonly clock: Clock
}

/** As upstream: so long before its end a watch tells for the last time how far it has seen. */
const lastBookmarkSeconds = 2

/** A watch that ends when its time is up, or when its caller goes away; what goes wrong is told as an event. */
export const watchReply = ({ cache, options, seconds, objects, shownTo, signal, clock }: WatchCall): ApiReply => ({
  status: 200,
  headers: { 'content-type': 'application/json' },
  body: {
    type: 'watch',
    objects,
    open(sink) {
      let watching: Watching
      try {
        watching = cache.watch(options, shownTo(sink))
      } catch (error) {
        if (!(error instanceof StatusError)) throw error
        const object = error.status()
        sink.event({ type: 'ERROR', object, bytes: () => Buffer.from(`${JSON.stringify({ type: 'ERROR', object })}\n`) })
        sink.end()
        return
      }
      const isLongEnough = options.bookmarks && seconds > lastBookmarkSeconds
      const cancelBookmark = isLongEnough ? clock.after((seconds - lastBookmarkSeconds) * 1000, () => watching.sendBookmark()) : undefined
      const cancel = clock.after(seconds * 1000, () => {
        signal.removeEventListener('abort', gone)
        watching.stop()
        sink.end()
      })
      const gone = () => {
        cancelBookmark?.()
        cancel()
        watching.stop()
      }
      if (signal.aborted) gone()
      else signal.addEventListener('abort', gone, { once: true })
    },
  },
})
