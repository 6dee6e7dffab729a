import { open } from 'node:fs/promises'
import { posix } from 'node:path'
import { PassThrough, pipeline, Readable } from 'node:stream'
import { createGunzip, createZstdDecompress } from 'node:zlib'
import type { Digest } from '../../oci/digest.ts'
import {
  choosePlatform,
  type Descriptor,
  documentLimitBytes,
  InvalidImageError,
  isIndex,
  mediaTypes,
  type Platform,
  parseConfig,
  parseManifestOrIndex,
} from '../../oci/manifest.ts'
import { formatReference, parseReference } from '../../oci/reference.ts'
import { readTar } from '../../oci/tar-reader.ts'
import type { ContentStore } from './content-store.ts'
import type { Hold } from './holds.ts'

/** An image of an archive whose blobs are in the store now. */
export interface ArchivedImage {
  readonly manifest: Descriptor
  /** Whole names, possibly none. */
  readonly names: readonly string[]
}

export interface LoadOptions {
  readonly archive: AsyncIterable<Uint8Array>
  readonly content: ContentStore
  readonly hold: Hold
  readonly platform: Platform
  readonly signal?: AbortSignal | undefined
}

const maxEntries = 20_000
/** What a path may have; all names are kept while the archive is read. */
const maxNameLength = 4096
const maxIndexDepth = 4

/**
 * Takes in what `docker save` writes (before version 25, and since, when it is an OCI layout too) and tar archives of OCI
 * layouts, compressed or not. The documents come last or first: every file becomes a blob at once, and what nobody refers
 * to in the end is collected.
 */
export async function loadArchive({ archive, content, hold, platform, signal }: LoadOptions): Promise<ArchivedImage[]> {
  const files = new Map<string, { digest: Digest; size: number }>()
  const links = new Map<string, string>()
  let entries = 0
  for await (const entry of readTar(uncompressed(archive))) {
    signal?.throwIfAborted()
    if (++entries > maxEntries) throw new InvalidImageError(`the archive has more than ${maxEntries} entries`)
    if (entry.name.length > maxNameLength) throw new InvalidImageError(`the archive has a name of ${entry.name.length} characters`)
    const name = posix.normalize(entry.name)
    if (entry.type === 'file') files.set(name, await content.ingest(entry.content, { signal, onDigest: (digest) => hold.add(digest) }))
    else if (entry.type === 'symlink') links.set(name, posix.join(posix.dirname(name), entry.linkName))
    else if (entry.type === 'link') links.set(name, posix.normalize(entry.linkName))
  }
  const find = (name: string): { digest: Digest; size: number } | undefined => {
    const path = posix.normalize(name)
    return files.get(path) ?? files.get(links.get(path) ?? '')
  }
  const document = async (name: string): Promise<Buffer | undefined> => {
    const file = find(name)
    if (!file) return undefined
    if (file.size > documentLimitBytes) throw new InvalidImageError(`${name} has ${file.size} bytes, more than ${documentLimitBytes}`)
    return content.read(file.digest)
  }
  const dockerManifest = await document('manifest.json')
  const items = dockerManifest ? parseItems(dockerManifest) : []
  const index = await document('index.json')
  if (index) return fromLayout(index, items, content, platform)
  if (!dockerManifest) throw new InvalidImageError('the archive has neither manifest.json nor index.json: it is no image')
  return Promise.all(items.map((item) => fromItem(item, find, content, hold)))
}

interface DockerItem {
  readonly config: string
  readonly names: readonly string[]
  readonly layers: readonly string[]
}

function parseItems(bytes: Buffer): DockerItem[] {
  const items: unknown = parseJson(bytes, 'manifest.json')
  if (!Array.isArray(items)) throw new InvalidImageError('manifest.json is not a list')
  return items.map((item: { Config?: unknown; RepoTags?: unknown; Layers?: unknown }) => {
    if (typeof item?.Config !== 'string' || !isTexts(item.Layers))
      throw new InvalidImageError('manifest.json names no configuration or no layers')
    return { config: item.Config, layers: item.Layers, names: isTexts(item.RepoTags) ? item.RepoTags.map(wholeName) : [] }
  })
}

const isTexts = (value: unknown): value is string[] => Array.isArray(value) && value.every((item) => typeof item === 'string')

/** An archive may give tags away, but not say what a digest of some registry is: that name promises what it names. */
function wholeName(text: string): string {
  const reference = parseReference(text)
  if (reference.digest !== undefined) throw new InvalidImageError(`invalid tag ${JSON.stringify(text)}: an archive cannot name a digest`)
  return formatReference(reference)
}

