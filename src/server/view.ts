import type { ApiReply, ApiWatchEvent, WatchEventType, WatchSink } from '../api/exchange.ts'
import type { Kind } from '../api/kind.ts'
import type { KubeObject } from '../api/object.ts'
import { apiVersionOf } from '../api/resource-ref.ts'
import { StatusError } from '../api/status-error.ts'
import { type IncludeObject, partialObjectMetadata, partialObjectMetadataList, tableOf } from '../api/table.ts'
import type { ListMeta } from '../api/types/meta-v1.ts'
import type { Representation } from './negotiation.ts'
import { entryReply, jsonHeaders, jsonReply } from './replies.ts'
import { mapInSlices } from './slices.ts'
import type { CacheEntry } from './watch-cache.ts'

/** How a caller wants objects shown: whole, as rows of a table, or their metadata only. */
export interface View {
  readonly one: (status: number, entry: CacheEntry, warnings?: readonly string[]) => ApiReply
  readonly list: (entries: readonly CacheEntry[], metadata: ListMeta) => ApiReply | Promise<ApiReply>
  /** The sink to give to the cache so that events arrive at `sink` as the caller wants them. */
  readonly watch: (sink: WatchSink) => WatchSink
}

/** Chosen by the Accept header (`as=Table`, `as=PartialObjectMetadata[List]`) and `includeObject`. */
export function viewOf(kind: Kind, { as, metaVersion }: Representation, parameters: URLSearchParams, nowMs: () => number): View {
  switch (as) {
    case 'whole':
      return wholeView(kind)
    case 'table':
      return tableView(kind, includeObjectOf(parameters), metaVersion, nowMs)
    case 'metadata':
      return metadataViews[metaVersion]
  }
}

type MetaVersion = Representation['metaVersion']

const opening = Buffer.from('{')
const comma = Buffer.from(',')
const nextOpening = Buffer.from(',{')

function wholeView(kind: Kind): View {
  return {
    one: entryReply,
    list(entries, metadata) {
      const head = { kind: kind.listKind, apiVersion: apiVersionOf(kind), metadata }
      return {
        status: 200,
        headers: { 'content-type': 'application/json' },
        body: {
          type: 'object',
          get object() {
            return { ...head, items: entries.map((entry) => entry.object) }
          },
          encode: () => listChunks(head, entries, typeOpening(kind)),
          list: { head, field: 'items', items: () => untyped(entries, kind) },
        },
      }
    },
    watch: (sink) => sink,
  }
}

/** The objects for one look each, without what their list says for all. */
function* untyped(entries: readonly CacheEntry[], kind: Kind): Generator<object> {
  const listed = apiVersionOf(kind)
  for (const entry of entries) {
    const object = entry.glance()
    const { kind: name, apiVersion, ...rest } = object
    yield name === kind.kind && apiVersion === listed ? rest : object
  }
}

/** How the bytes of an object begin: with what its list says for all. */
const typeOpening = (kind: Kind) => Buffer.from(`${JSON.stringify({ kind: kind.kind, apiVersion: apiVersionOf(kind) }).slice(0, -1)},`)

/** A list's chunks: its head, then each object's own bytes behind their type; nothing is concatenated here. */
function listChunks(head: object, entries: readonly CacheEntry[], type: Buffer): readonly Uint8Array[] {
  const chunks: Uint8Array[] = [Buffer.from(`${JSON.stringify(head).slice(0, -1)},"items":[`)]
  entries.forEach(({ bytes }, index) => {
    if (type.compare(bytes, 0, type.length) === 0) chunks.push(index > 0 ? nextOpening : opening, bytes.subarray(type.length))
    else if (index > 0) chunks.push(comma, bytes)
    else chunks.push(bytes)
  })
  chunks.push(Buffer.from(']}\n'))
  return chunks
}

