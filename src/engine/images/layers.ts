import { mkdirSync } from 'node:fs'
import { chmod, lchown, mkdir, readdir, readFile, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Log } from '../../base/log.ts'
import { syncFileSystem } from '../../base/mount.ts'
import { chainIds } from '../../oci/chain-id.ts'
import type { Digest } from '../../oci/digest.ts'
import type { Descriptor } from '../../oci/manifest.ts'
import type { ContentStore } from './content-store.ts'
import type { ImageIndex, StoredLayer } from './image-index.ts'
import type { LayerWorkers } from './layer-workers.ts'

/**
 * Layers as directories for overlayfs, each once for all images that have it above the same others. A directory counts
 * once the index has it; what lies beside is left from a crash.
 */
export interface Layers {
  /** Unpacks what is not yet; answers the directories, topmost first. Whoever calls holds the blobs and the chain. */
  unpack(blobs: readonly Pick<Descriptor, 'digest'>[], diffIds: readonly Digest[]): Promise<readonly string[]>
  remove(chainId: Digest): Promise<void>
  close(): Promise<void>
}

export interface LayersOptions {
  readonly directory: string
  readonly content: ContentStore
  readonly index: ImageIndex
  readonly workers: LayerWorkers
  readonly log: Log
}

export async function openLayers({ directory, content, index, workers, log }: LayersOptions): Promise<Layers> {
  await mkdir(directory, { recursive: true, mode: 0o700 })
  const boot = (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim()
  for (const [chainId, { unsyncedBoot }] of index.layers)
    if (unsyncedBoot !== undefined && unsyncedBoot !== boot) index.layers.delete(chainId)
  const counted = new Set([...index.layers.values()].map((layer) => layer.directory))
  let next = 1
  for (const name of await readdir(directory)) {
    if (counted.has(name)) next = Math.max(next, Number(name) + 1)
    else await rm(join(directory, name), { recursive: true, force: true })
  }
  /** Under way, by chain id. */
  const unpacking = new Map<Digest, Promise<string>>()

  const unpackOne = async (
    blob: Digest,
    diffId: Digest,
    below: readonly Promise<string>[],
  ): Promise<{ path: string; layer: StoredLayer }> => {
    const name = String(next++)
    const root = join(directory, name)
    // At once, so that the tasks begin in the order of the layers: one that began before what it waits for might hold its thread.
    mkdirSync(root, { mode: 0o755 })
    try {
      const lower = async () => (await Promise.all(below)).reverse()
      const { hasRoot, bytes, entries } = await workers.run(
        'unpack',
        { file: content.pathOf(blob), root, kind: 'layer', diffId },
        { lower },
      )
      const parent = await below.at(-1)
      if (!hasRoot && parent !== undefined) await likeParent(root, parent)
      return { path: root, layer: { directory: name, bytes, inodes: entries, unsyncedBoot: boot } }
    } catch (error) {
      await rm(root, { recursive: true, force: true })
      throw error
    }
  }

  /** Beside what uses the layers already: a sync waits for all that the machine has written. */
  let isSyncing = false
  let saving: Promise<void> | undefined
  let closed = false
  const sync = (): void => {
    if (isSyncing) return
    isSyncing = true
    syncAll()
      .catch((error: unknown) => log.error('Layers could not be synced', { error }))
      .finally(() => {
        isSyncing = false
      })
  }
  const syncAll = async (): Promise<void> => {
    for (;;) {
      const unsynced = [...index.layers].filter(([, { unsyncedBoot }]) => unsyncedBoot !== undefined)
      if (unsynced.length === 0) return
      await syncFileSystem(directory)
      if (closed) return
      for (const [chainId, { unsyncedBoot: _, ...layer }] of unsynced) if (index.layers.has(chainId)) index.layers.set(chainId, layer)
      saving = index.save()
      await saving
    }
  }

  return {
    async unpack(blobs, diffIds) {
      const chain = chainIds(diffIds)
      const promises: Promise<string>[] = []
      let added = false
      for (const [position, chainId] of chain.entries()) {
        const present = index.layers.get(chainId)
        const [blob, diffId] = [blobs[position]?.digest, diffIds[position]]
        if (blob === undefined || diffId === undefined)
          throw new Error(`the image has ${blobs.length} layers and ${diffIds.length} diff ids`)
        let promise = present ? Promise.resolve(join(directory, present.directory)) : unpacking.get(chainId)
        if (!promise) {
          added = true
          promise = unpackOne(blob, diffId, [...promises])
            .then(({ path, layer }) => {
              index.layers.set(chainId, layer)
              return path
            })
            .finally(() => unpacking.delete(chainId))
          unpacking.set(chainId, promise)
        }
        promises.push(promise)
      }
      const settled = await Promise.allSettled(promises)
      const failed = settled.find((result) => result.status === 'rejected')
      if (added) {
        await index.save()
        sync()
      }
      if (failed) throw failed.reason
      return (await Promise.all(promises)).reverse()
    },

    async remove(chainId) {
      const layer = index.layers.get(chainId)
      if (!layer) return
      index.layers.delete(chainId)
      await index.save()
      await rm(join(directory, layer.directory), { recursive: true, force: true }).catch((error: unknown) => {
        log.warn('A layer stays until the next start', { chainId, error })
      })
    },

    async close() {
      closed = true
      await saving
    },
  }
}

/** The root of a layer that says nothing about it looks as the one below. */
async function likeParent(root: string, parent: string): Promise<void> {
  const { mode, uid, gid } = await stat(parent)
  await lchown(root, uid, gid)
  await chmod(root, mode & 0o7777)
}
