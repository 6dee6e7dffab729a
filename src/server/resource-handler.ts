import { copy } from '../api/decode.ts'
import type { ApiReply, ApiRequest } from '../api/exchange.ts'
import { matchesFields, parseFieldSelector } from '../api/field-selector.ts'
import { jsonPatch } from '../api/json-patch.ts'
import type { Kind } from '../api/kind.ts'
import { matchesLabels, parseLabelSelector } from '../api/label-selector.ts'
import { isJsonObject, mergePatch } from '../api/merge-patch.ts'
import type { JsonObject } from '../api/object.ts'
import { hasReason, StatusError } from '../api/status-error.ts'
import { strategicPatch } from '../api/strategic-patch.ts'
import type { Clock } from '../base/clock.ts'
import type { Store } from '../store/store.ts'
import { decodeBody, decodeFor, type FieldValidation, parseBody } from './body.ts'
import { pageOf } from './pages.ts'
import { type DeleteOptions, listPrefix, type ObjectRef, type Registry, type WriteOptions } from './registry.ts'
import { entryReply, jsonReply } from './replies.ts'
import type { ResourceRoute } from './route.ts'
import { type View, viewOf } from './view.ts'
import type { EntryFilter } from './watch-cache.ts'

const defaultWatchSeconds = 1800
/** Subresources that are the object itself, written under other rules. */
const ownSubresources = new Set(['status', 'finalize'])

