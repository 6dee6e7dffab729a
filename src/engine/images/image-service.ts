import type { Clock } from '../../base/clock.ts'
import { CriError } from '../../cri/cri-error.ts'
import type { AuthConfig, Image, ImageService } from '../../cri/types.ts'
import { InvalidReferenceError, indexName, parseReference } from '../../oci/reference.ts'
import type { Credentials } from '../../oci/registry-client.ts'
import type { ImageIndex } from './image-index.ts'
import type { Images, ListedImage, RemovedImage } from './images.ts'
import { infraImage } from './infra-rootfs.ts'

export interface ImageServiceOptions {
  readonly images: Pick<Images, 'list' | 'find' | 'pull' | 'store'>
  readonly index: ImageIndex
  readonly layersDirectory: string
  readonly clock: Clock
  /** The image with all its names. */
  readonly deleteImage: (image: ListedImage) => Promise<RemovedImage>
}

/** CRI's image half, as containerd answers it. */
export function createImageService({ images, index, layersDirectory, clock, deleteImage }: ImageServiceOptions): ImageService {
  const listed = (filter: string | undefined): readonly Image[] => {
    if (!filter) return images.list().map(describe)
    const image = images.find(filter)
    return image ? [describe(image)] : []
  }
  return {
    listImages: async ({ filter }) => ({ images: listed(filter?.image?.image) }),
    async *streamImages({ filter }) {
      yield { images: listed(filter?.image?.image) }
    },
    async imageStatus({ image: spec, verbose }) {
      const image = images.find(spec?.image ?? '')
      if (!image) return {}
      return {
        image: describe(image),
        ...(verbose && { info: { info: JSON.stringify({ chainID: image.chainIds.at(-1) ?? '', imageSpec: image.config }) } }),
      }
    },
    async pullImage({ image: spec, auth }, signal) {
      const text = spec?.image ?? ''
      const reference = readReference(text)
      try {
        const credentials = credentialsOf(auth, reference.registry)
        const image = await images.pull(text, { signal, ...(credentials && { credentials }) })
        return { imageRef: image.id }
      } catch (cause) {
        if (signal?.aborted) throw cause
        const message = cause instanceof Error ? cause.message : String(cause)
        const code = cause instanceof CriError ? cause.code : 'UNKNOWN'
        throw new CriError(code, `failed to pull and unpack image "${indexName(reference)}": ${message}`, { cause })
      }
    },
    /** With all its names, whichever of them is told. What a container runs on stays until it is gone. */
    async removeImage({ image: spec }) {
      const image = images.find(spec?.image ?? '')
      if (image) await deleteImage(image)
      return {}
    },
    async imageFsInfo() {
      let usedBytes = 0
      let inodes = 0
      for (const [, size] of images.store.content.list()) {
        usedBytes += size
        inodes++
      }
      for (const layer of index.layers.values()) {
        usedBytes += layer.bytes
        inodes += layer.inodes
      }
      const usage = {
        timestamp: clock.now() * 1_000_000,
        fsId: { mountpoint: layersDirectory },
        usedBytes: { value: usedBytes },
        inodesUsed: { value: inodes },
      }
      return { imageFilesystems: [usage], containerFilesystems: [usage] }
    },
  }
}

function readReference(text: string): ReturnType<typeof parseReference> {
  let reference: ReturnType<typeof parseReference>
  try {
    reference = parseReference(text)
  } catch (cause) {
    if (cause instanceof InvalidReferenceError) throw new CriError('INVALID_ARGUMENT', cause.message, { cause })
    throw cause
  }
  // It is built in; nothing on the network may take its place.
  if (indexName(reference) === indexName(parseReference(infraImage))) throw new CriError('INVALID_ARGUMENT', `${infraImage} is not pulled`)
  return reference
}

function describe(image: ListedImage): Image {
  const user = image.config.config.User ?? ''
  const [name = ''] = user.split(':')
  return {
    id: image.id,
    repoTags: image.tags,
    repoDigests: image.digests,
    size: image.size,
    ...(/^\d+$/.test(name) ? { uid: { value: Number(name) } } : { username: name }),
    spec: { image: image.id },
    pinned: false,
  }
}

/** As containerd reads them: what is meant for another server is refused. */
export function credentialsOf(auth: AuthConfig | undefined, registry: string): Credentials | undefined {
  if (!auth) return undefined
  const { serverAddress = '', username, password, identityToken, registryToken } = auth
  const server = serverAddress.replace(/^[a-z]+:\/\//, '').split('/')[0] ?? ''
  const isMeant = server === '' || server === registry || (registry === 'docker.io' && /(?:^|\.)docker\.io$/.test(server))
  if (!isMeant) throw new CriError('INVALID_ARGUMENT', `the credentials are for ${server}, not for ${registry}`)
  // Meant for one server they are not told to its mirrors.
  const only = server === '' ? {} : { registry }
  if (username) return { username, password: password ?? '', ...only }
  if (identityToken) return { identityToken, ...only }
  if (auth.auth) {
    const [name = '', ...rest] = Buffer.from(auth.auth, 'base64').toString().replace(/\0+$/, '').split(':')
    if (rest.length === 0) throw new CriError('INVALID_ARGUMENT', 'invalid decoded auth')
    return { username: name, password: rest.join(':'), ...only }
  }
  return registryToken ? { registryToken, ...only } : undefined
}
