import type { ApiReply, ApiRequest, ApiWatchEvent, WatchSink } from '../api/exchange.ts'
import type { Kind } from '../api/kind.ts'
import type { KubeObject } from '../api/object.ts'
import { apiVersionOf } from '../api/resource-ref.ts'
import { StatusError } from '../api/status-error.ts'
import { type IncludeObject, partialObjectMetadata, partialObjectMetadataList, tableOf } from '../api/table.ts'
import type { ListMeta } from '../api/types/meta-v1.ts'
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
export function viewOf(kind: Kind, { headers }: ApiRequest, parameters: URLSearchParams, nowMs: () => number): View {
  const accepted = headers.accept ?? ''
  if (accepted.includes('as=Table')) return tableView(kind, includeObjectOf(parameters), nowMs)
  return accepted.includes('as=PartialObjectMetadata') ? metadataView : wholeView(kind)
}

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
        },
      }
    },
    watch: (sink) => sink,
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

function tableView(kind: Kind, includeObject: IncludeObject, nowMs: () => number): View {
  const table = (objects: readonly KubeObject[], metadata: ListMeta, withColumns: boolean) =>
    tableOf({ kind, objects, metadata, includeObject, withColumns, nowMs: nowMs() })
  return {
    one: (status, entry, warnings) =>
      jsonReply(status, table([entry.object], { resourceVersion: String(entry.revision) }, true), jsonHeaders(warnings)),
    list: (entries, metadata) =>
      slicedReply({ ...table([], metadata, true) }, 'rows', entries, (entry) => table([entry.glance()], metadata, false).rows[0] ?? null),
    watch(sink) {
      let isFirst = true
      return translated(sink, (object) => {
        const shown = table([object], { resourceVersion: object.metadata.resourceVersion ?? '' }, isFirst)
        isFirst = false
        return shown
      })
    },
  }
}

const metadataView: View = {
  one: (status, entry, warnings) => jsonReply(status, partialObjectMetadata(entry.object), jsonHeaders(warnings)),
  list: (entries, metadata) =>
    slicedReply(partialObjectMetadataList([], metadata), 'items', entries, (entry) => partialObjectMetadata(entry.glance())),
  watch: (sink) => translated(sink, partialObjectMetadata),
}

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
    },
  }
}

const piecesPerChunk = 100

function translated(sink: WatchSink, show: (object: KubeObject) => object): WatchSink {
  return {
    event(event: ApiWatchEvent<unknown>) {
      if (event.type === 'BOOKMARK' || event.type === 'ERROR') return sink.event(event)
      const object = show(event.object as KubeObject)
      return sink.event({ type: event.type, object, bytes: () => Buffer.from(`${JSON.stringify({ type: event.type, object })}\n`) })
    },
    ...(sink.ready && { ready: () => sink.ready?.() ?? Promise.resolve() }),
    end: () => sink.end(),
  }
}

function includeObjectOf(parameters: URLSearchParams): IncludeObject {
  const value = parameters.get('includeObject') ?? 'Metadata'
  if (value === 'None' || value === 'Metadata' || value === 'Object') return value
  throw new StatusError('BadRequest', `unrecognized includeObject value: "${value}"`)
}
