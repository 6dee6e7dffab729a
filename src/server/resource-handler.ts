import type { Catalog } from '../api/catalog.ts'
import { copy } from '../api/decode.ts'
import type { ApiReply, ApiRequest } from '../api/exchange.ts'
import type { Kind } from '../api/kind.ts'
import { isJsonObject } from '../api/merge-patch.ts'
import type { JsonObject, KubeObject } from '../api/object.ts'
import { apiVersionOf, qualifiedResource } from '../api/resource-ref.ts'
import { hasReason, StatusError } from '../api/status-error.ts'
import { timestamp } from '../api/timestamp.ts'
import type { Clock } from '../base/clock.ts'
import type { Random } from '../base/random.ts'
import { applyChange, isApplyPatch, refuseUnclear } from './apply-change.ts'
import type { RequireCreate } from './authorization/require-create.ts'
import { decodeBody, decodeFor, parseBody, readPatch } from './body.ts'
import type { Call } from './call.ts'
import { type ComputedResource, readComputed } from './computed-resources.ts'
import { deleteOptions } from './delete-options.ts'
import { fieldWriter, unownedFields } from './field-owners.ts'
import { type Representation, wholeJson } from './negotiation.ts'
import { pageOf } from './pages.ts'
import { patchOf } from './patch-for.ts'
import { revisionOf, tooLarge, watchFrom } from './read-options.ts'
import { metadataOf, type ObjectRef, objectKey, type Registry } from './registry.ts'
import { jsonReply } from './replies.ts'
import type { ResourceCaches } from './resource-caches.ts'
import type { ResourceRoute } from './route.ts'
import { noResource, notAllowed } from './routing-errors.ts'
import { onlyNamed, selectionOf } from './selection.ts'
import { type StoredForm, storedForm } from './stored-form.ts'
import { objectParts } from './subresources/object-parts.ts'
import type { SubresourceTable } from './subresources/subresource.ts'
import { type View, viewOf } from './view.ts'
import type { VirtualResource } from './virtual-resources.ts'
import type { CacheEntry } from './watch-cache.ts'
import { watchReply } from './watch-reply.ts'
import { fieldValidationOf, requireFieldManager, type WriteContext, writeOptions } from './write-options.ts'

/** As upstream: a watch that does not say how long lasts for this to twice this. */
const minWatchSeconds = 1800
/** How long a read waits for a revision that is still to come. */
const waitMs = 3000
/** Subresources that are the object itself, written under the rules of its strategy. */
const ownSubresources = new Set(['status', 'finalize'])
/** What a method asks of one object. */
const verbs: ReadonlyMap<string, string> = new Map([
  ['GET', 'get'],
  ['PUT', 'update'],
  ['PATCH', 'patch'],
  ['DELETE', 'delete'],
])