async function fromItem(
  { config, names, layers }: DockerItem,
  find: (name: string) => { digest: Digest; size: number } | undefined,
  content: ContentStore,
  hold: Hold,
): Promise<ArchivedImage> {
  const get = (name: string) => {
    const file = find(name)
    if (!file) throw new InvalidImageError(`the archive has no ${name}, which its manifest.json names`)
    return file
  }
  const configuration = get(config)
  parseConfig(await content.read(configuration.digest))
  const bytes = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: mediaTypes.manifest,
      config: { mediaType: mediaTypes.config, ...configuration },
      layers: await Promise.all(layers.map(async (name) => ({ mediaType: await layerType(content, get(name).digest), ...get(name) }))),
    }),
  )
  const written = await content.write(bytes, hold)
  return { manifest: { mediaType: mediaTypes.manifest, ...written }, names }
}

async function fromLayout(
  index: Buffer,
  items: readonly DockerItem[],
  content: ContentStore,
  platform: Platform,
): Promise<ArchivedImage[]> {
  const found: ArchivedImage[] = []
  const visit = async (descriptor: Descriptor, names: readonly string[], depth: number): Promise<void> => {
    if (!content.has(descriptor.digest)) return
    const document = parseManifestOrIndex(await content.read(descriptor.digest), descriptor.mediaType)
    if (!isIndex(document)) {
      const hex = document.config.digest.slice('sha256:'.length)
      const tagged = items.filter(({ config }) => config.includes(hex)).flatMap((item) => item.names)
      found.push({ manifest: { ...descriptor, mediaType: document.mediaType }, names: [...new Set([...names, ...tagged])] })
      return
    }
    const chosen = choosePlatform(document, platform)
    if (chosen && depth < maxIndexDepth) await visit(chosen, names, depth + 1)
  }
  const document = parseManifestOrIndex(index, mediaTypes.index)
  if (!isIndex(document)) throw new InvalidImageError('index.json is not an index')
  for (const descriptor of document.manifests) await visit(descriptor, namesOf(descriptor), 0)
  if (found.length === 0) throw new InvalidImageError(`the archive has no image for ${platform.os}/${platform.architecture}`)
  return found
}

/** containerd writes the whole name; the layout's own annotation is a bare tag with some programs and a name with others. */
function namesOf({ annotations = {} }: Descriptor): string[] {
  const whole = annotations['io.containerd.image.name']
  const own = annotations['org.opencontainers.image.ref.name']
  const name = whole ?? (own !== undefined && /[/:]/.test(own) ? own : undefined)
  return name === undefined ? [] : [wholeName(name)]
}

function parseJson(bytes: Buffer, name: string): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'))
  } catch (cause) {
    throw new InvalidImageError(`${name} is not JSON`, { cause })
  }
}

export async function layerType(content: ContentStore, digest: Digest): Promise<string> {
  const file = await open(content.pathOf(digest), 'r')
  try {
    const bytes = Buffer.alloc(4)
    await file.read(bytes, 0, 4, 0)
    switch (compressionOf(bytes)) {
      case 'gzip':
        return mediaTypes.layerGzip
      case 'zstd':
        return mediaTypes.layerZstd
      case 'none':
        return mediaTypes.layer
    }
  } finally {
    await file.close()
  }
}

function compressionOf(bytes: Uint8Array): 'gzip' | 'zstd' | 'none' {
  const magic = Buffer.from(bytes.subarray(0, 4)).toString('hex')
  if (magic.startsWith('1f8b')) return 'gzip'
  return magic === '28b52ffd' ? 'zstd' : 'none'
}

/** Inflates on the threads of zlib; what comes back goes to files. */
async function* uncompressed(source: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer, void, void> {
  const chunks = source[Symbol.asyncIterator]()
  let first = Buffer.alloc(0)
  while (first.length < 4) {
    const { done, value } = await chunks.next()
    if (done) break
    first = Buffer.concat([first, value])
  }
  async function* whole(): AsyncGenerator<Buffer> {
    yield first
    for (;;) {
      const { done, value } = await chunks.next()
      if (done) return
      yield Buffer.from(value.buffer, value.byteOffset, value.byteLength)
    }
  }
  const compression = compressionOf(first)
  if (compression === 'none') return yield* whole()
  const output = new PassThrough()
  // An error of any of them ends the stream that is read.
  pipeline(Readable.from(whole()), compression === 'gzip' ? createGunzip() : createZstdDecompress(), output, () => {})
  for await (const chunk of output as AsyncIterable<Buffer>) yield chunk
}
