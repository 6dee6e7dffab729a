import { copy } from '../api/decode.ts'
import type { ApiReply, ApiRequest } from '../api/exchange.ts'
import { matchesFields, parseFieldSelector } from '../api/field-selector.ts'
import { jsonPatch } from '../api/json-patch.ts'
import type { Kind } from '../api/kind.ts'
import { matchesLabels, parseLabelSelector } from '../api/label-selector.ts'
import { isJsonObject, mergePatch } from '../api/merge-patch.ts'
import type { JsonObject } from '../api/object.ts'
import { apiVersionOf } from '../api/resource-ref.ts'
import { StatusError } from '../api/status-error.ts'
import type { Clock } from '../base/clock.ts'
import { decodeBody, decodeFor, type FieldValidation, parseBody } from './body.ts'
import { type DeleteOptions, listPrefix, type ObjectRef, type Registry } from './registry.ts'
import { entryReply, jsonReply } from './replies.ts'
import type { ResourceRoute } from './route.ts'
import type { CacheEntry, EntryFilter } from './watch-cache.ts'

const defaultWatchSeconds = 1800
const comma = Buffer.from(',')

/** Answers what a resource's path asks for: the verbs over the registry. */
export function resourceHandler({ registry, clock }: { registry: Registry; clock: Clock }) {
  return async (kind: Kind, route: ResourceRoute, request: ApiRequest): Promise<ApiReply> => {
    const parameters = new URLSearchParams(request.query)
    const { namespace, name, subresource } = route
    // A subresource whose own work is not here must never fall through to the object itself.
    if (subresource !== '' && !(subresource === 'status' && kind.subresources.has('status'))) throw noResource()
    if ((namespace !== undefined) !== kind.namespaced && (name !== undefined || namespace !== undefined)) throw noResource()
    if (name === undefined) {
      if (request.method === 'GET')
        return isTrue(parameters, 'watch') ? watch(kind, namespace, parameters, request) : list(kind, namespace, parameters)
      if (request.method === 'POST') return create(kind, namespace, parameters, request)
      throw notAllowed()
    }
    const ref: ObjectRef = { kind, namespace, name }
    switch (request.method) {
      case 'GET':
        return entryReply(200, await registry.get(ref))
      case 'PUT':
        return update(ref, subresource, parameters, request)
      case 'PATCH':
        return patch(ref, subresource, parameters, request)
      case 'DELETE':
        if (subresource === '') return remove(ref, parameters, request)
    }
    throw notAllowed()
  }

  async function list(kind: Kind, namespace: string | undefined, parameters: URLSearchParams): Promise<ApiReply> {
    const cache = await registry.cache(kind)
    const filter = filterOf(kind, parameters)
    const entries = [...cache.range(listPrefix(kind, namespace))].filter(filter)
    const head = { kind: kind.listKind, apiVersion: apiVersionOf(kind), metadata: { resourceVersion: String(cache.revision()) } }
    return {
      status: 200,
      headers: { 'content-type': 'application/json' },
      body: {
        type: 'object',
        get object() {
          return { ...head, items: entries.map((entry) => entry.object) }
        },
        encode: () => listChunks(head, entries),
      },
    }
  }

  async function watch(kind: Kind, namespace: string | undefined, parameters: URLSearchParams, { signal }: ApiRequest): Promise<ApiReply> {
    const cache = await registry.cache(kind)
    const version = parameters.get('resourceVersion') ?? ''
    if (!/^\d*$/.test(version)) throw new StatusError('BadRequest', `resourceVersion: Invalid value: "${version}": must be a number`)
    const initial = isTrue(parameters, 'sendInitialEvents')
    const options = {
      prefix: listPrefix(kind, namespace),
      filter: filterOf(kind, parameters),
      after: initial || version === '' || version === '0' ? undefined : Number(version),
      bookmarks: isTrue(parameters, 'allowWatchBookmarks'),
      markInitialEnd: initial,
    }
    const seconds = Number(parameters.get('timeoutSeconds') ?? 0) || defaultWatchSeconds
    return {
      status: 200,
      headers: { 'content-type': 'application/json' },
      body: {
        type: 'watch',
        open(sink) {
          let stop: () => void
          try {
            stop = cache.watch(options, sink)
          } catch (error) {
            if (!(error instanceof StatusError)) throw error
            const object = error.status()
            sink.event({ type: 'ERROR', object, bytes: () => Buffer.from(`${JSON.stringify({ type: 'ERROR', object })}\n`) })
            sink.end()
            return
          }
          const cancel = clock.after(seconds * 1000, () => {
            signal.removeEventListener('abort', gone)
            stop()
            sink.end()
          })
          const gone = () => {
            cancel()
            stop()
          }
          if (signal.aborted) gone()
          else signal.addEventListener('abort', gone, { once: true })
        },
      },
    }
  }

  async function create(kind: Kind, namespace: string | undefined, parameters: URLSearchParams, request: ApiRequest): Promise<ApiReply> {
    const { draft, warnings } = decodeBody(kind, request, validationOf(parameters))
    return entryReply(201, await registry.create(kind, namespace, draft, writeOptions(parameters)), warnings)
  }

  async function update(ref: ObjectRef, subresource: string, parameters: URLSearchParams, request: ApiRequest): Promise<ApiReply> {
    const { draft, warnings } = decodeBody(ref.kind, request, validationOf(parameters))
    return entryReply(200, await registry.update(ref, subresource, () => copy(draft), writeOptions(parameters)), warnings)
  }

  async function patch(ref: ObjectRef, subresource: string, parameters: URLSearchParams, request: ApiRequest): Promise<ApiReply> {
    const apply = patchFor(request.headers['content-type'])
    const body = parseBody(request)
    const change = (current: object): JsonObject => {
      const patched = apply(withoutVersion(current), body)
      if (!isJsonObject(patched)) throw new StatusError('BadRequest', 'the patch does not leave an object')
      return decodeFor(ref.kind, patched).object
    }
    return entryReply(200, await registry.update(ref, subresource, change, writeOptions(parameters)))
  }

  async function remove(ref: ObjectRef, parameters: URLSearchParams, request: ApiRequest): Promise<ApiReply> {
    const empty = request.body === undefined || (request.body instanceof Uint8Array && request.body.length === 0)
    const given = empty ? {} : parseBody(request)
    if (!isJsonObject(given)) throw new StatusError('BadRequest', 'the body of the request is not an object')
    const { entry, gone } = await registry.delete(ref, deleteOptions(given, parameters))
    if (!gone || ref.kind.strategy.graceSeconds) return entryReply(200, entry)
    const { group, plural } = ref.kind
    const details = { name: ref.name, ...(group && { group }), kind: plural, uid: entry.object.metadata.uid }
    return jsonReply(200, { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', details })
  }
}

/** A list's chunks: its head, then each object's own bytes. */
function listChunks(head: object, entries: readonly CacheEntry[]): readonly Uint8Array[] {
  const chunks: Uint8Array[] = [Buffer.from(`${JSON.stringify(head).slice(0, -1)},"items":[`)]
  entries.forEach((entry, index) => {
    if (index > 0) chunks.push(comma)
    chunks.push(entry.bytes)
  })
  chunks.push(Buffer.from(']}\n'))
  return chunks
}

function filterOf(kind: Kind, parameters: URLSearchParams): EntryFilter {
  const labels = parseLabelSelector(parameters.get('labelSelector') ?? '')
  const fields = parseFieldSelector(parameters.get('fieldSelector') ?? '')
  if (labels.length === 0 && fields.length === 0) return () => true
  return ({ object }) =>
    matchesLabels(labels, object.metadata.labels ?? {}) &&
    (fields.length === 0 ||
      matchesFields(fields, {
        'metadata.name': object.metadata.name,
        'metadata.namespace': object.metadata.namespace ?? '',
        ...kind.selectableFields(object),
      }))
}

function patchFor(contentType: string | undefined): (original: unknown, patch: unknown) => unknown {
  const type = contentType?.split(';')[0]?.trim().toLowerCase()
  if (type === 'application/merge-patch+json') return mergePatch
  if (type === 'application/json-patch+json') return jsonPatch
  throw new StatusError(
    'UnsupportedMediaType',
    'the body of the request was in an unknown format - accepted media types include: application/json-patch+json, application/merge-patch+json',
  )
}

/** So that only a version which the patch itself names binds the write. */
function withoutVersion(current: object): unknown {
  const draft = copy(current) as { metadata?: { resourceVersion?: string } }
  delete draft.metadata?.resourceVersion
  return draft
}

function deleteOptions(given: JsonObject, parameters: URLSearchParams): DeleteOptions {
  const policy = given.propagationPolicy ?? parameters.get('propagationPolicy') ?? undefined
  if (policy !== undefined && policy !== 'Orphan' && policy !== 'Background' && policy !== 'Foreground') {
    throw new StatusError(
      'BadRequest',
      `propagationPolicy: Unsupported value: "${String(policy)}": supported values: "Foreground", "Background", "Orphan"`,
    )
  }
  const seconds = given.gracePeriodSeconds ?? parameters.get('gracePeriodSeconds') ?? undefined
  const { uid, resourceVersion } = isJsonObject(given.preconditions) ? given.preconditions : {}
  return {
    ...writeOptions(parameters),
    ...(Array.isArray(given.dryRun) && given.dryRun.includes('All') && { dryRun: true }),
    ...(seconds !== undefined && { gracePeriodSeconds: Number(seconds) }),
    ...(policy !== undefined && { propagationPolicy: policy }),
    preconditions: { ...(typeof uid === 'string' && { uid }), ...(typeof resourceVersion === 'string' && { resourceVersion }) },
  }
}

const writeOptions = (parameters: URLSearchParams) => ({ dryRun: parameters.get('dryRun') === 'All' })

function validationOf(parameters: URLSearchParams): FieldValidation {
  const value = parameters.get('fieldValidation') ?? 'Warn'
  if (value === 'Ignore' || value === 'Warn' || value === 'Strict') return value
  throw new StatusError('BadRequest', `fieldValidation: Unsupported value: "${value}": supported values: "Ignore", "Warn", "Strict"`)
}

const isTrue = (parameters: URLSearchParams, name: string) => ['true', '1'].includes(parameters.get(name) ?? '')
const noResource = () => new StatusError('NotFound', 'the server could not find the requested resource')
const notAllowed = () => new StatusError('MethodNotAllowed', 'the server does not allow this method on the requested resource')
