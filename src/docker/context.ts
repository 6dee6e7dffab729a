import { createWriteStream } from 'node:fs'
import { mkdir, rename, rm } from 'node:fs/promises'
import { pipeline } from 'node:stream/promises'
import type { LayerWorkers } from '../engine/images/layer-workers.ts'

/** The files of a build, from the archive that the client sends, into a directory that is there and empty. */
export async function unpackContext(
  archive: AsyncIterable<Uint8Array>,
  directory: string,
  workers: LayerWorkers,
  signal: AbortSignal,
): Promise<void> {
  const [file, files] = [`${directory}.tar`, `${directory}.files`]
  try {
    await pipeline(archive, createWriteStream(file, { flags: 'wx', mode: 0o600 }), { signal })
    await mkdir(files, { mode: 0o700 })
    await workers.run('unpack', { file, root: files, kind: 'context' }, { signal })
    // Only a whole context takes the place.
    await rename(files, directory)
  } finally {
    await Promise.all([file, files].map((path) => rm(path, { recursive: true, force: true })))
  }
}
