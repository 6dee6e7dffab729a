import { Readable, Writable } from 'node:stream'
import type { RawData, WebSocket } from 'ws'
import { flushed, outcomeText, type ProcessStreams, parseSize, type TerminalSize } from './process-streams.ts'

/** The subprotocols of Kubernetes' exec and attach over WebSocket: the first byte of a message is its channel. */
export const processProtocols = [
  'v5.channel.k8s.io',
  'v4.channel.k8s.io',
  'v4.base64.channel.k8s.io',
  'channel.k8s.io',
  'base64.channel.k8s.io',
] as const

const channels = { stdin: 0, stdout: 1, stderr: 2, error: 3, resize: 4, close: 255 } as const

export interface WantedStreams {
  readonly stdin: boolean
  readonly stdout: boolean
  readonly stderr: boolean
  readonly resize: boolean
}

export function webSocketStreams(socket: WebSocket, wanted: WantedStreams): ProcessStreams {
  const base64 = socket.protocol.includes('base64.')
  const asStatus = /^v[45]\./.test(socket.protocol)
  const gone = new AbortController()
  let onSize: ((size: TerminalSize) => void) | undefined
  let lastSize: TerminalSize | undefined

  const send = (channel: number, data: Buffer, callback: (error?: Error | null) => void): void => {
    if (base64) socket.send(`${channel}${data.toString('base64')}`, { binary: false }, callback)
    else socket.send(Buffer.concat([Buffer.of(channel), data]), { binary: true }, callback)
  }
  const output = (channel: number): Writable =>
    new Writable({
      write: (chunk: Buffer, _, callback) => send(channel, chunk, callback),
    })
  const stdin = wanted.stdin ? new Readable({ read: () => socket.resume() }) : undefined
  const stdout = wanted.stdout ? output(channels.stdout) : undefined
  const stderr = wanted.stderr ? output(channels.stderr) : undefined

  let stdinOpen = true
  const endStdin = (): void => {
    stdinOpen = false
    stdin?.push(null)
  }
  const receive = (channel: number, data: Buffer): void => {
    switch (channel) {
      case channels.stdin:
        if (stdin && stdinOpen && data.length > 0 && !stdin.push(data)) socket.pause()
        return
      case channels.resize: {
        const size = parseSize(data.toString())
        if (!size) return
        lastSize = size
        onSize?.(size)
        return
      }
      case channels.close:
        // Since v5: the client closes one of its channels, and has but one that can be closed.
        if (data[0] === channels.stdin) endStdin()
    }
  }
  socket.on('message', (message: RawData, isBinary: boolean) => {
    const bytes = bytesOf(message)
    if (base64 && !isBinary) receive((bytes[0] ?? 0) - 48, Buffer.from(bytes.subarray(1).toString(), 'base64'))
    else receive(bytes[0] ?? -1, bytes.subarray(1))
  })
  // A protocol error closes too.
  socket.on('error', () => {})
  socket.on('close', () => {
    endStdin()
    gone.abort()
  })
  // As Kubernetes: an empty message on the lowest channel that the client reads says that the connection stands.
  send(stdout ? channels.stdout : stderr ? channels.stderr : channels.error, Buffer.alloc(0), () => {})

  return {
    stdin,
    stdout,
    stderr,
    onResize(listener) {
      onSize = listener
      if (lastSize) listener(lastSize)
    },
    gone: gone.signal,
    async finish(outcome) {
      await Promise.all([stdout, stderr].map(flushed))
      const text = outcomeText(outcome, asStatus)
      if (text !== '') await new Promise<void>((resolve) => send(channels.error, Buffer.from(text), () => resolve()))
      // The client's side of the closing handshake has to be read.
      socket.resume()
      socket.close(1000)
    },
  }
}

function bytesOf(message: RawData): Buffer {
  if (Array.isArray(message)) return Buffer.concat(message)
  return Buffer.isBuffer(message) ? message : Buffer.from(message)
}
