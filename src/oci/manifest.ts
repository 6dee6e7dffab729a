import { type Digest, isDigest } from './digest.ts'

/** The documents of the OCI image spec and their docker schema 2 twins, checked when read: what stands here is as its type says. */
export interface Descriptor {
  readonly mediaType: string
  readonly digest: Digest
  /** Bytes. */
  readonly size: number
  readonly platform?: Platform
  readonly annotations?: Readonly<Record<string, string>>
}

export interface Platform {
  readonly os: string
  readonly architecture: string
  readonly variant?: string
}

export interface Manifest {
  readonly schemaVersion: 2
  readonly mediaType: string
  readonly config: Descriptor
  readonly layers: readonly Descriptor[]
}

export interface Index {
  readonly schemaVersion: 2
  readonly mediaType: string
  readonly manifests: readonly Descriptor[]
}

export interface ImageConfig {
  readonly os: string
  readonly architecture: string
  readonly variant?: string
  readonly created?: string
  readonly config: ContainerDefaults
  readonly rootfs: { readonly type: 'layers'; readonly diff_ids: readonly Digest[] }
  readonly history: readonly HistoryEntry[]
}

/** `config` of an image's configuration: capital names as the specification has them. */
export interface ContainerDefaults {
  readonly User?: string
  readonly ExposedPorts?: Readonly<Record<string, object>>
  readonly Env?: readonly string[]
  readonly Entrypoint?: readonly string[]
  readonly Cmd?: readonly string[]
  readonly Volumes?: Readonly<Record<string, object>>
  readonly WorkingDir?: string
  readonly Labels?: Readonly<Record<string, string>>
  readonly StopSignal?: string
  /** Docker's own: what runs commands in their shell form. */
  readonly Shell?: readonly string[]
}

export interface HistoryEntry {
  readonly created?: string
  readonly created_by?: string
  readonly comment?: string
  readonly empty_layer?: boolean
}

export const mediaTypes = {
  index: 'application/vnd.oci.image.index.v1+json',
  manifest: 'application/vnd.oci.image.manifest.v1+json',
  config: 'application/vnd.oci.image.config.v1+json',
  layer: 'application/vnd.oci.image.layer.v1.tar',
  layerGzip: 'application/vnd.oci.image.layer.v1.tar+gzip',
  layerZstd: 'application/vnd.oci.image.layer.v1.tar+zstd',
  dockerIndex: 'application/vnd.docker.distribution.manifest.list.v2+json',
  dockerManifest: 'application/vnd.docker.distribution.manifest.v2+json',
} as const

/** Bytes; containerd's and distribution's limits: a manifest is a few kilobytes, and one of gigabytes is an attack. */
export const documentLimitBytes = 8 * 1024 * 1024
const layerLimit = 512

export class InvalidImageError extends Error {
  override name = 'InvalidImageError'
}

type Json = { readonly [key: string]: unknown }

export function parseManifestOrIndex(bytes: Uint8Array, mediaType?: string): Manifest | Index {
  const document = parseDocument(bytes, 'manifest')
  const type = text(document.mediaType) ?? mediaType
  if (document.schemaVersion !== 2) throw new InvalidImageError(`manifest has schemaVersion ${String(document.schemaVersion)}, not 2`)
  // Who reads it as the one would sign or check what another runs as the other (CVE-2021-41190).
  if ('manifests' in document && ('config' in document || 'layers' in document))
    throw new InvalidImageError('manifest is an index at once (has config or layers, and manifests)')
  if (Array.isArray(document.manifests)) {
    const manifests = document.manifests.map((entry) => descriptor(entry, 'manifests'))
    return { schemaVersion: 2, mediaType: type === mediaTypes.dockerIndex ? type : mediaTypes.index, manifests }
  }
  if (!Array.isArray(document.layers)) throw new InvalidImageError('manifest has no layers')
  if (document.layers.length > layerLimit)
    throw new InvalidImageError(`manifest has ${document.layers.length} layers, more than ${layerLimit}`)
  return {
    schemaVersion: 2,
    mediaType: type === mediaTypes.dockerManifest ? type : mediaTypes.manifest,
    config: descriptor(document.config, 'config'),
    layers: document.layers.map((entry) => descriptor(entry, 'layers')),
  }
}

export function isIndex(document: Manifest | Index): document is Index {
  return 'manifests' in document
}

