import type { Duplex } from 'node:stream'
import type { Clock } from '../../base/clock.ts'
import { flushed, outcomeText, type ProcessStreams, parseSize, type TerminalSize } from './process-streams.ts'
import { serveSpdy } from './spdy-connection.ts'
import type { Upgrade } from './upgrade.ts'
import type { WantedStreams } from './websocket-streams.ts'

export const spdyProcessProtocols = ['v4.channel.k8s.io', 'v3.channel.k8s.io', 'v2.channel.k8s.io', 'channel.k8s.io'] as const

const streamTimeoutMs = 30_000

type StreamType = 'error' | 'stdin' | 'stdout' | 'stderr' | 'resize'

/** Waits for the streams that the client opens, one for each that it asked for and one for errors. */
export async function spdyStreams({
  socket,
  head,
  wanted,
  protocol,
  clock,
}: Upgrade & { wanted: WantedStreams; protocol: string; clock: Clock }): Promise<ProcessStreams | undefined> {
  const resizes = wanted.resize && /^v[34]\./.test(protocol)
  const expected: readonly StreamType[] = [
    'error',
    ...(wanted.stdin ? (['stdin'] as const) : []),
    ...(wanted.stdout ? (['stdout'] as const) : []),
    ...(wanted.stderr ? (['stderr'] as const) : []),
    ...(resizes ? (['resize'] as const) : []),
  ]
  const found = new Map<string, Duplex>()
  const gone = new AbortController()
  let complete: (done: boolean) => void = () => {}
  const completed = new Promise<boolean>((resolve) => {
    complete = resolve
  })
  const connection = serveSpdy(socket, head, ({ headers, stream }) => {
    const type = headers.streamtype ?? ''
    if (found.has(type) || !expected.some((name) => name === type)) return void stream.destroy()
    found.set(type, stream)
    if (found.size === expected.length) complete(true)
  })
  const over = connection.closed.finally(() => {
    gone.abort()
    complete(false)
  })
  // A broken protocol is the client's own affair: the connection is closed already.
  over.catch(() => {})
  const cancel = clock.after(streamTimeoutMs, () => complete(false))
  const all = await completed
  cancel()
  if (!all) {
    connection.close()
    return undefined
  }
  const [errors, stdin, stdout, stderr, resize] = (['error', 'stdin', 'stdout', 'stderr', 'resize'] as const).map((type) => found.get(type))
  // What the client would send on these is nothing; without a reader their ends would not be seen.
  for (const stream of [errors, stdout, stderr]) stream?.resume()
  const sizes = resize && readSizes(resize)
  return {
    stdin,
    stdout,
    stderr,
    onResize: (listener) => sizes?.listen(listener),
    gone: gone.signal,
    async finish(outcome) {
      const text = outcomeText(outcome, protocol.startsWith('v4.'))
      await Promise.all([stdout, stderr].map(flushed))
      // Clients take the end of their input's stream for word that nobody reads it any more: it comes last.
      for (const stream of [resize, stdin]) stream?.end()
      await new Promise<void>((resolve) => {
        if (!errors || errors.destroyed) return resolve()
        errors.once('close', resolve)
        errors.end(text, () => resolve())
      })
      connection.close()
    },
  }
}

const maxSizeBytes = 1024

/** Documents such as {"Width":80,"Height":24}, written one after the other. */
function readSizes(stream: Duplex): { listen(listener: (size: TerminalSize) => void): void } {
  let text = ''
  let last: TerminalSize | undefined
  let onSize: ((size: TerminalSize) => void) | undefined
  stream.on('data', (chunk: Buffer) => {
    const documents = (text + chunk.toString()).split('}')
    text = (documents.pop() ?? '').slice(-maxSizeBytes)
    for (const document of documents) {
      const size = parseSize(`${document}}`)
      if (!size) continue
      last = size
      onSize?.(size)
    }
  })
  return {
    listen(listener) {
      onSize = listener
      if (last) listener(last)
    },
  }
}
