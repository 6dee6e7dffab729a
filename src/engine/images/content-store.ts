import { renameSync } from 'node:fs'
import { mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Random } from '../../base/random.ts'
import type { BlobSource } from '../../oci/blob-source.ts'
import { ContentMismatchError, type Digest, digestOf, hexOf, isDigest } from '../../oci/digest.ts'
import { syncDirectory } from './durable-file.ts'
import type { Hold } from './holds.ts'
import type { LayerWorkers } from './layer-workers.ts'

/**
 * Blobs on disk by their digest, `blobs/sha256/<hex>`. A blob is written beside, verified, synced and then named: what
 * has its name is whole. Only one process writes a store.
 */
export interface ContentStore extends BlobSource {
  has(digest: Digest): boolean
  /** Bytes, of a blob that is there. */
  sizeOf(digest: Digest): number
  pathOf(digest: Digest): string
  /** The whole of a small blob. */
  read(digest: Digest): Promise<Buffer>
  write(bytes: Uint8Array, hold: Hold): Promise<{ digest: Digest; size: number }>
  /** Takes a stream in; whoever calls holds the digest where it is known before, and adds it to the hold by `onDigest`. */
  ingest(source: AsyncIterable<Uint8Array>, options?: IngestOptions): Promise<{ digest: Digest; size: number }>
  /** Takes a file of `newFile` in that is synced already. */
  adopt(file: string, blob: { readonly digest: Digest; readonly size: number }): Promise<void>
  /** A path for a file that may become a blob; what is left there goes when the store is opened again. */
  newFile(): string
  list(): Iterable<readonly [Digest, number]>
  /** At once for everybody who asks; the disk follows. */
  remove(digest: Digest): Promise<void>
}

export interface IngestOptions {
  readonly expected?: { readonly digest: Digest; readonly size: number }
  readonly limitBytes?: number
  readonly signal?: AbortSignal | undefined
  readonly onDigest?: (digest: Digest) => void
}

/** Larger ones are summed by a worker thread. */
const inlineBytes = 512 * 1024

export interface ContentStoreOptions {
  readonly directory: string
  readonly workers: LayerWorkers
  readonly random: Random
}

export async function openContentStore({ directory, workers, random }: ContentStoreOptions): Promise<ContentStore> {
  const blobs = join(directory, 'blobs', 'sha256')
  const ingests = join(directory, 'ingest')
  await rm(ingests, { recursive: true, force: true })
  await Promise.all([mkdir(blobs, { recursive: true, mode: 0o700 }), mkdir(ingests, { recursive: true, mode: 0o700 })])
  const sizes = new Map<Digest, number>()
  for (const name of await readdir(blobs)) {
    const digest = `sha256:${name}`
    if (isDigest(digest)) sizes.set(digest, (await stat(join(blobs, name))).size)
  }
  const pathOf = (digest: Digest) => join(blobs, hexOf(digest))
  const newFile = () => join(ingests, random.uuid())

  const adopt = async (file: string, { digest, size }: { digest: Digest; size: number }): Promise<void> => {
    if (sizes.has(digest)) return rm(file)
    await rename(file, pathOf(digest))
    await syncDirectory(blobs)
    sizes.set(digest, size)
  }

  const ingest = async (source: AsyncIterable<Uint8Array>, options: IngestOptions = {}): Promise<{ digest: Digest; size: number }> => {
    const { expected, limitBytes = Number.POSITIVE_INFINITY, signal, onDigest } = options
    const path = newFile()
    const most = Math.min(limitBytes, expected?.size ?? Number.POSITIVE_INFINITY)
    const file = await open(path, 'wx', 0o600)
    try {
      let size = 0
      try {
        for await (const chunk of source) {
          signal?.throwIfAborted()
          size += chunk.length
          if (size > most) throw new ContentMismatchError(`blob ${expected?.digest ?? ''} is longer than ${most} bytes`)
          // Unlike a single write it goes on until all is written or the disk is full.
          await file.writeFile(chunk)
        }
        await file.sync()
      } finally {
        await file.close()
      }
      const digest = size <= inlineBytes ? digestOf(await readFile(path)) : (await workers.run('digest', { file: path }, { signal })).digest
      if (expected && (digest !== expected.digest || size !== expected.size))
        throw new ContentMismatchError(`blob ${expected.digest} of ${expected.size} bytes has ${size} bytes with the digest ${digest}`)
      onDigest?.(digest)
      await adopt(path, { digest, size })
      return { digest, size }
    } catch (error) {
      await rm(path, { force: true })
      throw error
    }
  }

  return {
    has: (digest) => sizes.has(digest),
    sizeOf: (digest) => sizes.get(digest) ?? 0,
    pathOf,
    newFile,
    adopt,
    ingest,
    read: (digest) => readFile(pathOf(digest)),
    write(bytes, hold) {
      hold.add(digestOf(bytes))
      return ingest(once(bytes))
    },
    open: async ({ digest }) => (await open(pathOf(digest), 'r')).createReadStream({ highWaterMark: 256 * 1024 }),
    list: () => sizes,
    async remove(digest) {
      if (!sizes.delete(digest)) return
      // Synchronous, so that a blob that comes again is not taken for the old one; a rename is short.
      const gone = newFile()
      renameSync(pathOf(digest), gone)
      await rm(gone, { force: true })
    },
  }
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}