/** Answers what a resource's path asks for: the verbs over the registry. */
export function resourceHandler({ registry, store, clock }: { registry: Registry; store: Store; clock: Clock }) {
  return async (kind: Kind, route: ResourceRoute, request: ApiRequest): Promise<ApiReply> => {
    const parameters = new URLSearchParams(request.query)
    const { namespace, name, subresource } = route
    // A subresource whose own work is not here must never fall through to the object itself.
    if (subresource !== '' && !(ownSubresources.has(subresource) && kind.subresources.has(subresource))) throw noResource()
    if ((namespace !== undefined) !== kind.namespaced && (name !== undefined || namespace !== undefined)) throw noResource()
    const view = viewOf(kind, request, parameters, () => clock.now())
    if (name === undefined) {
      if (request.method === 'GET')
        return isTrue(parameters, 'watch') ? watch(kind, namespace, parameters, request, view) : list(kind, namespace, parameters, view)
      if (request.method === 'POST') return create(kind, namespace, parameters, request, view)
      if (request.method === 'DELETE' && kind.verbs.includes('deletecollection')) return removeAll(kind, namespace, parameters, request)
      throw notAllowed()
    }
    const ref: ObjectRef = { kind, namespace, name }
    switch (request.method) {
      case 'GET':
        return view.one(200, await registry.get(ref))
      case 'PUT':
        return update(ref, subresource, parameters, request, view)
      case 'PATCH':
        return patch(ref, subresource, parameters, request, view)
      case 'DELETE':
        if (subresource === '') return remove(ref, parameters, request)
    }
    throw notAllowed()
  }

  async function list(kind: Kind, namespace: string | undefined, parameters: URLSearchParams, view: View): Promise<ApiReply> {
    const isFiltered = parameters.has('labelSelector') || parameters.has('fieldSelector')
    const { entries, metadata } = await pageOf({
      store,
      cache: await registry.cache(kind),
      prefix: listPrefix(kind, namespace),
      filter: filterOf(kind, parameters),
      isFiltered,
      parameters,
    })
    return view.list(entries, metadata)
  }

  async function watch(
    kind: Kind,
    namespace: string | undefined,
    parameters: URLSearchParams,
    { signal }: ApiRequest,
    view: View,
  ): Promise<ApiReply> {
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
            stop = cache.watch(options, view.watch(sink))
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

  async function create(
    kind: Kind,
    namespace: string | undefined,
    parameters: URLSearchParams,
    request: ApiRequest,
    view: View,
  ): Promise<ApiReply> {
    const { draft, warnings } = decodeBody(kind, request, validationOf(parameters))
    return view.one(201, await registry.create(kind, namespace, draft, writeOptions(parameters, request)), warnings)
  }

  async function update(
    ref: ObjectRef,
    subresource: string,
    parameters: URLSearchParams,
    request: ApiRequest,
    view: View,
  ): Promise<ApiReply> {
    const { draft, warnings } = decodeBody(ref.kind, request, validationOf(parameters))
    return view.one(200, await registry.update(ref, subresource, () => copy(draft), writeOptions(parameters, request)), warnings)
  }

  async function patch(
    ref: ObjectRef,
    subresource: string,
    parameters: URLSearchParams,
    request: ApiRequest,
    view: View,
  ): Promise<ApiReply> {
    const apply = patchFor(ref.kind, request.headers['content-type'])
    const body = parseBody(request)
    const change = (current: object): JsonObject => {
      const patched = apply(withoutVersion(current), body)
      if (!isJsonObject(patched)) throw new StatusError('BadRequest', 'the patch does not leave an object')
      return decodeFor(ref.kind, patched).object
    }
    return view.one(200, await registry.update(ref, subresource, change, writeOptions(parameters, request)))
  }

  async function removeAll(kind: Kind, namespace: string | undefined, parameters: URLSearchParams, request: ApiRequest): Promise<ApiReply> {
    const cache = await registry.cache(kind)
    const options = deleteOptions(deleteBody(request), parameters, request)
    const entries = [...cache.range(listPrefix(kind, namespace))].filter(filterOf(kind, parameters))
    for (const { object } of entries) {
      try {
        await registry.delete({ kind, namespace: object.metadata.namespace, name: object.metadata.name }, options)
      } catch (error) {
        // Somebody else deleted it meanwhile.
        if (!hasReason(error, 'NotFound')) throw error
      }
    }
    return jsonReply(200, { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', details: { kind: kind.plural } })
  }

  async function remove(ref: ObjectRef, parameters: URLSearchParams, request: ApiRequest): Promise<ApiReply> {
    const { entry, gone } = await registry.delete(ref, deleteOptions(deleteBody(request), parameters, request))
    if (!gone || ref.kind.strategy.graceSeconds) return entryReply(200, entry)
    const { group, plural } = ref.kind
    const details = { name: ref.name, ...(group && { group }), kind: plural, uid: entry.object.metadata.uid }
    return jsonReply(200, { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', details })
  }
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

function patchFor(kind: Kind, contentType: string | undefined): (original: unknown, patch: unknown) => unknown {
  const type = contentType?.split(';')[0]?.trim().toLowerCase()
  if (type === 'application/merge-patch+json') return mergePatch
  if (type === 'application/json-patch+json') return jsonPatch
  if (type === 'application/strategic-merge-patch+json')
    return (original, patch) => strategicPatch(kind.schema, asObject(original), asObject(patch))
  throw new StatusError(
    'UnsupportedMediaType',
    'the body of the request was in an unknown format - accepted media types include: application/json-patch+json, application/merge-patch+json, application/strategic-merge-patch+json',
  )
}

function asObject(value: unknown): JsonObject {
  if (isJsonObject(value)) return value
  throw new StatusError('BadRequest', 'error decoding patch: the patch is not an object')
}

/** The DeleteOptions of a request, which may have none. */
function deleteBody(request: ApiRequest): JsonObject {
  const isEmpty = request.body === undefined || (request.body instanceof Uint8Array && request.body.length === 0)
  return isEmpty ? {} : asObject(parseBody(request))
}

/** So that only a version which the patch itself names binds the write. */
function withoutVersion(current: object): unknown {
  const draft = copy(current) as { metadata?: { resourceVersion?: string } }
  delete draft.metadata?.resourceVersion
  return draft
}

function deleteOptions(given: JsonObject, parameters: URLSearchParams, request: ApiRequest): DeleteOptions {
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
    ...writeOptions(parameters, request),
    ...(Array.isArray(given.dryRun) && given.dryRun.includes('All') && { dryRun: true }),
    ...(seconds !== undefined && { gracePeriodSeconds: Number(seconds) }),
    ...(policy !== undefined && { propagationPolicy: policy }),
    preconditions: { ...(typeof uid === 'string' && { uid }), ...(typeof resourceVersion === 'string' && { resourceVersion }) },
  }
}

function writeOptions(parameters: URLSearchParams, { headers }: ApiRequest): WriteOptions {
  const dryRun = parameters.getAll('dryRun')
  const wrong = dryRun.find((value) => value !== 'All')
  if (wrong !== undefined) throw new StatusError('BadRequest', `dryRun: Unsupported value: "${wrong}": supported values: "All"`)
  const cause = headers['sampan-cause']
  return { dryRun: dryRun.length > 0, ...(cause !== undefined && { cause }) }
}

function validationOf(parameters: URLSearchParams): FieldValidation {
  const value = parameters.get('fieldValidation') ?? 'Warn'
  if (value === 'Ignore' || value === 'Warn' || value === 'Strict') return value
  throw new StatusError('BadRequest', `fieldValidation: Unsupported value: "${value}": supported values: "Ignore", "Warn", "Strict"`)
}

const isTrue = (parameters: URLSearchParams, name: string) => ['true', '1'].includes(parameters.get(name) ?? '')
const noResource = () => new StatusError('NotFound', 'the server could not find the requested resource')
const notAllowed = () => new StatusError('MethodNotAllowed', 'the server does not allow this method on the requested resource')
