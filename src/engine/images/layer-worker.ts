import { createHash } from 'node:crypto'
import { closeSync, createReadStream, openSync, readSync } from 'node:fs'
import { pipeline, Readable } from 'node:stream'
import { parentPort } from 'node:worker_threads'
import { createGunzip, createZstdDecompress } from 'node:zlib'
import { assert } from '../../base/assert.ts'
import { ContentMismatchError, finish } from '../../oci/digest.ts'
import { readTar, TarError } from '../../oci/tar-reader.ts'
import type { FromWorker, LayerTasks, ToWorker, UnpackTask } from './layer-tasks.ts'
import { type LowerView, lowerView } from './lower-view.ts'
import { pack } from './pack.ts'
import { unpack } from './unpack.ts'

/** The entry of a worker thread: one task after the other, see layer-tasks.ts. */

const port = parentPort
assert(port, 'this module is the entry of a worker thread')
const answer = (message: FromWorker) => port.postMessage(message)
let onLower: ((layers: readonly string[]) => void) | undefined

port.on('message', (message: ToWorker) => {
  if (message.kind === 'lower') return onLower?.(message.layers)
  run(message).then(
    (result) => answer({ kind: 'done', result }),
    (error: unknown) => answer({ kind: 'failed', error }),
  )
})

async function run(message: Exclude<ToWorker, { kind: 'lower' }>): Promise<LayerTasks[keyof LayerTasks]['result']> {
  switch (message.kind) {
    case 'digest':
      return digestFile(message.task.file)
    case 'pack':
      return pack(message.task)
    case 'unpack':
      return unpackFile(message.task)
  }
}

function digestFile(file: string): LayerTasks['digest']['result'] {
  const hash = createHash('sha256')
  let size = 0
  for (const chunk of chunksOf(file)) {
    hash.update(chunk)
    size += chunk.length
  }
  return { digest: finish(hash), size }
}

async function unpackFile({ file, root, kind, limits, diffId }: UnpackTask): Promise<LayerTasks['unpack']['result']> {
  const hash = createHash('sha256')
  async function* hashed() {
    for await (const chunk of uncompressed(file)) {
      hash.update(chunk)
      yield chunk
    }
  }
  const unpacked = await unpack({ entries: readTar(hashed()), root, kind, lower, ...(limits && { limits }) })
  const actual = finish(hash)
  if (diffId !== undefined && actual !== diffId)
    throw new ContentMismatchError(`wrong diff id calculated on extraction: the layer has ${actual}, its configuration says ${diffId}`)
  return { ...unpacked, diffId: actual }
}

function lower(): Promise<LowerView> {
  return new Promise((resolve) => {
    onLower = (layers) => resolve(lowerView(layers))
    answer({ kind: 'needs-lower' })
  })
}

function uncompressed(file: string): AsyncIterable<Buffer> {
  const magic = beginning(file)
  if (magic.startsWith('1f8b')) return through(file, createGunzip())
  if (magic.startsWith('28b52ffd')) return through(file, createZstdDecompress())
  if (magic.startsWith('425a68')) throw new TarError('archives compressed with bzip2 are not supported')
  if (magic.startsWith('fd377a585a00')) throw new TarError('archives compressed with xz are not supported')
  return Readable.from(chunksOf(file))
}

function through(file: string, decompress: NodeJS.ReadWriteStream & Readable): AsyncIterable<Buffer> {
  // An error of either ends the stream that is read.
  pipeline(createReadStream(file, { highWaterMark: 256 * 1024 }), decompress, () => {})
  return decompress
}

function beginning(file: string): string {
  const bytes = Buffer.alloc(6)
  const input = openSync(file, 'r')
  try {
    return bytes.toString('hex', 0, readSync(input, bytes, 0, bytes.length, 0))
  } finally {
    closeSync(input)
  }
}

function* chunksOf(file: string): Generator<Buffer> {
  const input = openSync(file, 'r')
  try {
    for (;;) {
      const chunk = Buffer.allocUnsafe(256 * 1024)
      const read = readSync(input, chunk)
      if (read === 0) return
      yield chunk.subarray(0, read)
    }
  } finally {
    closeSync(input)
  }
}
