import { readdir, rm, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { type Clock, sleep } from '../base/clock.ts'
import { onErrorCode } from '../base/error-code.ts'
import type { Log } from '../base/log.ts'
import { removeTree } from '../base/remove-tree.ts'
import type { Image, ImageService, RuntimeService } from '../cri/types.ts'
import type { PodDirectories } from './directories.ts'
import type { PodCgroups } from './pod-cgroups.ts'
import type { PodWorkers } from './pod-workers.ts'
import type { PodVolumes } from './volumes/pod-volumes.ts'

/** Upstream's thresholds of the image file system, in parts of a hundred, and its pace. */
const highPercent = 85
const lowPercent = 80
const checkMs = 300_000

interface Deps {
  readonly runtime: RuntimeService
  readonly images: ImageService
  readonly clock: Clock
  readonly log: Log
  readonly signal: AbortSignal
}

/** Deletes images that nobody uses once their file system is nearly full. Containers and sandboxes are each pod's own business. */
export async function collectGarbage({ runtime, images, clock, log, signal }: Deps): Promise<void> {
  while (!signal.aborted) {
    await sleep(clock, checkMs, signal)
    if (signal.aborted) return
    try {
      await collectImages(runtime, images, log, signal)
    } catch (error) {
      log.warn('Unused images could not be deleted', { error })
    }
  }
}

async function collectImages(runtime: RuntimeService, images: ImageService, log: Log, signal: AbortSignal): Promise<void> {
  const { imageFilesystems = [] } = await images.imageFsInfo({}, signal)
  const mountpoint = imageFilesystems[0]?.fsId?.mountpoint
  if (!mountpoint) return
  const { blocks, bavail, bsize } = await statfs(mountpoint)
  const excess = bytesOver(blocks * bsize, bavail * bsize)
  if (excess <= 0) return
  const [{ images: present = [] }, { containers = [] }] = await Promise.all([
    images.listImages({}, signal),
    runtime.listContainers({}, signal),
  ])
  const inUse = new Set(containers.flatMap(({ imageId, imageRef }) => [imageId ?? '', imageRef ?? '']))
  for (const { id = '' } of imagesToDelete(present, inUse, excess)) {
    try {
      await images.removeImage({ image: { image: id } }, signal)
      log.info('An unused image was deleted', { image: id })
    } catch (error) {
      // The others may give room all the same.
      if (signal.aborted) return
      log.warn('An unused image could not be deleted', { error, image: id })
    }
  }
}

/** How much has to go until the lower threshold is reached; nothing while the upper one is not. */
export function bytesOver(capacityBytes: number, freeBytes: number): number {
  const used = capacityBytes - freeBytes
  return used * 100 < capacityBytes * highPercent ? 0 : used - (capacityBytes * lowPercent) / 100
}

/** The largest first, so that few have to be pulled again. */
export function imagesToDelete(images: readonly Image[], inUse: ReadonlySet<string>, excessBytes: number): readonly Image[] {
  const candidates = images
    .filter(({ id = '', pinned, repoDigests = [] }) => !pinned && !inUse.has(id) && !repoDigests.some((digest) => inUse.has(digest)))
    .sort((left, right) => (right.size ?? 0) - (left.size ?? 0))
  const chosen: Image[] = []
  for (let left = excessBytes; left > 0; ) {
    const image = candidates.shift()
    if (!image) break
    chosen.push(image)
    left -= image.size ?? 0
  }
  return chosen
}

/** Takes away what pods left that neither the API nor the runtime knows any more. Once, at the start. */
export async function removeOrphans({
  directories,
  volumes,
  cgroups,
  workers,
  log,
}: {
  directories: PodDirectories
  volumes: Pick<PodVolumes, 'remove'>
  cgroups: Pick<PodCgroups, 'remove'>
  workers: Pick<PodWorkers, 'entry'>
  log: Log
}): Promise<void> {
  const isOrphan = (uid: string) => uid !== '' && workers.entry(uid) === undefined
  // In the order in which a pod goes: as long as its directory is there, its cgroup may be.
  for (const uid of (await names(join(directories.root, 'pods'))).filter(isOrphan)) {
    try {
      await volumes.remove(uid)
      await cgroups.remove(uid)
      await removeTree(directories.pod(uid))
    } catch (error) {
      log.warn('What a pod left could not be removed', { error, podUid: uid })
    }
  }
  for (const name of await names(directories.logRoot)) {
    if (!isOrphan(name.split('_')[2] ?? '')) continue
    try {
      await rm(join(directories.logRoot, name), { recursive: true, force: true })
    } catch (error) {
      log.warn('The logs of a pod that is gone could not be removed', { error, directory: name })
    }
  }
}

async function names(directory: string): Promise<readonly string[]> {
  return readdir(directory).catch(onErrorCode(['ENOENT'], []))
}
