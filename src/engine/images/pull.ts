import { type BackoffPolicy, backoffMs } from '../../base/backoff.ts'
import { type Clock, sleep } from '../../base/clock.ts'
import type { Random } from '../../base/random.ts'
import { CriError } from '../../cri/cri-error.ts'
import { ContentMismatchError, type Digest } from '../../oci/digest.ts'
import {
  choosePlatform,
  type Descriptor,
  documentLimitBytes,
  InvalidImageError,
  isIndex,
  type Manifest,
  type Platform,
  parseConfig,
} from '../../oci/manifest.ts'
import { formatReference, indexName, type Reference } from '../../oci/reference.ts'
import { type RegistryClient, RegistryError } from '../../oci/registry-client.ts'
import type { ContentStore } from './content-store.ts'
import type { Hold } from './holds.ts'
import { checkLayers } from './image.ts'

export interface TransferProgress {
  /** The blob's digest, or the tag for what concerns the whole. */
  readonly id?: string
  readonly status: string
  readonly current?: number
  readonly total?: number
}

export interface PullOptions {
  readonly client: RegistryClient
  readonly reference: Reference
  readonly content: ContentStore
  readonly hold: Hold
  readonly platform: Platform
  /** Of one layer, compressed. */
  readonly maxLayerBytes?: number
  readonly onProgress?: ((progress: TransferProgress) => void) | undefined
  readonly signal?: AbortSignal | undefined
  readonly clock: Clock
  readonly random: Random
}

const parallelLayers = 3
const maxRetries = 5
const retryPolicy: BackoffPolicy = { firstMs: 200, maxMs: 5_000, jitter: 0.5 }
const defaultMaxLayerBytes = 64 * 1024 ** 3

/**
 * Brings an image's blobs into the store, each verified by its digest. Answers the manifest for this platform and the
 * digest that the name stood for (an index's, where there is one).
 */
export async function pullBlobs(options: PullOptions): Promise<{ manifest: Descriptor; target: Digest }> {
  const { client, reference, content, hold, signal, onProgress } = options
  const name = indexName(reference)
  const { target, manifest, descriptor, bytes } = await resolve(options).catch((error: unknown) => {
    throw resolveFailure(name, error, signal)
  })
  const limit = options.maxLayerBytes ?? defaultMaxLayerBytes
  const oversized = manifest.layers.find(({ size }) => size > limit)
  if (oversized) throw new InvalidImageError(`layer ${oversized.digest} has ${oversized.size} bytes, more than ${limit}`)
  if (manifest.config.size > documentLimitBytes) throw new InvalidImageError(`the image's configuration has ${manifest.config.size} bytes`)
  await content.write(bytes, hold)
  const fetchBlob = async (blob: Descriptor, signal?: AbortSignal): Promise<void> => {
    const id = blob.digest
    hold.add(id)
    if (content.has(id)) return onProgress?.({ id, status: 'Already exists' })
    onProgress?.({ id, status: 'Pulling fs layer' })
    await content.ingest(download({ ...options, signal }, client, blob), { expected: blob, signal })
    onProgress?.({ id, status: 'Download complete' })
  }
  await fetchBlob(manifest.config, signal)
  checkLayers(manifest, parseConfig(await content.read(manifest.config.digest)))
  const waiting = [...new Map(manifest.layers.map((layer) => [layer.digest, layer])).values()]
  await inLanes(waiting, signal, fetchBlob)
  return { manifest: descriptor, target }
}

async function resolve({ client, reference, platform, signal }: PullOptions): Promise<{
  target: Digest
  manifest: Manifest
  descriptor: Descriptor
  bytes: Buffer
}> {
  const first = await client.manifest(reference, signal)
  if (!isIndex(first.document)) return answer(first.digest, first.digest, first.document, first.bytes)
  const chosen = choosePlatform(first.document, platform)
  if (!chosen) throw new NoPlatformError(`no match for platform in manifest: not found (${platform.os}/${platform.architecture})`)
  const second = await client.manifest({ ...reference, digest: chosen.digest }, signal)
  if (isIndex(second.document)) throw new InvalidImageError(`manifest ${chosen.digest} is an index inside of an index`)
  return answer(first.digest, second.digest, second.document, second.bytes)
}

