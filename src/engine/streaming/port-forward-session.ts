import type { Duplex } from 'node:stream'
import { connectLoopback } from '../../base/socket.ts'
import type { PortForwardRequest } from '../../cri/types.ts'
import type { EngineParts } from '../parts.ts'
import type { SpdyStream } from './spdy-connection.ts'

interface Pair {
  data?: Duplex
  error?: Duplex
  readonly cancel: () => void
}

/** The two streams of a forwarded connection belong together by their request id; one may not wait long for the other. */
const pairTimeoutMs = 30_000

/**
 * For each connection that the client forwards it opens a stream for data and one for the error that ends it, with
 * headers `streamtype`, `port` and `requestid`. An error stream that ends empty means success.
 */
export function portForwardSession(parts: EngineParts, { podSandboxId }: PortForwardRequest): (stream: SpdyStream) => void {
  const pairs = new Map<string, Pair>()
  return ({ headers, stream }) => {
    const { streamtype: type, port: portText = '', requestid: requestId = portText } = headers
    const port = Number(portText)
    if ((type !== 'data' && type !== 'error') || !Number.isInteger(port) || port < 1 || port > 65_535) return void stream.destroy()
    const pair = pairs.get(requestId) ?? {
      cancel: parts.clock.after(pairTimeoutMs, () => {
        pairs.get(requestId)?.data?.destroy()
        pairs.get(requestId)?.error?.destroy()
        pairs.delete(requestId)
      }),
    }
    if (pair[type]) return void stream.destroy()
    pair[type] = stream
    pairs.set(requestId, pair)
    // Both may end while they wait.
    stream.once('close', () => {
      if (pairs.get(requestId) !== pair) return
      pair.cancel()
      pairs.delete(requestId)
    })
    if (!pair.data || !pair.error) return
    pair.cancel()
    pairs.delete(requestId)
    void forward(parts, podSandboxId, port, pair.data, pair.error)
  }
}

async function forward(parts: EngineParts, sandboxId: string | undefined, port: number, data: Duplex, errors: Duplex): Promise<void> {
  errors.resume()
  try {
    const { infra, phase, config } = parts.sandboxes.find(sandboxId)
    if (phase !== 'ready' || !infra) throw new Error('the pod does not run any more')
    const hostNetwork = config.linux?.securityContext?.namespaceOptions?.network === 'NODE'
    const socket = connectLoopback(hostNetwork ? '/proc/thread-self/ns/net' : `/proc/${infra.pid}/ns/net`, port)
    await joined(data, socket)
    errors.end()
  } catch (error) {
    data.destroy()
    // In the words that clients know from containerd.
    errors.end(
      `failed to execute portforward in network namespace: failed to connect to localhost:${port} inside namespace of pod: ${error instanceof Error ? error.message : String(error)}`,
    )
  }
}

/**
 * Bytes flow both ways until both sides have said all, or the client lets go; only the pod's side can fail. A server that
 * has said all is no reason to cut off what the client still sends.
 */
function joined(data: Duplex, socket: Duplex): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once('error', reject)
    socket.once('close', resolve)
    data.on('error', () => data.destroy())
    data.once('close', () => {
      resolve()
      socket.destroy()
    })
    data.pipe(socket)
    socket.pipe(data)
  })
}
