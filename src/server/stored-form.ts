import type { Catalog } from '../api/catalog.ts'
import { copy } from '../api/decode.ts'
import type { ApiWatchEvent, WatchSink } from '../api/exchange.ts'
import type { Kind } from '../api/kind.ts'
import type { JsonObject, KubeObject } from '../api/object.ts'
import { CacheEntry } from './watch-cache.ts'

/** Between what a caller speaks and the kind under which the same objects are kept; the same thing for nearly all kinds. */
export interface StoredForm {
  /** What the caller speaks. */
  readonly shown: Kind
  /** What the registry works with. */
  readonly kind: Kind
  toStored(draft: JsonObject): JsonObject
  fromStored(object: KubeObject): KubeObject
  /** The entry as the caller's kind has it. */
  entry(stored: CacheEntry): CacheEntry
  /** The sink to give to the cache, whose events are of the stored kind. */
  sink(sink: WatchSink): WatchSink
}

const unconverted = (kind: Kind): StoredForm => ({
  shown: kind,
  kind,
  toStored: (draft) => draft,
  fromStored: (object) => object,
  entry: (stored) => stored,
  sink: (sink) => sink,
})

export function storedForm(catalog: Catalog, kind: Kind): StoredForm {
  const { toStored, fromStored, group, version, plural } = kind.storage
  const stored = catalog.byResource(group, version, plural)
  if (!toStored || !fromStored || !stored) return unconverted(kind)
  const known = new WeakMap<CacheEntry, CacheEntry>()
  const convert = (object: KubeObject) => fromStored(copy(object) as unknown as JsonObject) as unknown as KubeObject

  return {
    shown: kind,
    kind: stored,
    toStored: (draft) => toStored(draft, stored.schema),
    fromStored: convert,
    entry(entry) {
      const before = known.get(entry)
      if (before) return before
      const { kind: _, apiVersion, metadata, ...rest } = convert(entry.glance())
      const { resourceVersion: __, ...kept } = metadata
      const bytes = Buffer.from(JSON.stringify({ kind: kind.kind, apiVersion, metadata: kept, ...rest }))
      const made = new CacheEntry(entry.key, bytes, entry.revision)
      known.set(entry, made)
      return made
    },
    sink: (sink) => ({
      event: (event) => sink.event(event.type === 'ERROR' ? event : converted(event as ApiWatchEvent, convert)),
      ...(sink.ready && { ready: () => sink.ready?.() ?? Promise.resolve() }),
      end: () => sink.end(),
    }),
  }
}

function converted({ type, object }: ApiWatchEvent, convert: (object: KubeObject) => KubeObject): ApiWatchEvent {
  const shown = convert(object)
  return { type, object: shown, bytes: () => Buffer.from(`${JSON.stringify({ type, object: shown })}\n`) }
}
