import { chainIds } from '../../oci/chain-id.ts'
import type { Digest } from '../../oci/digest.ts'
import {
  type Descriptor,
  type ImageConfig,
  InvalidImageError,
  isIndex,
  type Manifest,
  parseConfig,
  parseManifestOrIndex,
} from '../../oci/manifest.ts'
import type { ContentStore } from './content-store.ts'

/** An image of the store, read and checked. */
export interface StoredImageView {
  /** The digest of the configuration. */
  readonly id: Digest
  readonly manifestDescriptor: Descriptor
  readonly manifest: Manifest
  readonly config: ImageConfig
  readonly chainIds: readonly Digest[]
  readonly storedAtMs: number
  /** Bytes of its blobs. */
  readonly size: number
}

export async function readImage(content: ContentStore, manifestDescriptor: Descriptor, storedAtMs: number): Promise<StoredImageView> {
  const manifest = parseManifestOrIndex(await content.read(manifestDescriptor.digest), manifestDescriptor.mediaType)
  if (isIndex(manifest)) throw new InvalidImageError(`${manifestDescriptor.digest} is an index, not a manifest`)
  const config = parseConfig(await content.read(manifest.config.digest))
  checkLayers(manifest, config)
  const missing = manifest.layers.find(({ digest }) => !content.has(digest))
  if (missing) throw new InvalidImageError(`layer ${missing.digest} is missing`)
  return {
    id: manifest.config.digest,
    manifestDescriptor,
    manifest,
    config,
    chainIds: chainIds(config.rootfs.diff_ids),
    storedAtMs,
    size: [manifestDescriptor, manifest.config, ...manifest.layers].reduce((sum, { size }) => sum + size, 0),
  }
}

export function checkLayers(manifest: Manifest, config: ImageConfig): void {
  const wanted = config.rootfs.diff_ids.length
  if (manifest.layers.length !== wanted)
    throw new InvalidImageError(`mismatched image rootfs and manifest layers: ${manifest.layers.length} layers, ${wanted} diff ids`)
}

/** All blobs that an image consists of. */
export function blobsOf({ manifestDescriptor, manifest }: StoredImageView): Digest[] {
  return [manifestDescriptor.digest, manifest.config.digest, ...manifest.layers.map(({ digest }) => digest)]
}
