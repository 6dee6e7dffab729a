import type { ApiReply, ApiRequest, WatchSink } from '../api/exchange.ts'

/** Whether a reply goes on after it has begun. */
export const staysOpen = ({ body }: ApiReply): boolean => body.type === 'stream' || body.type === 'watch' || body.type === 'upgrade'

/**
 * The same reply, of which `ended` learns once when it is over: at once where everything is known, else when its source or
 * its reader ends it.
 */
export function whenReplyEnds({ signal }: Pick<ApiRequest, 'signal'>, reply: ApiReply, ended: () => void): ApiReply {
  const { body } = reply
  if (body.type !== 'stream' && body.type !== 'watch' && body.type !== 'upgrade') {
    ended()
    return reply
  }
  let isOver = false
  const over = () => {
    if (isOver) return
    isOver = true
    signal.removeEventListener('abort', over)
    ended()
  }
  if (signal.aborted) {
    over()
    return reply
  }
  signal.addEventListener('abort', over, { once: true })
  if (body.type === 'stream') return { ...reply, body: { ...body, stream: untilOver(body.stream, over) } }
  if (body.type === 'watch') return { ...reply, body: { ...body, open: (sink) => body.open(endingSink(sink, over)) } }
  return {
    ...reply,
    body: {
      ...body,
      connect(socket, head) {
        socket.once('close', over)
        body.connect(socket, head)
      },
    },
  }
}

async function* untilOver(stream: AsyncIterable<Uint8Array>, over: () => void): AsyncGenerator<Uint8Array> {
  try {
    yield* stream
  } finally {
    over()
  }
}

const endingSink = (sink: WatchSink, over: () => void): WatchSink => ({
  event(event) {
    const isTaken = sink.event(event)
    if (!isTaken) over()
    return isTaken
  },
  ...(sink.ready && { ready: () => sink.ready?.() ?? Promise.resolve() }),
  end() {
    over()
    sink.end()
  },
})