/** Answers what a resource's path asks for: the verbs over the registry. */
export function resourceHandler({
  registry,
  caches,
  clock,
  random,
  catalog,
  subresources,
  virtual,
  computed,
  requireCreate,
}: {
  registry: Registry
  catalog: Catalog
  caches: Pick<ResourceCaches, 'source'>
  clock: Clock
  random: Random
  subresources: SubresourceTable
  virtual: ReadonlyMap<string, VirtualResource>
  /** By `group/plural`. */
  computed: ReadonlyMap<string, ComputedResource>
  /** For updates and applies that make what is not there. */
  requireCreate: RequireCreate
}) {
  const forms = new WeakMap<Kind, StoredForm>()
  return async (
    kind: Kind,
    route: ResourceRoute,
    { request, user, notes }: Pick<Call, 'request' | 'user' | 'notes'>,
    representation: Representation = wholeJson,
  ): Promise<ApiReply> => {
    const context: WriteContext = { user, notes, requested: kind }
    const parameters = new URLSearchParams(request.query)
    const { namespace, name, subresource, remainder } = route
    if ((namespace !== undefined) !== kind.namespaced && (name !== undefined || namespace !== undefined)) throw noResource()
    const form = formOf(kind)
    const view = storedView(
      form,
      viewOf(kind, representation, parameters, () => clock.now()),
    )
    const source = computed.get(`${kind.group}/${kind.plural}`)
    if (source) {
      const isRead = request.method === 'GET' && subresource === '' && !route.isWatch && !isTrue(parameters, 'watch')
      if (!isRead) throw notAllowed()
      const { matches } = selectionOf(form, namespace, parameters)
      return readComputed(source, { kind, view, matches, namespace, name, signal: request.signal })
    }
    if (route.isWatch) {
      if (request.method !== 'GET' || !kind.verbs.includes('watch')) throw notAllowed()
      return watch(form, namespace, name === undefined ? parameters : onlyNamed(parameters, name), request, view)
    }
    if (name === undefined) {
      if (request.method === 'GET' && kind.verbs.includes('list'))
        return isTrue(parameters, 'watch') ? watch(form, namespace, parameters, request, view) : list(form, namespace, parameters, view)
      const answer = virtual.get(`${kind.group}/${kind.plural}`)
      if (request.method === 'POST' && answer)
        return answer({
          namespace,
          draft: decodeBody(kind, request, fieldValidationOf(parameters, request), catalog).draft,
          parameters,
          request,
          ...context,
        })
      if (request.method === 'POST' && kind.createRefusal) throw new StatusError('MethodNotAllowed', kind.createRefusal, {})
      if (request.method === 'POST' && kind.verbs.includes('create')) return create(form, namespace, parameters, request, context, view)
      if (request.method === 'DELETE' && kind.verbs.includes('deletecollection'))
        return removeAll(form, namespace, parameters, request, context, view)
      throw notAllowed()
    }
    const ref: ObjectRef = { kind: form.kind, namespace, name }
    if (subresource !== '' || remainder !== '') {
      const found = kind.subresources.get(subresource)
      const handler = found && (subresources.get(partKey(kind, subresource)) ?? subresources.get(kindlessKey(kind, subresource)))
      if (handler && (remainder === '' || handler.takesRemainder))
        return handler.answer({ ref, subresource: found, remainder, parameters, request, ...context })
      // A subresource whose own work is not here must never fall through to the object itself.
      const isOwn = ownSubresources.has(subresource) || objectParts.has(partKey(kind, subresource))
      if (!found || !isOwn || remainder !== '') throw noResource()
    }
    const verb = verbs.get(request.method)
    if (subresource === '' && (!verb || !kind.verbs.includes(verb))) throw notAllowed()
    switch (request.method) {
      case 'GET':
        await waitFor(form.kind, revisionOf(parameters.get('resourceVersion') ?? ''))
        return view.one(200, await registry.get(ref))
      case 'PUT':
        return update(form, ref, subresource, parameters, request, context, view)
      case 'PATCH':
        return patch(form, ref, subresource, parameters, request, context, view)
      case 'DELETE':
        if (subresource === '') return remove(ref, parameters, request, context, view)
    }
    throw notAllowed()
  }

  function formOf(kind: Kind): StoredForm {
    const known = forms.get(kind) ?? storedForm(catalog, kind)
    forms.set(kind, known)
    return known
  }

  /** A read of a revision that is still to come waits for it, though not for long. */
  async function waitFor(kind: Kind, revision: number): Promise<void> {
    if (revision === 0) return
    const cache = await registry.cache(kind)
    if (!(await cache.reaches(revision, clock, waitMs))) throw tooLarge(revision, cache.revision())
  }

  async function list(form: StoredForm, namespace: string | undefined, parameters: URLSearchParams, view: View): Promise<ApiReply> {
    const { prefix, filter } = selectionOf(form, namespace, parameters)
    const { entries, metadata } = await pageOf({
      store: caches.source(form.kind),
      cache: await registry.cache(form.kind),
      clock,
      prefix,
      filter,
      parameters,
    })
    return view.list(entries, metadata)
  }

  async function watch(
    form: StoredForm,
    namespace: string | undefined,
    parameters: URLSearchParams,
    { signal }: ApiRequest,
    view: View,
  ): Promise<ApiReply> {
    const cache = await registry.cache(form.kind)
    const { after, notOlderThan, markInitialEnd } = watchFrom(parameters)
    await waitFor(form.kind, notOlderThan)
    const { prefix, matches } = selectionOf(form, namespace, parameters)
    const bookmarks = isTrue(parameters, 'allowWatchBookmarks')
    const options = {
      prefix,
      filter: matches ? ({ object }: CacheEntry) => matches(object) : everything,
      after: after === 'now' ? cache.revision() : after,
      bookmarks,
      markInitialEnd: markInitialEnd && bookmarks,
    }
    const asked = secondsOf(parameters)
    // Not all at once: who lost their watches together must not come back together for ever.
    const seconds = asked > 0 ? asked : minWatchSeconds * (1 + random.fraction())
    const objects = { apiVersion: apiVersionOf(form.shown), kind: form.shown.kind }
    return watchReply({ cache, options, seconds, objects, shownTo: view.watch, signal, clock })
  }

  async function create(
    { shown, kind, toStored }: StoredForm,
    namespace: string | undefined,
    parameters: URLSearchParams,
    request: ApiRequest,
    context: WriteContext,
    view: View,
  ): Promise<ApiReply> {
    const { draft: given, warnings } = decodeBody(shown, request, fieldValidationOf(parameters, request), catalog)
    const entry = await registry.create(kind, namespace, toStored(given), writeOptions(parameters, request, context))
    return view.one(201, entry, warnings)
  }

  async function update(
    { shown, toStored }: StoredForm,
    ref: ObjectRef,
    subresource: string,
    parameters: URLSearchParams,
    request: ApiRequest,
    context: WriteContext,
    view: View,
  ): Promise<ApiReply> {
    const { draft: given, warnings } = decodeBody(shown, request, fieldValidationOf(parameters, request), catalog)
    const draft = toStored(given)
    const part = objectParts.get(partKey(ref.kind, subresource))
    const change = (current: KubeObject) => (part ? part(copy(draft), copy(current)) : copy(draft))
    const options = writeOptions(parameters, request, context)
    try {
      return view.one(200, await registry.update(ref, subresource, change, options), warnings)
    } catch (error) {
      const { kind, namespace, name } = ref
      const isMade = kind.strategy.createsOnUpdate && subresource === '' && !metadataOf(draft).resourceVersion
      if (!isMade || !hasReason(error, 'NotFound') || (await registry.cache(kind)).get(objectKey(ref))) throw error
      if ((metadataOf(draft).name ?? name) !== name) throw error
      await requireCreate(context.user, context.requested, namespace, name)
      return view.one(
        201,
        await registry.create(kind, namespace, { ...draft, metadata: { ...metadataOf(draft), name } }, options),
        warnings,
      )
    }
  }

  async function patch(
    form: StoredForm,
    ref: ObjectRef,
    subresource: string,
    parameters: URLSearchParams,
    request: ApiRequest,
    context: WriteContext,
    view: View,
  ): Promise<ApiReply> {
    if (isApplyPatch(request)) return applyPatch(form, ref, subresource, parameters, request, context, view)
    const apply = patchOf(form.shown, request.headers['content-type'])
    const { body, decode, warnings } = readPatch(form.shown, request, fieldValidationOf(parameters, request))
    const bindsVersion = namesVersion(body)
    const part = objectParts.get(partKey(ref.kind, subresource))
    const change = (current: KubeObject): JsonObject => {
      const patched = apply(copy(form.fromStored(current)), body)
      if (!isJsonObject(patched)) throw new StatusError('BadRequest', 'the patch does not leave an object')
      const object = form.toStored(decode(patched))
      if (!bindsVersion) delete metadataOf(object).resourceVersion
      return part ? part(object, copy(current)) : object
    }
    const entry = await registry.update(ref, subresource, change, writeOptions(parameters, request, context))
    return view.one(200, entry, [...warnings])
  }

  /** Server-side apply: the first one makes the object. */
  async function applyPatch(
    { shown, toStored }: StoredForm,
    ref: ObjectRef,
    subresource: string,
    parameters: URLSearchParams,
    request: ApiRequest,
    context: WriteContext,
    view: View,
  ): Promise<ApiReply> {
    const { kind, namespace, name } = ref
    requireFieldManager(parameters)
    const {
      draft: given,
      warnings,
      unknownFields,
      hasZeros,
    } = decodeBody(shown, request, fieldValidationOf(parameters, request), catalog, true)
    refuseUnclear(ref, shown, given, unknownFields)
    const config = toStored(given)
    const stated = metadataOf(config)
    if (stated.managedFields !== undefined) throw new StatusError('BadRequest', 'metadata.managedFields must be nil')
    stated.name ??= name
    if (stated.name !== name) {
      throw new StatusError('BadRequest', `the name of the object (${String(stated.name)}) does not match the name on the URL (${name})`)
    }
    const options = { ...writeOptions(parameters, request, context), isApply: true }
    const change = applyChange({
      kind,
      config,
      writer: fieldWriter(kind, subresource, 'Apply', options, timestamp(clock.now())),
      unowned: unownedFields(kind, subresource),
      force: isTrue(parameters, 'force'),
      ...(hasZeros && { withoutZeros: (object: JsonObject) => decodeFor(kind, object).object }),
    })
    for (;;) {
      try {
        return view.one(200, await registry.update(ref, subresource, change, options), warnings)
      } catch (error) {
        if (!hasReason(error, 'NotFound') || subresource !== '' || (await registry.cache(kind)).get(objectKey(ref))) throw error
      }
      if (kind.createRefusal) throw new StatusError('MethodNotAllowed', kind.createRefusal, {})
      if (stated.uid !== undefined) throw new StatusError('Conflict', missingUid(kind, name, String(stated.uid)))
      await requireCreate(context.user, context.requested, namespace, name)
      try {
        return view.one(201, await registry.create(kind, namespace, change(undefined), options), warnings)
      } catch (error) {
        // Somebody else made it meanwhile.
        if (!hasReason(error, 'AlreadyExists')) throw error
      }
    }
  }

  async function removeAll(
    form: StoredForm,
    namespace: string | undefined,
    parameters: URLSearchParams,
    request: ApiRequest,
    context: WriteContext,
    view: View,
  ): Promise<ApiReply> {
    const { kind } = form
    const cache = await registry.cache(kind)
    const options = deleteOptions(deleteBody(request), parameters, request, context)
    const { prefix, filter } = selectionOf(form, namespace, parameters)
    const { entries: chosen, metadata: shown } = await pageOf({ store: caches.source(kind), cache, clock, prefix, filter, parameters })
    for (const entry of chosen) {
      const { namespace: home, name } = entry.glance().metadata
      try {
        await registry.delete({ kind, namespace: home, name }, options)
      } catch (error) {
        // Somebody else deleted it meanwhile.
        if (!hasReason(error, 'NotFound')) throw error
      }
    }
    // As they were when it began.
    return view.list(chosen, shown)
  }

  async function remove(
    ref: ObjectRef,
    parameters: URLSearchParams,
    request: ApiRequest,
    context: WriteContext,
    view: View,
  ): Promise<ApiReply> {
    const { entry, gone } = await registry.delete(ref, deleteOptions(deleteBody(request), parameters, request, context))
    if (!gone || ref.kind.strategy.graceSeconds) return view.one(200, entry)
    const { group, plural } = ref.kind
    const details = { name: ref.name, ...(group && { group }), kind: plural, uid: entry.object.metadata.uid }
    return jsonReply(200, { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', details })
  }
}

/** A view of entries that are kept in another form. */
const storedView = (form: StoredForm, view: View): View =>
  form.kind === form.shown
    ? view
    : {
        one: (status, entry, warnings) => view.one(status, form.entry(entry), warnings),
        list: (entries, metadata) => view.list(entries.map(form.entry), metadata),
        watch: (sink) => form.sink(view.watch(sink)),
      }

/** How long a watch is to last; 0: it does not say. */
function secondsOf(parameters: URLSearchParams): number {
  const text = parameters.get('timeoutSeconds') ?? ''
  if (/^-?\d*$/.test(text)) return Number(text)
  throw new StatusError('BadRequest', `strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`)
}

/** The DeleteOptions of a request, which may have none. */
function deleteBody(request: ApiRequest): JsonObject {
  const isEmpty = request.body === undefined || (request.body instanceof Uint8Array && request.body.length === 0)
  const body = isEmpty ? {} : parseBody(request)
  if (isJsonObject(body)) return body
  throw new StatusError('BadRequest', 'the body of the request is not an object')
}

/** Only a version that the patch itself names binds the write. */
function namesVersion(patch: unknown): boolean {
  if (Array.isArray(patch)) return patch.some((operation) => isJsonObject(operation) && operation.path === '/metadata/resourceVersion')
  return isJsonObject(patch) && isJsonObject(patch.metadata) && patch.metadata.resourceVersion !== undefined
}

/** Of subresources that are the same for all kinds that say where their parts are. */
const kindlessKey = ({ scale }: Kind, subresource: string) => (scale && subresource === 'scale' ? 'scale' : '')

const partKey = ({ group, plural }: Kind, subresource: string) => `${group}/${plural}/${subresource}`

/** What is applied for one object must not make another. */
const missingUid = (kind: Kind, name: string, uid: string) =>
  `Operation cannot be fulfilled on ${qualifiedResource(kind)} "${name}": uid mismatch: the provided object specified uid ${uid}, and no existing object was found`

const everything = () => true

const isTrue = (parameters: URLSearchParams, name: string) => ['true', '1'].includes(parameters.get(name) ?? '')
