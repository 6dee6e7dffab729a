import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Digest } from '../../oci/digest.ts'
import type { Descriptor } from '../../oci/manifest.ts'
import { absentIs } from '../state-files.ts'
import { durableState } from './durable-file.ts'

/** What is kept of the store besides its blobs: one small file that is replaced whole. */
export interface ImageIndex {
  /** By the digest of the configuration, the image's id. */
  readonly images: Map<Digest, StoredImage>
  /** The id that a whole name (`docker.io/library/web:1`, `quay.io/a/b@sha256:…`) stands for. */
  readonly names: Map<string, Digest>
  /** Unpacked layers by chain id. */
  readonly layers: Map<Digest, StoredLayer>
  /** Durable when it resolves. */
  save(): Promise<void>
}

export interface StoredImage {
  readonly manifest: Descriptor
  /** When it came here. */
  readonly storedAtMs: number
}

export interface StoredLayer {
  /** The name of its directory: short, because overlayfs takes one page of options. */
  readonly directory: string
  readonly bytes: number
  readonly inodes: number
  /** Where the disk may not have all of it yet: the boot in which it was unpacked, and in which it is whole. */
  readonly unsyncedBoot?: string
}

interface IndexFile {
  readonly version: 1
  readonly images: Record<Digest, StoredImage>
  readonly names: Record<string, Digest>
  readonly layers: Record<Digest, StoredLayer>
}

export async function openImageIndex(directory: string): Promise<ImageIndex> {
  const path = join(directory, 'index.json')
  const text = await readFile(path, 'utf8').catch(absentIs(undefined))
  const file = text === undefined ? { images: {}, names: {}, layers: {} } : (JSON.parse(text) as IndexFile)
  const images = new Map(Object.entries(file.images) as [Digest, StoredImage][])
  const names = new Map(Object.entries(file.names))
  const layers = new Map(Object.entries(file.layers) as [Digest, StoredLayer][])
  const content = () =>
    JSON.stringify({
      version: 1,
      images: Object.fromEntries(images),
      names: Object.fromEntries(names),
      layers: Object.fromEntries(layers),
    } satisfies IndexFile)
  return { images, names, layers, save: durableState(path, content) }
}