function tableView(kind: Kind, includeObject: IncludeObject, metaVersion: MetaVersion, nowMs: () => number): View {
  const table = (objects: readonly KubeObject[], metadata: ListMeta, withColumns: boolean) => ({
    ...tableOf({ kind, objects, metadata, includeObject, withColumns, nowMs: nowMs() }),
    apiVersion: `meta.k8s.io/${metaVersion}`,
  })
  return {
    one: (status, entry, warnings) =>
      jsonReply(status, table([entry.object], { resourceVersion: String(entry.revision) }, true), jsonHeaders(warnings)),
    list: (entries, metadata) =>
      slicedReply({ ...table([], metadata, true) }, 'rows', entries, (entry) => table([entry.glance()], metadata, false).rows[0] ?? null),
    watch(sink) {
      let isFirst = true
      return translated(sink, ({ type, object }) => {
        const { resourceVersion = '' } = object.metadata
        const shown = table(type === 'BOOKMARK' ? [] : [object], { resourceVersion }, isFirst)
        isFirst = false
        // It has nothing to print, but says how far the watch has seen and where what there was at first ends.
        return eventOf(type, type === 'BOOKMARK' ? { ...shown, rows: [{ cells: [], object: partialObjectMetadata(object) }] } : shown)
      })
    },
  }
}

function metadataView(metaVersion: MetaVersion): View {
  const apiVersion = `meta.k8s.io/${metaVersion}`
  const show = (object: KubeObject) => ({ ...partialObjectMetadata(object), apiVersion })
  /** Made once for all watchers, to whom the same event is given. */
  const known = new WeakMap<object, ApiWatchEvent<unknown>>()
  const shown = (event: ApiWatchEvent): ApiWatchEvent<unknown> => {
    const made = known.get(event) ?? eventOf(event.type, show(event.object))
    known.set(event, made)
    return made
  }
  return {
    one: (status, entry, warnings) => jsonReply(status, show(entry.object), jsonHeaders(warnings)),
    list(entries, metadata) {
      const list = { ...partialObjectMetadataList([], metadata), apiVersion }
      return slicedReply(list, 'items', entries, (entry) => show(entry.glance()))
    },
    watch: (sink) => translated(sink, shown),
  }
}

const metadataViews = { v1: metadataView('v1'), v1beta1: metadataView('v1beta1') }

/** A document with one long list in it, made and encoded piece by piece so that others are answered meanwhile. */
async function slicedReply<Field extends string>(
  document: { readonly [Name in Field]: readonly unknown[] },
  field: Field,
  entries: readonly CacheEntry[],
  show: (entry: CacheEntry) => object | null,
): Promise<ApiReply> {
  const { [field]: _, ...head } = document
  const pieces = await mapInSlices(entries, (entry) => JSON.stringify(show(entry)))
  const chunks = [Buffer.from(`${JSON.stringify(head).slice(0, -1)},"${field}":[`)]
  for (let first = 0; first < pieces.length; first += piecesPerChunk) {
    const text = pieces.slice(first, first + piecesPerChunk).join(',')
    chunks.push(Buffer.from(first === 0 ? text : `,${text}`))
  }
  chunks.push(Buffer.from(']}\n'))
  return {
    status: 200,
    headers: { 'content-type': 'application/json' },
    body: {
      type: 'object',
      get object() {
        return { ...document, [field]: entries.map(show) }
      },
      encode: () => chunks,
      list: { head, field, items: () => shownOne(entries, show) },
    },
  }
}

const piecesPerChunk = 100

function* shownOne(entries: readonly CacheEntry[], show: (entry: CacheEntry) => object | null): Generator<object> {
  for (const entry of entries) {
    const shown = show(entry)
    if (shown) yield shown
  }
}

function translated(sink: WatchSink, show: (event: ApiWatchEvent) => ApiWatchEvent<unknown>): WatchSink {
  return {
    event: (event) => sink.event(event.type === 'ERROR' ? event : show(event as ApiWatchEvent)),
    ...(sink.ready && { ready: () => sink.ready?.() ?? Promise.resolve() }),
    end: () => sink.end(),
  }
}

function eventOf(type: WatchEventType, object: object): ApiWatchEvent<unknown> {
  let line: Uint8Array | undefined
  return {
    type,
    object,
    bytes() {
      line ??= Buffer.from(`${JSON.stringify({ type, object })}\n`)
      return line
    },
  }
}

function includeObjectOf(parameters: URLSearchParams): IncludeObject {
  const value = parameters.get('includeObject') ?? 'Metadata'
  if (value === 'None' || value === 'Metadata' || value === 'Object') return value
  throw new StatusError('BadRequest', `unrecognized includeObject value: "${value}"`)
}
