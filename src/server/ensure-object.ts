import type { Kind } from '../api/kind.ts'
import type { JsonObject, KubeObject } from '../api/object.ts'
import { hasReason } from '../api/status-error.ts'
import type { Change, Registry, WriteOptions } from './registry.ts'

/** Makes an object that is not there; of one that is, makes it what `correct` says, or leaves it. */
export async function ensureObject(
  registry: Pick<Registry, 'create' | 'update'>,
  kind: Kind,
  wanted: KubeObject,
  options: WriteOptions,
  correct?: Change,
): Promise<void> {
  const { namespace, name } = wanted.metadata
  try {
    await registry.create(kind, namespace, structuredClone(wanted) as unknown as JsonObject, options)
  } catch (error) {
    if (!hasReason(error, 'AlreadyExists')) throw error
    if (correct) await registry.update({ kind, namespace, name }, '', correct, options)
  }
}
