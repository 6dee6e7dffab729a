import type { Digest } from '../../oci/digest.ts'
import type { Packed, PackOptions } from './pack.ts'
import type { Unpacked, UnpackKind, UnpackLimits } from './unpack.ts'

/** What a worker thread does, and what it answers. Everything crosses as plain data. */
export interface LayerTasks {
  /** The digest of a file's content. */
  digest: { task: { readonly file: string }; result: { readonly digest: Digest; readonly size: number } }
  /** An archive, compressed or not, into a directory. */
  unpack: { task: UnpackTask; result: Unpacked & { readonly diffId: Digest } }
  pack: { task: PackOptions; result: Packed }
}

export interface UnpackTask {
  readonly file: string
  readonly root: string
  readonly kind: UnpackKind
  readonly limits?: UnpackLimits
  /** The digest that the uncompressed archive must have. */
  readonly diffId?: Digest
}

export type LayerTaskKind = keyof LayerTasks

export type ToWorker =
  | { [Kind in LayerTaskKind]: { readonly kind: Kind; readonly task: LayerTasks[Kind]['task'] } }[LayerTaskKind]
  | { readonly kind: 'lower'; readonly layers: readonly string[] }

export type FromWorker =
  | { readonly kind: 'done'; readonly result: LayerTasks[LayerTaskKind]['result'] }
  /** The worker waits for a `lower` message. */
  | { readonly kind: 'needs-lower' }
  | { readonly kind: 'failed'; readonly error: unknown }
