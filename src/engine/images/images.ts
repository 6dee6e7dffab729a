import { mkdir } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import type { Clock } from '../../base/clock.ts'
import type { Log } from '../../base/log.ts'
import type { Random } from '../../base/random.ts'
import { CriError } from '../../cri/cri-error.ts'
import type { Digest } from '../../oci/digest.ts'
import { type Descriptor, type ImageConfig, type Manifest, mediaTypes, type Platform, platformOf } from '../../oci/manifest.ts'
import { InvalidReferenceError, indexName, parseReference } from '../../oci/reference.ts'
import { type Credentials, createRegistryClient, type RegistryOptions } from '../../oci/registry-client.ts'
import type { ContainerImages } from '../container-images.ts'
import { type ContentStore, openContentStore } from './content-store.ts'
import { createHolds, type Hold, type Holds } from './holds.ts'
import { blobsOf, readImage, type StoredImageView } from './image.ts'
import { openImageIndex } from './image-index.ts'
import { createImageService } from './image-service.ts'
import { infraRootfs } from './infra-rootfs.ts'
import { createLayerWorkers, type LayerWorkers } from './layer-workers.ts'
import { type Layers, openLayers } from './layers.ts'
import { openLeases } from './leases.ts'
import { loadArchive } from './load-archive.ts'
import { pullBlobs, pushBlobs, type TransferProgress } from './pull.ts'
import { saveArchive } from './save-archive.ts'

/** The images of a node. What they consist of is on the disk before they are listed; names are whole (`docker.io/library/web:1`). */
export interface Images extends ContainerImages {
  list(): readonly ListedImage[]
  /** By name, digest, id or the beginning of an id. */
  find(text: string): ListedImage | undefined
  pull(name: string, options?: TransferOptions): Promise<ListedImage>
  push(name: string, options?: TransferOptions): Promise<Digest>
  /** Answers what the archive had. */
  load(archive: AsyncIterable<Uint8Array>, options?: { signal?: AbortSignal | undefined }): Promise<readonly LoadedImage[]>
  /** A tar archive; fails at once where a name is unknown. */
  save(names: readonly string[]): AsyncIterable<Buffer>
  tag(source: string, target: string): Promise<void>
  /** Takes a name away, and the image with its last one; an id takes the image with all its names. */
  remove(text: string, options?: { force?: boolean }): Promise<RemovedImage>
  /** For what makes images: blobs and layers that are held until they belong to an image. */
  readonly store: ImageStore
  close(): Promise<void>
}

export interface ListedImage extends StoredImageView {
  /** Whole names with tags. */
  readonly tags: readonly string[]
  /** Whole names with digests: where it came from or went to. */
  readonly digests: readonly string[]
}

export interface LoadedImage {
  readonly id: Digest
  readonly names: readonly string[]
}

export interface RemovedImage {
  readonly untagged: readonly string[]
  readonly deleted: readonly Digest[]
}

export interface TransferOptions {
  readonly credentials?: Credentials
  readonly onProgress?: (progress: TransferProgress) => void
  readonly signal?: AbortSignal | undefined
}

export interface ImageStore {
  readonly content: ContentStore
  readonly layers: Layers
  readonly workers: LayerWorkers
  readonly holds: Holds
  readonly platform: Platform
  /** Makes an image of blobs that are here already, and gives it a name. */
  create(image: { config: Uint8Array; layers: readonly Descriptor[]; name?: string | undefined }, hold: Hold): Promise<ListedImage>
  /** What must stay although no image has it, asked at each collection. */
  alsoNeeded(needed: () => Iterable<Digest>): void
}

export interface ImagesOptions {
  /** Of the store; only one process may open it. */
  readonly directory: string
  /** The static binary that infra containers run. */
  readonly infraBinary: string
  readonly registries?: RegistryOptions
  readonly platform?: Platform
  /** Those of others, who close them; else the store has its own. */
  readonly workers?: LayerWorkers
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
}

/** What concerns an image that is not there, in Docker's words. */
export class NoSuchImageError extends Error {
  constructor(text: string) {
    super(`No such image: ${text}`)
    this.name = 'NoSuchImageError'
  }
}

/** What is refused because of the state of the image, in Docker's words. */
export class ImageConflictError extends Error {
  override readonly name = 'ImageConflictError'
}

