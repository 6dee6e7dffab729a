import { hexOf } from '../../oci/digest.ts'
import { mediaTypes } from '../../oci/manifest.ts'
import { familiarName, parseReference } from '../../oci/reference.ts'
import { tarEnd, tarHeader, tarPadding } from '../../oci/tar-writer.ts'
import type { ContentStore } from './content-store.ts'
import { blobsOf, type StoredImageView } from './image.ts'

export interface SavedImage {
  readonly image: StoredImageView
  /** Whole names with tags. */
  readonly names: readonly string[]
}

/** An OCI layout that is a docker archive too, as `docker save` has written since version 25. */
export async function* saveArchive(content: ContentStore, images: readonly SavedImage[]): AsyncGenerator<Buffer, void, void> {
  const blobs = [...new Set(images.flatMap(({ image }) => blobsOf(image)))].sort()
  yield tarHeader({ type: 'directory', name: 'blobs', mode: 0o755 })
  yield tarHeader({ type: 'directory', name: 'blobs/sha256', mode: 0o755 })
  for (const digest of blobs) {
    const size = content.sizeOf(digest)
    yield tarHeader({ type: 'file', name: `blobs/sha256/${hexOf(digest)}`, mode: 0o644, size })
    for await (const chunk of await content.open({ digest, size })) yield chunk
    yield tarPadding(size)
  }
  yield file('index.json', {
    schemaVersion: 2,
    mediaType: mediaTypes.index,
    manifests: images.flatMap(({ image, names }) => {
      const { mediaType, digest, size } = image.manifestDescriptor
      const { os, architecture, variant } = image.config
      const descriptor = { mediaType, digest, size, platform: { architecture, os, ...(variant !== undefined && { variant }) } }
      if (names.length === 0) return [descriptor]
      return names.map((name) => ({
        ...descriptor,
        annotations: { 'io.containerd.image.name': name, 'org.opencontainers.image.ref.name': parseReference(name).tag ?? 'latest' },
      }))
    }),
  })
  const blobPath = (digest: Parameters<typeof hexOf>[0]) => `blobs/sha256/${hexOf(digest)}`
  yield file(
    'manifest.json',
    images.map(({ image, names }) => ({
      Config: blobPath(image.id),
      RepoTags: names.length > 0 ? names.map(familiarName) : null,
      Layers: image.manifest.layers.map(({ digest }) => blobPath(digest)),
    })),
  )
  yield file('oci-layout', { imageLayoutVersion: '1.0.0' })
  yield tarEnd()
}

function file(name: string, document: unknown): Buffer {
  const bytes = Buffer.from(JSON.stringify(document))
  return Buffer.concat([tarHeader({ type: 'file', name, mode: 0o644, size: bytes.length }), bytes, tarPadding(bytes.length)])
}
