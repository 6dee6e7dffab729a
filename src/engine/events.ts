import { CriError } from '../cri/cri-error.ts'
import type { ContainerEventResponse } from '../cri/types.ts'

const maxWaiting = 1000

export interface Events {
  publish(event: ContainerEventResponse): void
  /** Events from now on. A reader that falls behind by a thousand loses the stream and has to list again. */
  subscribe(signal?: AbortSignal): AsyncIterable<ContainerEventResponse>
  close(): void
}

interface Subscriber {
  readonly waiting: ContainerEventResponse[]
  ended: 'no' | 'closed' | 'behind'
  wake(): void
}

export function createEvents(): Events {
  const subscribers = new Set<Subscriber>()
  return {
    publish(event) {
      for (const subscriber of subscribers) {
        if (subscriber.waiting.length >= maxWaiting) end(subscriber, 'behind')
        else subscriber.waiting.push(event)
        subscriber.wake()
      }
    },
    subscribe(signal) {
      const subscriber: Subscriber = { waiting: [], ended: signal?.aborted ? 'closed' : 'no', wake: () => {} }
      subscribers.add(subscriber)
      const onAbort = () => end(subscriber, 'closed')
      signal?.addEventListener('abort', onAbort, { once: true })
      return read(subscriber, () => {
        signal?.removeEventListener('abort', onAbort)
        subscribers.delete(subscriber)
      })
    },
    close() {
      for (const subscriber of subscribers) end(subscriber, 'closed')
    },
  }
}

function end(subscriber: Subscriber, how: 'closed' | 'behind'): void {
  subscriber.ended = how
  subscriber.wake()
}

async function* read(subscriber: Subscriber, leave: () => void): AsyncGenerator<ContainerEventResponse> {
  try {
    for (;;) {
      const event = subscriber.waiting.shift()
      if (event) yield event
      else if (subscriber.ended === 'behind') throw new CriError('RESOURCE_EXHAUSTED', 'the reader of container events fell behind')
      else if (subscriber.ended === 'closed') return
      else
        await new Promise<void>((resolve) => {
          subscriber.wake = resolve
        })
    }
  } finally {
    leave()
  }
}
