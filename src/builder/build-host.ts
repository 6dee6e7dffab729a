import type { Digest } from '../oci/digest.ts'
import type { Descriptor, ImageConfig, Platform } from '../oci/manifest.ts'
import type { CopyAction, RunAction } from './evaluate.ts'

/** What the builder needs of the machine: images, layers, and a place to run commands. The engine has it. */
export interface BuildHost {
  readonly platform: Platform
  /** The image, brought from its registry where it is not here (or `pull` asks for it again). */
  image(name: string, options: { pull: boolean; signal: AbortSignal; output: Output }): Promise<BaseImage>
  /** A writable view on the files of these layers, the lowest first. */
  open(layers: readonly BuildLayer[]): Promise<Workspace>
  readonly cache: BuildCache
  /** Makes an image and gives it its names; answers its id. */
  finish(image: { config: Uint8Array; layers: readonly BuildLayer[]; names: readonly string[] }): Promise<Digest>
}

export interface BaseImage {
  readonly id: Digest
  readonly config: ImageConfig
  readonly layers: readonly BuildLayer[]
}

export interface BuildLayer {
  readonly blob: Descriptor
  readonly diffId: Digest
}

/** Prints; a promise means that the reader takes no more until it resolves. It never fails. */
export type Output = (text: string) => Promise<void> | undefined

/** Is mounted until it is closed; nothing of it is kept but what `commit` answers. */
export interface Workspace {
  /** The merged files, on the host. */
  readonly root: string
  makeDirectory(path: string, user: string): Promise<void>
  copy(copy: ResolvedCopy): Promise<void>
  /** Answers the exit code. */
  run(run: RunAction, options: { output: Output; signal: AbortSignal }): Promise<number>
  /** What has changed as a layer; undefined where nothing has and none is wanted for that. The workspace can only be closed afterwards. */
  commit(options: { evenEmpty: boolean }): Promise<BuildLayer | undefined>
  close(): Promise<void>
}

/** Files to copy, chosen. */
export interface ResolvedCopy extends Pick<CopyAction, 'instruction' | 'destination' | 'chown' | 'chmod'> {
  readonly sources: readonly ResolvedSource[]
  /** Of another stage's files owners are kept; a context has none. */
  readonly keepsOwners: boolean
}

export type ResolvedSource =
  | {
      readonly kind: 'path'
      /** The directory on the host that nothing may lead out of. */
      readonly root: string
      /** Inside the root, without links on the way, '' for the root itself. */
      readonly path: string
      readonly excludes: (path: string) => boolean
    }
  | { readonly kind: 'inline'; readonly name: string; readonly content: string }

/** What steps came to, by what they were made from. */
export interface BuildCache {
  get(key: Digest): CachedStep | undefined
  set(key: Digest, step: CachedStep): Promise<void>
}

export interface CachedStep {
  readonly layer?: BuildLayer
  /** RFC 3339. */
  readonly createdAt: string
}