/** Some at a time. The first that fails stops the others; what it fails with is told when none works any more. */
async function inLanes<Item>(
  items: readonly Item[],
  signal: AbortSignal | undefined,
  work: (item: Item, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const waiting = [...items]
  const stop = new AbortController()
  const either = signal ? AbortSignal.any([signal, stop.signal]) : stop.signal
  const failures: unknown[] = []
  const lane = async (): Promise<void> => {
    try {
      for (let item = waiting.shift(); item !== undefined && !either.aborted; item = waiting.shift()) await work(item, either)
    } catch (error) {
      failures.push(error)
      stop.abort()
    }
  }
  await Promise.all(Array.from({ length: parallelLayers }, lane))
  if (failures.length > 0) throw failures[0]
  signal?.throwIfAborted()
}

class NoPlatformError extends Error {}

function answer(target: Digest, digest: Digest, manifest: Manifest, bytes: Buffer) {
  return { target, manifest, bytes, descriptor: { mediaType: manifest.mediaType, digest, size: bytes.length } }
}

/** A stream that goes on where the connection broke, as long as anything comes. */
async function* download(
  { reference, signal, clock, random, onProgress }: PullOptions,
  client: RegistryClient,
  blob: Descriptor,
): AsyncGenerator<Buffer, void, void> {
  let received = 0
  for (let attempt = 0; received < blob.size || attempt === 0; ) {
    try {
      const stream = await client.blob(reference, blob, received, signal)
      for await (const chunk of stream as AsyncIterable<Buffer>) {
        received += chunk.length
        attempt = 0
        // Whoever ingests refuses what is longer than the descriptor says.
        yield chunk
        onProgress?.({ id: blob.digest, status: 'Downloading', current: received, total: blob.size })
      }
      if (received >= blob.size) return
      throw new Error(`the connection ended after ${received} of ${blob.size} bytes`)
    } catch (error) {
      const isFinal =
        error instanceof ContentMismatchError || (error instanceof RegistryError && error.status < 500 && error.status !== 429)
      if (isFinal || signal?.aborted || attempt >= maxRetries) throw error
      await sleep(clock, backoffMs(retryPolicy, attempt++, random), signal)
    }
  }
}

/** In containerd's words, which kubelet shows in events. */
function resolveFailure(name: string, error: unknown, signal?: AbortSignal): unknown {
  if (signal?.aborted) return error
  const prefix = `failed to resolve reference "${name}"`
  if (error instanceof RegistryError) {
    if (error.status === 404) return new CriError('NOT_FOUND', `${prefix}: ${name}: not found`, { cause: error })
    if (error.status === 401 || error.status === 403)
      return new CriError(
        'UNKNOWN',
        `${prefix}: pull access denied, repository does not exist or may require authorization: server message: ${error.message}`,
        { cause: error },
      )
  }
  if (error instanceof NoPlatformError) return new CriError('NOT_FOUND', `${prefix}: ${error.message}`, { cause: error })
  return new CriError('UNKNOWN', `${prefix}: ${error instanceof Error ? error.message : String(error)}`, { cause: error })
}

export interface PushOptions {
  readonly client: RegistryClient
  readonly reference: Reference
  readonly content: ContentStore
  readonly manifestDescriptor: Descriptor
  readonly manifest: Manifest
  readonly onProgress?: ((progress: TransferProgress) => void) | undefined
  readonly signal?: AbortSignal | undefined
}

/** Sends what the registry lacks, the manifest last. */
export async function pushBlobs({
  client,
  reference,
  content,
  manifestDescriptor,
  manifest,
  onProgress,
  signal,
}: PushOptions): Promise<void> {
  const what = formatReference(reference)
  try {
    const blobs = [...new Map([manifest.config, ...manifest.layers].map((blob) => [blob.digest, blob])).values()]
    await inLanes(blobs, signal, async (blob, either) => {
      const { digest } = blob
      if (await client.hasBlob(reference, digest, either)) return onProgress?.({ id: digest, status: 'Layer already exists' })
      onProgress?.({ id: digest, status: 'Pushing', current: 0, total: blob.size })
      await client.pushBlob(reference, blob, () => content.open(blob), either)
      onProgress?.({ id: digest, status: 'Pushed' })
    })
    await client.pushManifest(reference, await content.read(manifestDescriptor.digest), manifestDescriptor.mediaType, signal)
  } catch (cause) {
    throw new Error(`failed to push reference "${what}": ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
  }
}
