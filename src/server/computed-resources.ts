import { encodeStored } from '../api/encode.ts'
import type { ApiReply } from '../api/exchange.ts'
import type { Kind } from '../api/kind.ts'
import type { KubeObject } from '../api/object.ts'
import { notFound, objectKey } from './registry.ts'
import type { View } from './view.ts'
import { CacheEntry } from './watch-cache.ts'

export interface ComputedCall {
  /** Undefined: cluster-scoped, or all namespaces. */
  readonly namespace: string | undefined
  /** Undefined: all. */
  readonly name: string | undefined
  readonly signal: AbortSignal
}

/** Makes objects when they are asked for: they are never kept, so they have no versions and cannot be watched. */
export type ComputedResource = (call: ComputedCall) => Promise<readonly KubeObject[]>

/** Answers a get or a list of what is made for it. */
export async function readComputed(
  source: ComputedResource,
  {
    kind,
    view,
    matches,
    ...call
  }: ComputedCall & { kind: Kind; view: View; matches: ((object: Readonly<KubeObject>) => boolean) | undefined },
): Promise<ApiReply> {
  const objects = await source(call)
  const entries = objects.map((object) => {
    const { namespace, name } = object.metadata
    return new CacheEntry(objectKey({ kind, namespace, name }), encodeStored(object), 0)
  })
  if (call.name === undefined) return view.list(matches ? entries.filter((entry) => matches(entry.glance())) : entries, {})
  const [only] = entries
  if (!only) throw notFound(kind, call.name)
  return view.one(200, only)
}