export function parseConfig(bytes: Uint8Array): ImageConfig {
  const document = parseDocument(bytes, 'image config')
  const rootfs = object(document.rootfs, 'rootfs')
  const diffIds = rootfs.diff_ids
  if (!Array.isArray(diffIds) || !diffIds.every(isDigest)) throw new InvalidImageError('image config has no valid rootfs.diff_ids')
  const created = text(document.created)
  const variant = text(document.variant)
  return {
    os: text(document.os) ?? 'linux',
    architecture: text(document.architecture) ?? '',
    ...(variant ? { variant } : {}),
    ...(created ? { created } : {}),
    config: parseDefaults(document.config === undefined || document.config === null ? {} : object(document.config, 'config')),
    rootfs: { type: 'layers', diff_ids: diffIds },
    history: Array.isArray(document.history) ? document.history.map(historyEntry) : [],
  }
}

/** The manifest of an index that runs here, or undefined. */
export function choosePlatform(index: Index, wanted: Platform): Descriptor | undefined {
  const matching = index.manifests.filter(({ platform }) => platform?.os === wanted.os && platform.architecture === wanted.architecture)
  const exact = matching.find(({ platform }) => platform?.variant === wanted.variant)
  return exact ?? matching[0] ?? index.manifests.find(({ platform }) => platform === undefined)
}

/** Go's name of the machine that Node calls `arch`. */
export function platformOf(arch: string): Platform {
  const names: Record<string, string> = { x64: 'amd64', ia32: '386' }
  return { os: 'linux', architecture: names[arch] ?? arch, ...(arch === 'arm64' ? { variant: 'v8' } : {}) }
}

function parseDocument(bytes: Uint8Array, what: string): Json {
  if (bytes.length > documentLimitBytes) throw new InvalidImageError(`${what} has ${bytes.length} bytes, more than ${documentLimitBytes}`)
  try {
    return object(JSON.parse(Buffer.from(bytes).toString('utf8')), what)
  } catch (cause) {
    if (cause instanceof SyntaxError) throw new InvalidImageError(`${what} is not JSON: ${cause.message}`, { cause })
    throw cause
  }
}

function parseDefaults(config: Json): ContainerDefaults {
  return {
    ...optional('User', text(config.User)),
    ...optional('WorkingDir', text(config.WorkingDir)),
    ...optional('StopSignal', text(config.StopSignal)),
    ...optional('Shell', texts(config.Shell, 'Shell')),
    ...optional('Env', texts(config.Env, 'Env')),
    ...optional('Entrypoint', texts(config.Entrypoint, 'Entrypoint')),
    ...optional('Cmd', texts(config.Cmd, 'Cmd')),
    ...optional('ExposedPorts', keys(config.ExposedPorts)),
    ...optional('Volumes', keys(config.Volumes)),
    ...optional('Labels', stringMap(config.Labels)),
  }
}

const optional = <Key extends string, Value>(key: Key, value: Value | undefined): { [K in Key]?: Value } =>
  value === undefined ? {} : ({ [key]: value } as { [K in Key]: Value })

function descriptor(value: unknown, where: string): Descriptor {
  const entry = object(value, where)
  const { digest, size } = entry
  if (!isDigest(digest)) throw new InvalidImageError(`${where}: digest ${JSON.stringify(digest)} is not a sha256 digest`)
  if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0)
    throw new InvalidImageError(`${where}: size of ${digest} is not valid`)
  const platform = entry.platform === undefined || entry.platform === null ? undefined : object(entry.platform, `${where}.platform`)
  const variant = text(platform?.variant)
  const annotations = stringMap(entry.annotations)
  return {
    mediaType: text(entry.mediaType) ?? '',
    digest,
    size,
    ...(platform
      ? { platform: { os: text(platform.os) ?? '', architecture: text(platform.architecture) ?? '', ...(variant ? { variant } : {}) } }
      : {}),
    ...(annotations ? { annotations } : {}),
  }
}

function historyEntry(value: unknown): HistoryEntry {
  const entry = object(value, 'history')
  return {
    ...optional('created', text(entry.created)),
    ...optional('created_by', text(entry.created_by)),
    ...optional('comment', text(entry.comment)),
    ...(entry.empty_layer === true ? { empty_layer: true } : {}),
  }
}

function object(value: unknown, where: string): Json {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new InvalidImageError(`${where} is not an object`)
  return value as Json
}

const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined)

function texts(value: unknown, where: string): readonly string[] | undefined {
  if (value === undefined || value === null) return undefined
  if (!Array.isArray(value) || !value.every((item) => typeof item === 'string'))
    throw new InvalidImageError(`config.${where} is not a list of strings`)
  return value
}

function keys(value: unknown): Record<string, object> | undefined {
  return typeof value === 'object' && value !== null ? Object.fromEntries(Object.keys(value).map((key) => [key, {}])) : undefined
}

function stringMap(value: unknown): Record<string, string> | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  return Object.fromEntries(Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === 'string'))
}
