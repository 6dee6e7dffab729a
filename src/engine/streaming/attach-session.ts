import type { Socket } from 'node:net'
import { connectSequencedPackets } from '../../base/socket.ts'
import type { AttachRequest } from '../../cri/types.ts'
import { runningContainer } from '../exec.ts'
import type { EngineParts } from '../parts.ts'
import { type Outcome, type ProcessStreams, whenGone } from './process-streams.ts'

/** The first byte of a packet from the shim. */
const packetKinds = { stdout: 2, stderr: 3 } as const
/** What the shim reads at once: of a longer packet the rest would be lost. */
const maxPacketBytes = 8192

/** Takes part in what a running container reads and writes, until it ends or the client goes. */
export async function attachSession(parts: EngineParts, request: AttachRequest, streams: ProcessStreams): Promise<void> {
  await streams.finish(await outcomeOf(parts, request, streams))
}

async function outcomeOf(parts: EngineParts, request: AttachRequest, streams: ProcessStreams): Promise<Outcome> {
  try {
    const { id, config } = runningContainer(parts, request.containerId)
    if (config.tty) streams.onResize(({ rows, columns }) => void parts.shims.resize(id, rows, columns).catch(() => {}))
    await relay(connectSequencedPackets(parts.shims.attachSocket(id)), streams)
    return { kind: 'success' }
  } catch (error) {
    return { kind: 'error', message: error instanceof Error ? error.message : String(error) }
  }
}

function relay(shim: Socket, streams: ProcessStreams): Promise<void> {
  shim.on('data', (packet: Buffer) => {
    const to = packet[0] === packetKinds.stdout ? streams.stdout : packet[0] === packetKinds.stderr ? streams.stderr : undefined
    if (!to || to.destroyed || to.write(packet.subarray(1))) return
    shim.pause()
    to.once('drain', () => shim.resume())
  })
  for (const to of [streams.stdout, streams.stderr]) to?.on('error', () => shim.resume())
  const writing = streams.stdin && writePackets(streams.stdin, shim)
  const end = whenGone(streams, () => shim.destroy())
  return new Promise<void>((resolve, reject) => {
    writing?.catch(reject)
    shim.once('error', reject)
    // The container has ended, and the shim with it.
    shim.once('end', () => shim.destroy())
    shim.once('close', () => resolve())
  }).finally(end)
}

/** One packet after the other; the input's end is told where the container is to know it. */
async function writePackets(stdin: AsyncIterable<Buffer>, shim: Socket): Promise<void> {
  for await (const chunk of stdin) {
    for (let offset = 0; offset < chunk.length; offset += maxPacketBytes) {
      if (shim.destroyed) return
      await new Promise<void>((resolve) => shim.write(chunk.subarray(offset, offset + maxPacketBytes), () => resolve()))
    }
  }
  shim.end()
}