export async function openImages(options: ImagesOptions): Promise<Images> {
  const { directory, infraBinary, clock, random, log, registries = {} } = options
  const platform = options.platform ?? platformOf(process.arch)
  // Setuid programs of images must not be reached by the machine's users.
  await mkdir(directory, { recursive: true, mode: 0o700 })
  const workers = options.workers ?? createLayerWorkers({ threads: Math.min(4, availableParallelism()), clock })
  const [content, index, leases] = await Promise.all([
    openContentStore({ directory, workers, random }),
    openImageIndex(directory),
    openLeases(join(directory, 'leases')),
  ])
  const layers = await openLayers({ directory: join(directory, 'layers'), content, index, workers, log })
  const holds = createHolds()
  const needed: (() => Iterable<Digest>)[] = []
  const views = new Map<Digest, StoredImageView>()
  for (const [id, { manifest, storedAtMs }] of index.images) {
    try {
      views.set(id, await readImage(content, manifest, storedAtMs))
    } catch (error) {
      log.error('An image is damaged and is forgotten', { id, error })
      forget(id)
    }
  }
  for (const [name, id] of index.names) if (!views.has(id)) index.names.delete(name)

  function forget(id: Digest): void {
    views.delete(id)
    index.images.delete(id)
    for (const [name, target] of index.names) if (target === id) index.names.delete(name)
  }

  const namesOf = (wanted: Digest) => [...index.names].filter(([, id]) => id === wanted)
  const listed = (view: StoredImageView, named = namesOf(view.id)): ListedImage => {
    const names = named.map(([name]) => name)
    return { ...view, tags: names.filter((name) => !name.includes('@')).sort(), digests: names.filter((name) => name.includes('@')).sort() }
  }

  const idOf = (text: string): Digest | undefined => {
    const hex = text.startsWith('sha256:') ? text.slice('sha256:'.length) : text
    const named = text.startsWith('sha256:') ? undefined : nameOf(text)
    if (named !== undefined && index.names.has(named)) return index.names.get(named)
    if (!/^[0-9a-f]{1,64}$/.test(hex)) return undefined
    const matching = [...views.keys()].filter((id) => id.startsWith(`sha256:${hex}`))
    return matching.length === 1 ? matching[0] : undefined
  }

  const find = (text: string): ListedImage | undefined => {
    const view = views.get(idOf(text) ?? 'sha256:')
    return view && listed(view)
  }
  const get = (text: string): ListedImage => {
    const image = find(text)
    if (!image) throw new NoSuchImageError(text)
    return image
  }

  const unpackImage = ({ manifest, config }: { manifest: Manifest; config: ImageConfig }) =>
    layers.unpack(manifest.layers, config.rootfs.diff_ids)

  /** Unpacks, then writes down: an image that is listed can start at once. */
  const register = async (manifest: Descriptor, names: readonly string[], hold: Hold): Promise<ListedImage> => {
    const view = await readImage(content, manifest, clock.now())
    for (const key of [...blobsOf(view), ...view.chainIds]) hold.add(key)
    await unpackImage(view)
    views.set(view.id, view)
    index.images.set(view.id, { manifest, storedAtMs: view.storedAtMs })
    for (const name of names) index.names.set(name, view.id)
    await index.save()
    return listed(view)
  }

  /** One at a time; what comes meanwhile is held. */
  let collecting = Promise.resolve()
  const collect = (): Promise<void> => {
    collecting = collecting.then(sweep).catch((error: unknown) => log.error('What images left could not be collected', { error }))
    return collecting
  }

  const sweep = async (): Promise<void> => {
    const needs = new Set<Digest>(needed.flatMap((ask) => [...ask()]))
    for (const view of views.values()) for (const digest of [...blobsOf(view), ...view.chainIds]) needs.add(digest)
    for (const chainId of leases.leased().layers) needs.add(chainId)
    const isFree = (digest: Digest) => !needs.has(digest) && !holds.has(digest)
    // Asked again for each: an operation may have begun while the one before went.
    for (const digest of [...index.layers.keys()]) if (isFree(digest)) await layers.remove(digest)
    for (const [digest] of [...content.list()]) if (isFree(digest)) await content.remove(digest)
  }

  /** From the first read on: a stream that nobody reads holds nothing. */
  async function* held(source: AsyncIterable<Buffer>, digests: readonly Digest[]): AsyncGenerator<Buffer, void, void> {
    const hold = holds.begin()
    for (const digest of digests) hold.add(digest)
    try {
      yield* source
    } finally {
      hold.release()
    }
  }

  const holding = async <Value>(run: (hold: Hold) => Promise<Value>): Promise<Value> => {
    const hold = holds.begin()
    try {
      return await run(hold)
    } finally {
      hold.release()
    }
  }

  let infra: Promise<string> | undefined
  const isUsed = (id: Digest) => leases.leased().images.has(id)

  const dropNames = (names: readonly string[]): void => {
    for (const name of names) index.names.delete(name)
  }

  const deleteImage = async ({ id, tags, digests }: ListedImage): Promise<RemovedImage> => {
    forget(id)
    await index.save()
    await collect()
    return { untagged: [...tags, ...digests], deleted: [id] }
  }

  const images: Images = {
    get service() {
      return service
    },

    async resolve(reference) {
      const image = find(reference)
      return image && { id: image.id, config: image.config.config }
    },

    lease: (imageId, leaseName) =>
      holding(async (hold) => {
        const view = views.get(imageId as Digest)
        if (!view) throw new CriError('NOT_FOUND', `image "${imageId}" not found`)
        for (const key of [...blobsOf(view), ...view.chainIds]) hold.add(key)
        const directories = await unpackImage(view)
        await leases.set(leaseName, view.id, view.chainIds)
        return directories
      }),

    async release(leaseName) {
      const id = leases.get(leaseName)
      await leases.delete(leaseName)
      if (id !== undefined && !views.has(id)) await collect()
    },

    async retainLeases(leaseNames) {
      const kept = new Set(leaseNames)
      await Promise.all(leases.names().map((name) => (kept.has(name) ? undefined : leases.delete(name))))
      await collect()
    },

    infraRootfs() {
      // Once: pods that start at the same time must not take it away from each other.
      infra ??= infraRootfs({ directory: join(directory, 'infra'), binary: infraBinary }).catch((error: unknown) => {
        infra = undefined
        throw error
      })
      return infra
    },

    list() {
      const named = Map.groupBy(index.names, ([, id]) => id)
      return [...views.values()].map((view) => listed(view, named.get(view.id) ?? []))
    },
    find,

    pull: (text, { credentials, onProgress, signal } = {}) =>
      holding(async (hold) => {
        const reference = parseReference(text)
        const client = createRegistryClient(registries, credentials)
        const { manifest, target } = await pullBlobs({ client, reference, content, hold, platform, onProgress, signal, clock, random })
        const byDigest = `${reference.registry}/${reference.repository}@${target}`
        return register(manifest, reference.digest === undefined ? [indexName(reference), byDigest] : [byDigest], hold)
      }),

    push: (text, { credentials, onProgress, signal } = {}) =>
      holding(async (hold) => {
        const reference = parseReference(text)
        const image = get(text)
        for (const digest of blobsOf(image)) hold.add(digest)
        const client = createRegistryClient(registries, credentials)
        await pushBlobs({ client, reference, content, ...image, onProgress, signal })
        index.names.set(`${reference.registry}/${reference.repository}@${image.manifestDescriptor.digest}`, image.id)
        await index.save()
        return image.manifestDescriptor.digest
      }),

    load: (archive, { signal } = {}) =>
      holding(async (hold) => {
        try {
          const found = await loadArchive({ archive, content, hold, platform, signal })
          const loaded: LoadedImage[] = []
          for (const { manifest, names } of found) loaded.push({ id: (await register(manifest, names, hold)).id, names })
          return loaded
        } finally {
          hold.release()
          // The archive's own documents, and everything where it was no image.
          await collect()
        }
      }),

    save(names) {
      const chosen = new Map<Digest, { image: ListedImage; names: string[] }>()
      for (const name of names) {
        const image = get(name)
        const entry = chosen.get(image.id) ?? { image, names: [] }
        chosen.set(image.id, entry)
        const named = nameOf(name)
        if (named !== undefined && image.tags.includes(named)) entry.names.push(named)
      }
      const saved = [...chosen.values()]
      return held(
        saveArchive(content, saved),
        saved.flatMap(({ image }) => blobsOf(image)),
      )
    },

    async tag(source, target) {
      const { id } = get(source)
      const reference = parseReference(target)
      if (reference.digest !== undefined) throw new InvalidReferenceError(target, 'refusing to create a tag with a digest reference')
      index.names.set(indexName(reference), id)
      await index.save()
    },

    async remove(text, { force = false } = {}) {
      const image = get(text)
      const name = nameOf(text)
      const named = name !== undefined && index.names.get(name) === image.id ? name : undefined
      const short = image.id.slice('sha256:'.length, 'sha256:'.length + 12)
      if (named === undefined && image.tags.length > 1 && !force)
        throw new ImageConflictError(`conflict: unable to delete ${short} (must be forced) - image is referenced in multiple repositories`)
      const isLast = named === undefined || image.tags.every((tag) => tag === named)
      if (isLast && isUsed(image.id) && !force)
        throw new ImageConflictError(
          named === undefined
            ? `conflict: unable to delete ${short} (must be forced) - image is being used by a container`
            : `conflict: unable to remove repository reference "${text}" (must force) - a container is using its referenced image ${short}`,
        )
      if (isLast) return deleteImage(image)
      dropNames([named])
      await index.save()
      return { untagged: [named], deleted: [] }
    },

    store: {
      content,
      layers,
      workers,
      holds,
      platform,
      async create({ config, layers: blobs, name }, hold) {
        const configuration = await content.write(config, hold)
        const manifest = Buffer.from(
          JSON.stringify({
            schemaVersion: 2,
            mediaType: mediaTypes.manifest,
            config: { mediaType: mediaTypes.config, ...configuration },
            layers: blobs.map(({ mediaType, digest, size }) => ({ mediaType, digest, size })),
          }),
        )
        const written = await content.write(manifest, hold)
        return register({ mediaType: mediaTypes.manifest, ...written }, name === undefined ? [] : [indexName(parseReference(name))], hold)
      },
      alsoNeeded: (ask) => void needed.push(ask),
    },

    async close() {
      await collecting
      if (!options.workers) await workers.close()
      await layers.close()
    },
  }
  const service = createImageService({ images, index, layersDirectory: directory, clock, deleteImage })
  await index.save()
  await collect()
  return images
}

/** The whole name, or undefined where the text is none. */
function nameOf(text: string): string | undefined {
  try {
    return indexName(parseReference(text))
  } catch (error) {
    if (error instanceof InvalidReferenceError) return undefined
    throw error
  }
}
