import { mkdir, readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { writeAtomically } from '../../base/write-atomically.ts'
import { type Digest, isDigest } from '../../oci/digest.ts'

/**
 * Who needs the unpacked layers of which image. A file each: a lease is as volatile as the container that has it, so it
 * is written whole but not synced.
 */
export interface Leases {
  get(name: string): Digest | undefined
  set(name: string, imageId: Digest, chainIds: readonly Digest[]): Promise<void>
  delete(name: string): Promise<void>
  names(): readonly string[]
  /** The images and the unpacked layers that are needed. */
  leased(): { readonly images: ReadonlySet<Digest>; readonly layers: ReadonlySet<Digest> }
}

interface Lease {
  readonly imageId: Digest
  readonly chainIds: readonly Digest[]
}

export async function openLeases(directory: string): Promise<Leases> {
  await mkdir(directory, { recursive: true, mode: 0o700 })
  const leases = new Map<string, Lease>()
  for (const file of await readdir(directory)) {
    const lease = file.endsWith('.new') ? undefined : parseLease(await readFile(join(directory, file), 'utf8'))
    if (lease) leases.set(decodeURIComponent(file), lease)
    else await rm(join(directory, file), { force: true })
  }
  const pathOf = (name: string) => join(directory, encodeURIComponent(name))
  return {
    get: (name) => leases.get(name)?.imageId,
    async set(name, imageId, chainIds) {
      leases.set(name, { imageId, chainIds })
      await writeAtomically(pathOf(name), JSON.stringify({ imageId, chainIds }))
    },
    async delete(name) {
      if (leases.delete(name)) await rm(pathOf(name), { force: true })
    },
    names: () => [...leases.keys()],
    leased: () => ({
      images: new Set([...leases.values()].map(({ imageId }) => imageId)),
      layers: new Set([...leases.values()].flatMap(({ chainIds }) => chainIds)),
    }),
  }
}

/** A machine that lost its power may have left half a file: what had the lease is gone as well. */
function parseLease(text: string): Lease | undefined {
  try {
    const { imageId, chainIds } = JSON.parse(text) as Partial<Lease>
    return isDigest(imageId) && Array.isArray(chainIds) && chainIds.every(isDigest) ? { imageId, chainIds } : undefined
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}
