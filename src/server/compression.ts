import { Readable } from 'node:stream'
import { constants, createGzip } from 'node:zlib'

/** Upstream's bound (APIResponseCompression): smaller replies are not worth the work. */
const leastBytes = 128 << 10
/** What goes to the compressor, and comes back, in one go. */
const blockBytes = 256 << 10
const compressedBlockBytes = 64 << 10

/** Whether a reply of this length goes out compressed to who accepts these encodings; weights are not looked at, as upstream. */
export const isCompressed = (length: number, acceptEncoding: string | undefined): boolean =>
  length > leastBytes && acceptEncoding !== undefined && acceptEncoding.split(',').some((encoding) => encoding.trim() === 'gzip')

interface Ends {
  readonly remoteAddress?: string | undefined
  readonly localAddress?: string | undefined
}

/** To this machine itself bytes cost less than compressing them. */
export const isSameMachine = ({ remoteAddress = '', localAddress = '' }: Ends): boolean =>
  remoteAddress === localAddress || /^(::ffff:)?127\.|^::1$/.test(remoteAddress)

/** The chunks as gzip, made on other threads and no faster than they are read. The level is upstream's. */
export function gzipped(chunks: readonly Uint8Array[]): Readable {
  const blocks = Readable.from(inBlocks(chunks), { objectMode: true, highWaterMark: 1 })
  const gzip = createGzip({ level: constants.Z_BEST_SPEED, chunkSize: compressedBlockBytes })
  // Who stops reading ends the source, too.
  gzip.once('close', () => blocks.destroy())
  return blocks.pipe(gzip)
}

function* inBlocks(chunks: readonly Uint8Array[]): Generator<Buffer> {
  let block: Uint8Array[] = []
  let length = 0
  for (const chunk of chunks) {
    block.push(chunk)
    length += chunk.length
    if (length < blockBytes) continue
    yield Buffer.concat(block, length)
    block = []
    length = 0
  }
  if (length > 0) yield Buffer.concat(block, length)
}
