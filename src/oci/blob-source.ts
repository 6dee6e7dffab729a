import type { Readable } from 'node:stream'
import type { Descriptor } from './manifest.ts'

/** Where an image's blobs can be read: a registry, an archive, a layout, a content store. Streams are not yet verified. */
export interface BlobSource {
  open(descriptor: Pick<Descriptor, 'digest' | 'size'>, signal?: AbortSignal): Promise<Readable>
}
