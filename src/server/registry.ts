import { copy } from '../api/decode.ts'
import { encodeStored } from '../api/encode.ts'
import type { UserInfo } from '../api/exchange.ts'
import { jsonEqual } from '../api/json-equal.ts'
import type { Kind } from '../api/kind.ts'
import type { JsonObject, KubeObject } from '../api/object.ts'
import type { Problem } from '../api/problem.ts'
import { qualifiedResource } from '../api/resource-ref.ts'
import { StatusError } from '../api/status-error.ts'
import { timestamp } from '../api/timestamp.ts'
import type { Clock } from '../base/clock.ts'
import { nameSuffix, type Random } from '../base/random.ts'
import { serializer } from '../base/serially.ts'
import { type Store, StoreError } from '../store/store.ts'
import type { Admission, AdmissionRequest } from './admission/admission.ts'
import { rememberShown } from './custom-resources/converted-store.ts'
import { ownersAfter, ownersOfNew } from './field-owners.ts'
import { invalidObject } from './invalid-object.ts'
import { metadataProblems, metadataUpdateProblems } from './metadata-problems.ts'
import type { Notes } from './notes.ts'
import { collectionKey, type ResourceCaches } from './resource-caches.ts'
import { CacheEntry, rememberSource, type WatchCache } from './watch-cache.ts'
import type { WriteHook } from './write-hook.ts'

/** Which object a call is about. */
export interface ObjectRef {
  readonly kind: Kind
  readonly namespace: string | undefined
  readonly name: string
}

export interface WriteOptions {
  /** Who writes. */
  readonly user: UserInfo
  readonly dryRun: boolean
  readonly cause?: string
  /** Who comes to own the fields that are set; left out: the user's name. */
  readonly fieldManager?: string
  /** The draft's managedFields are what an apply made of them, and stay. */
  readonly isApply?: boolean
  /** What the request said; left out where the server itself writes. */
  readonly asked?: { readonly method: string; readonly parameters: URLSearchParams; readonly requested: Kind }
  /** Where warnings and audit annotations go; left out: nobody listens. */
  readonly notes?: Notes
}

export interface DeleteOptions extends WriteOptions {
  /** Admission has seen it already, in another form. */
  readonly isAdmitted?: boolean
  readonly gracePeriodSeconds?: number
  readonly propagationPolicy?: 'Orphan' | 'Background' | 'Foreground'
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string }
}

/** Changes a copy of the current object, or throws; called again when somebody else wrote meanwhile. */
export type Change = (current: KubeObject) => JsonObject | Promise<JsonObject>

export interface Registry {
  /** The cache behind a kind, loaded when first needed. */
  cache(kind: Kind): Promise<WatchCache>
  /** The cache if somebody needed it already. */
  loadedCache(kind: Kind): WatchCache | undefined
  get(ref: ObjectRef): Promise<CacheEntry>
  create(kind: Kind, namespace: string | undefined, draft: JsonObject, options: WriteOptions): Promise<CacheEntry>
  /** `subresource` is '' for the object itself. With a resourceVersion in the change's result, a conflict is an error instead of another try. */
  update(ref: ObjectRef, subresource: string, change: Change, options: WriteOptions): Promise<CacheEntry>
  /** Writes what `change` makes of the object as it is: for subresources whose own rules stand in place of the strategy's. */
  amend(ref: ObjectRef, change: Change, options: WriteOptions): Promise<CacheEntry>
  /**
   * Lets admission see, and change, what no write of the registry's own shows it: a connection, or what a subresource with
   * words of its own is asked.
   */
  admit(ref: ObjectRef, subresource: string, operation: 'CREATE' | 'CONNECT', draft: JsonObject, options: WriteOptions): Promise<void>
  /** The object as it was last seen, and whether it is gone (or waits for finalizers or its grace period). */
  delete(ref: ObjectRef, options: DeleteOptions): Promise<{ entry: CacheEntry; gone: boolean }>
}

/** Writers of this process take turns, so only those of other servers come in between. */
const maxTries = 16
/** How long a write that lost waits to see what it lost to. */
const conflictWaitMs = 5000
/** How many names are tried before an object without a name of its own is refused (KEP-4420). */
const maxGeneratedNames = 8
/**
 * How far an object may grow from patch to patch: as much as one request brings. etcd bounds objects at half of that, but in
 * protobuf, where text needs no escapes and bytes no base64.
 */
const maxObjectBytes = 3 << 20
/** The last moment that RFC 3339 has a text for. */
const lastMs = Date.parse('9999-12-31T23:59:59Z')
/** What of metadata no update changes. */
const keptMetadata = ['uid', 'creationTimestamp', 'deletionTimestamp', 'deletionGracePeriodSeconds', 'generation', 'generateName'] as const

/** Create, read, update and delete, the same for all kinds: strategies decide, the store's preconditions guard. */
export function createRegistry({
  store,
  caches,
  clock,
  random,
  admission,
  hooks,
}: {
  store: Store
  caches: ResourceCaches
  clock: Clock
  random: Random
  admission: Admission
  /** By the `group/plural` under which objects are stored. */
  hooks: ReadonlyMap<string, WriteHook>
}): Registry {
  const inTurn = serializer<string>()
  const registry: Registry = {
    cache: (kind) => caches.load(kind),
    loadedCache: (kind) => caches.loaded(kind),

    async get(ref) {
      const entry = (await registry.cache(ref.kind)).get(objectKey(ref))
      if (!entry) throw notFound(ref.kind, ref.name)
      return entry
    },

    async create(kind, namespace, draft, options) {
      const { name, generateName } = metadataOf(draft)
      const isGenerated = (name === undefined || name === '') && typeof generateName === 'string' && generateName !== ''
      for (let attempt = 1; ; attempt++) {
        const created = isGenerated ? copy(draft) : draft
        const ref = identify(kind, namespace, created)
        kind.strategy.defaults(created)
        // As upstream, what admission plug-ins set is nobody's.
        const owners = options.isApply ? metadataOf(created).managedFields : ownersOfNew(kind, created, options, timestamp(clock.now()))
        const request: AdmissionRequest = { ...ref, operation: 'CREATE', subresource: '', draft: created, old: undefined, ...options }
        await admission.mutate(request)
        prepareCreate(kind, created)
        setOwners(created, owners)
        const holding = hookOf(kind)?.begin(created, undefined)
        try {
          const object = created as unknown as KubeObject
          refuse(kind, ref.name, [
            ...metadataProblems(kind, metadataOf(created)),
            ...(holding?.problems ?? []),
            ...kind.strategy.validate(object),
          ])
          if (kind.strategy.validateRules) refuse(kind, ref.name, await kind.strategy.validateRules(object, undefined))
          warn(options, kind.strategy.warnings(object, undefined))
          await admission.validate(request)
          const result = await write(ref, object, 0, options)
          if (result) return result
        } finally {
          holding?.end()
          request.ended?.()
        }
        if (!isGenerated || attempt >= maxGeneratedNames) throw await alreadyExists(ref, created)
      }
    },

    async update(ref, subresource, change, options) {
      const { kind } = ref
      return again(ref, async () => {
        const current = await registry.get(ref)
        const old = current.object
        const changed = await change(old)
        const isBound = checkVersion(ref, changed, current)
        // Patches are made of the object as it is; a scale has versions of its own.
        if (!isBound && kind.strategy.versionRequired && options.asked?.method === 'PUT' && subresource !== 'scale')
          throw versionMissing(ref)
        keepIdentity(ref, changed, old)
        kind.strategy.defaults(changed)
        setOwners(
          changed,
          options.isApply
            ? metadataOf(changed).managedFields
            : ownersAfter({ kind, subresource, changed, old }, options, timestamp(clock.now())),
        )
        const request: AdmissionRequest = { ...ref, operation: 'UPDATE', subresource, draft: changed, old, ...options }
        await admission.mutate(request)
        const object = prepareUpdate(kind, changed, old, subresource)
        // What a subresource writes takes nothing from what all share.
        const holding = subresource === '' ? hookOf(kind)?.begin(changed, old) : undefined
        try {
          refuse(kind, ref.name, [
            ...metadataProblems(kind, metadataOf(changed)),
            ...metadataUpdateProblems(metadataOf(changed), old),
            ...(holding?.problems ?? []),
            ...kind.strategy.validateUpdate(object, old, subresource),
          ])
          if (kind.strategy.validateRules) refuse(kind, ref.name, await kind.strategy.validateRules(object, old))
          if (subresource === '') warn(options, kind.strategy.warnings(object, old))
          await admission.validate(request)
          return await replace(ref, current, object, isBound, options)
        } finally {
          holding?.end()
          request.ended?.()
        }
      })
    },

    async amend(ref, change, options) {
      return again(ref, async () => {
        const current = await registry.get(ref)
        const changed = await change(current.object)
        const isBound = checkVersion(ref, changed, current)
        keepIdentity(ref, changed, current.object)
        return replace(ref, current, changed as unknown as KubeObject, isBound, options)
      })
    },

    async admit(ref, subresource, operation, draft, options) {
      const request = { ...ref, operation, subresource, draft, old: undefined, ...options }
      await admission.mutate(request)
      await admission.validate(request)
    },

    async delete(ref, options) {
      return again(ref, async () => {
        const current = await registry.get(ref)
        checkPreconditions(ref, current, options)
        const request = {
          ...ref,
          operation: 'DELETE',
          subresource: '',
          draft: undefined,
          old: current.object,
          deletion: options,
          ...options,
        } as const
        if (!options.isAdmitted) await admission.validate(request)
        const object = markDeleted(ref.kind, current.object, options)
        if (!object) {
          const gone = await remove(ref, current, options)
          return gone && { entry: gone, gone: true }
        }
        const entry = sameObject(object, current.object) ? current : await write(ref, object, current.revision, options)
        return entry && { entry, gone: false }
      })
    },
  }
  return registry

  function hookOf({ storage }: Kind): WriteHook | undefined {
    return hooks.get(`${storage.group}/${storage.plural}`)
  }

  /**
   * Tries until nobody wrote meanwhile (a try answers undefined when somebody did). What this process does to one object
   * is done in turn: each sees what the one before wrote, however many come at once.
   */
  function again<T>(ref: ObjectRef, attempt: () => Promise<T | undefined>): Promise<T> {
    return inTurn(objectKey(ref), async () => {
      for (let tries = 0; tries < maxTries; tries++) {
        const result = await attempt()
        if (result !== undefined) return result
      }
      throw conflict(ref)
    })
  }

  async function replace(
    ref: ObjectRef,
    current: CacheEntry,
    object: KubeObject,
    isBound: boolean,
    options: WriteOptions,
  ): Promise<CacheEntry | undefined> {
    if (isDone(ref.kind, object)) return remove(ref, current, options)
    if (sameObject(object, current.object) && !(await isStale(ref.kind, current))) return current
    const written = await write(ref, object, current.revision, options)
    if (!written && isBound) throw conflict(ref)
    return written
  }

  /**
   * What is kept otherwise than it would be now is written again: so are keys of encryption changed, and objects brought
   * from an older version to that in which they are stored now.
   */
  async function isStale({ storage: { codec } }: Kind, { key }: CacheEntry): Promise<boolean> {
    if (store.isStale && (await store.isStale(key))) return true
    if (!codec) return false
    const stored = await store.get(key)
    return stored !== undefined && !codec.isCurrent(stored.value)
  }

  /** The entry as the cache shows it; undefined when the precondition failed, and then the cache shows why. */
  async function write(ref: ObjectRef, object: KubeObject, ifRevision: number, options: WriteOptions): Promise<CacheEntry | undefined> {
    const key = objectKey(ref)
    const shown = encodeStored(object)
    const value = ref.kind.storage.codec ? await storedBytes(ref.kind, object, shown) : shown
    if (value.length > maxObjectBytes)
      throw new StatusError('RequestEntityTooLarge', `Request entity too large: limit is ${maxObjectBytes}, the object has ${value.length}`)
    const cache = await registry.cache(ref.kind)
    if (options.dryRun) return (cache.get(key)?.revision ?? 0) === ifRevision ? new CacheEntry(key, shown, ifRevision) : undefined
    rememberSource(shown, object)
    const result = await committed(store.write({ key, value, ifRevision, ...(options.cause !== undefined && { cause: options.cause }) }))
    if (result.type === 'conflict') return shownUntil(ref, result.revision)
    // The store tells its watchers before it acknowledges; a later write may be shown already.
    if (ref.kind.storage.codec) await cache.reaches(result.revision, clock, conflictWaitMs)
    const entry = cache.get(key)
    return entry?.revision === result.revision ? entry : new CacheEntry(key, shown, result.revision)
  }

  async function remove(ref: ObjectRef, current: CacheEntry, options: WriteOptions): Promise<CacheEntry | undefined> {
    if (options.dryRun) return current
    const cause = options.cause !== undefined && { cause: options.cause }
    const result = await committed(store.write({ key: current.key, value: undefined, ifRevision: current.revision, ...cause }))
    return result.type === 'written' ? current : shownUntil(ref, result.revision)
  }

  /** What stood in a write's way may not be on disk yet, and until then nobody may be told of it. */
  async function shownUntil({ kind }: ObjectRef, revision: number): Promise<undefined> {
    const cache = await registry.cache(kind)
    if (!(await cache.reaches(revision, clock, conflictWaitMs)))
      throw new StatusError('ServiceUnavailable', 'The store has not confirmed an earlier write of this object')
  }

  /** Checks and completes what says which object this is. */
  function identify(kind: Kind, namespace: string | undefined, draft: JsonObject): ObjectRef {
    if (kind.namespaced && namespace === undefined) throw new StatusError('BadRequest', 'an empty namespace may not be set during creation')
    const metadata = metadataOf(draft)
    if (metadata.namespace !== undefined && metadata.namespace !== '' && metadata.namespace !== namespace) {
      throw new StatusError('BadRequest', 'the namespace of the provided object does not match the namespace sent on the request')
    }
    if (metadata.resourceVersion !== undefined && metadata.resourceVersion !== '')
      throw new StatusError('BadRequest', 'resourceVersion should not be set on objects to be created')
    if (
      (metadata.name === undefined || metadata.name === '') &&
      typeof metadata.generateName === 'string' &&
      metadata.generateName !== ''
    ) {
      metadata.name = `${metadata.generateName.slice(0, 58)}${nameSuffix(random)}`
    }
    if (kind.namespaced) metadata.namespace = namespace
    else delete metadata.namespace
    return { kind, namespace: kind.namespaced ? namespace : undefined, name: typeof metadata.name === 'string' ? metadata.name : '' }
  }

  function prepareCreate(kind: Kind, draft: JsonObject): void {
    const metadata = metadataOf(draft)
    for (const field of ['selfLink', 'deletionTimestamp', 'deletionGracePeriodSeconds', 'managedFields', 'generation'])
      delete metadata[field]
    metadata.uid = random.uuid()
    metadata.creationTimestamp = timestamp(clock.now())
    kind.strategy.prepareForCreate(draft)
    if (kind.strategy.generation) metadata.generation = 1
  }

  /** Whether the writer named the revision that it read; throws when that is not the newest. */
  function checkVersion(ref: ObjectRef, changed: JsonObject, current: CacheEntry): boolean {
    const asked = metadataOf(changed).resourceVersion
    const isBound = typeof asked === 'string' && asked !== '' && asked !== '0'
    if (isBound && asked !== String(current.revision)) throw conflict(ref)
    return isBound
  }

  function keepIdentity({ kind, namespace, name }: ObjectRef, changed: JsonObject, old: KubeObject): void {
    const metadata = metadataOf(changed)
    if (metadata.name === undefined || metadata.name === '')
      throw new StatusError('BadRequest', `the name of the object (${name} based on URL) was undeterminable: name must be provided`)
    if (metadata.name !== name) {
      throw new StatusError('BadRequest', `the name of the object (${String(metadata.name)}) does not match the name on the URL (${name})`)
    }
    if (kind.namespaced && metadata.namespace && metadata.namespace !== namespace) {
      throw new StatusError(
        'BadRequest',
        `the namespace of the object (${String(metadata.namespace)}) does not match the namespace on the request (${namespace})`,
      )
    }
    if (typeof metadata.uid === 'string' && metadata.uid !== '' && metadata.uid !== old.metadata.uid) {
      throw new StatusError(
        'Conflict',
        `Operation cannot be fulfilled on ${qualifiedResource(kind)} "${name}": Precondition failed: UID in precondition: ${metadata.uid}, UID in object meta: ${old.metadata.uid}`,
        detailsOf(kind, name),
      )
    }
    for (const field of keptMetadata) {
      if (old.metadata[field] === undefined) delete metadata[field]
      else metadata[field] = old.metadata[field]
    }
    delete metadata.selfLink
    delete metadata.resourceVersion
    if (kind.namespaced) metadata.namespace = namespace
    else delete metadata.namespace
  }

  function prepareUpdate(kind: Kind, changed: JsonObject, old: KubeObject, subresource: string): KubeObject {
    kind.strategy.prepareForUpdate(changed, old, subresource)
    const object = changed as unknown as KubeObject
    if (kind.strategy.generation && specChanged(kind, changed, old as unknown as JsonObject))
      object.metadata.generation = (old.metadata.generation ?? 0) + 1
    return object
  }

  /** The object as a delete leaves it when something still holds it; undefined when nothing does. */
  function markDeleted(kind: Kind, found: KubeObject, { gracePeriodSeconds, propagationPolicy }: DeleteOptions): KubeObject | undefined {
    const current = markedByKind(kind, found)
    const { finalizers: held = [], deletionTimestamp, deletionGracePeriodSeconds: running, ...kept } = current.metadata
    const isHurried = kind.strategy.graceSeconds !== undefined && deletionTimestamp !== undefined && running !== undefined
    // A grace period that runs may be shortened, never made longer.
    const graceSeconds = isHurried
      ? Math.min(gracePeriodSeconds ?? running, running)
      : (kind.strategy.graceSeconds?.(current, gracePeriodSeconds) ?? 0)
    const finalizers = finalizersAfter(held, propagationPolicy ?? (kind.strategy.orphansByDefault ? 'DefaultOrphan' : undefined))
    if (finalizers.length === 0 && graceSeconds === 0 && !kind.strategy.holdsDeletion(current)) return undefined
    // Also how its dependents are dealt with has been decided then.
    if (isHurried && graceSeconds === running) return current
    const begunMs = isHurried ? Date.parse(deletionTimestamp) - running * 1000 : clock.now()
    const metadata: KubeObject['metadata'] = { ...kept, ...(finalizers.length > 0 && { finalizers }) }
    if (!isHurried && deletionTimestamp !== undefined)
      return {
        ...current,
        metadata: { ...metadata, deletionTimestamp, ...(running !== undefined && { deletionGracePeriodSeconds: running }) },
      }
    const draft = copy({ ...current, metadata } as unknown as JsonObject)
    const draftMetadata = metadataOf(draft)
    draftMetadata.deletionTimestamp = timestamp(Math.min(Math.max(begunMs, 0) + graceSeconds * 1000, lastMs))
    draftMetadata.deletionGracePeriodSeconds = graceSeconds
    if (deletionTimestamp === undefined && typeof draftMetadata.generation === 'number') draftMetadata.generation++
    kind.strategy.prepareForUpdate(draft, draft as unknown as KubeObject, '')
    return draft as unknown as KubeObject
  }

  function markedByKind({ strategy }: Kind, found: KubeObject): KubeObject {
    if (!strategy.markDeletion || found.metadata.deletionTimestamp !== undefined) return found
    const draft = copy(found)
    strategy.markDeletion(draft as unknown as JsonObject, timestamp(clock.now()))
    return draft
  }

  /** Upstream's words, which say why no name was found for an object that named none. */
  async function alreadyExists(ref: ObjectRef, draft: JsonObject): Promise<StatusError> {
    const { kind, name } = ref
    const existing = (await registry.cache(kind)).get(objectKey(ref))
    const isGoing = existing?.object.metadata.deletionTimestamp !== undefined
    const isGenerated = Boolean(metadataOf(draft).generateName)
    const sentence = `${qualifiedResource(kind)} "${name}" already exists${isGenerated ? ', the server was not able to generate a unique name for the object' : ''}`
    return new StatusError('AlreadyExists', isGoing ? `object is being deleted: ${sentence}` : sentence, {
      ...detailsOf(kind, name),
      ...(isGenerated && { retryAfterSeconds: 1 }),
    })
  }
}

/** A deleted object that nothing holds any more. */
function isDone(kind: Kind, { metadata, ...rest }: KubeObject): boolean {
  if (metadata.deletionTimestamp === undefined || (metadata.finalizers ?? []).length > 0) return false
  return (metadata.deletionGracePeriodSeconds ?? 0) === 0 && !kind.strategy.holdsDeletion({ metadata, ...rest })
}

const isPropagation = (finalizer: string) => finalizer === 'orphan' || finalizer === 'foregroundDeletion'

/** What is asked for overrides what the object's finalizers say, and they override the kind's default. */
function finalizersAfter(finalizers: readonly string[], policy: DeleteOptions['propagationPolicy'] | 'DefaultOrphan'): string[] {
  const others = finalizers.filter((name) => !isPropagation(name))
  switch (policy) {
    case undefined:
      return [...finalizers]
    case 'DefaultOrphan':
      return others.length === finalizers.length ? [...others, 'orphan'] : [...finalizers]
    case 'Orphan':
      return [...others, 'orphan']
    case 'Foreground':
      return [...others, 'foregroundDeletion']
    case 'Background':
      return others
  }
}

/** Upstream names the kind here, where it names the resource otherwise. */
function checkPreconditions({ kind, name }: ObjectRef, current: CacheEntry, { preconditions }: DeleteOptions): void {
  const { uid, resourceVersion } = preconditions ?? {}
  const { uid: found } = current.object.metadata
  const refused = (why: string) =>
    new StatusError(
      'Conflict',
      `Operation cannot be fulfilled on ${kind.kind}${kind.group && `.${kind.group}`} "${name}": ${why}`,
      detailsOf({ group: kind.group, plural: kind.kind }, name),
    )
  if (uid !== undefined && uid !== found)
    throw refused(
      `the UID in the precondition (${uid}) does not match the UID in record (${found}). The object might have been deleted and then recreated`,
    )
  if (resourceVersion !== undefined && resourceVersion !== String(current.revision))
    throw refused(
      `the ResourceVersion in the precondition (${resourceVersion}) does not match the ResourceVersion in record (${current.revision}). The object might have been modified`,
    )
}

async function committed<T>(write: Promise<T>): Promise<T> {
  try {
    return await write
  } catch (cause) {
    if (cause instanceof StoreError)
      throw new StatusError('ServiceUnavailable', `The store refuses writes: ${cause.message}`, undefined, { cause })
    throw cause
  }
}

/** `/registry/GROUP/PLURAL/[NAMESPACE/]NAME`. */
export const objectKey = ({ kind, namespace, name }: ObjectRef) => `${collectionKey(kind)}${kind.namespaced ? `${namespace}/` : ''}${name}`

/** Where the keys of a list begin: all, or one namespace's. */
export const listPrefix = (kind: Kind, namespace: string | undefined) =>
  collectionKey(kind) + (namespace === undefined ? '' : `${namespace}/`)

function setOwners(draft: JsonObject, owners: unknown): void {
  const metadata = metadataOf(draft)
  if (Array.isArray(owners) && owners.length > 0) metadata.managedFields = owners
  else delete metadata.managedFields
}

export function metadataOf(draft: JsonObject): JsonObject {
  if (typeof draft.metadata !== 'object' || draft.metadata === null) draft.metadata = {}
  return draft.metadata as JsonObject
}

/** Equal but for the resourceVersion, which the stored form lacks. */
function sameObject(left: KubeObject, right: KubeObject): boolean {
  return jsonEqual(
    { ...left, metadata: { ...left.metadata, resourceVersion: '' } },
    { ...right, metadata: { ...right.metadata, resourceVersion: '' } },
  )
}

/** A status that is no subresource is a field like any other. */
function specChanged({ subresources }: Kind, left: JsonObject, right: JsonObject): boolean {
  const fields = new Set([...Object.keys(left), ...Object.keys(right)])
  fields.delete('metadata')
  if (subresources.has('status')) fields.delete('status')
  return [...fields].some((field) => !jsonEqual(left[field], right[field]))
}

/** The object as the store has it, in the version in which it is kept. */
async function storedBytes(kind: Kind, object: KubeObject, shown: Uint8Array): Promise<Uint8Array> {
  const stored = (await kind.storage.codec?.write(object)) ?? object
  if (stored !== object) return encodeStored(stored)
  rememberShown(shown, kind)
  return shown
}

function warn({ notes }: WriteOptions, warnings: readonly string[]): void {
  if (notes) for (const text of warnings) notes.warn(text)
}

function refuse(kind: Kind, name: string, problems: readonly Problem[]): void {
  if (problems.length > 0) throw invalidObject(kind, name, problems)
}

const detailsOf = ({ group, plural }: Pick<Kind, 'group' | 'plural'>, name: string) => ({ name, ...(group && { group }), kind: plural })

export const notFound = (kind: Kind, name: string) =>
  new StatusError('NotFound', `${qualifiedResource(kind)} "${name}" not found`, detailsOf(kind, name))

/** Upstream names the resource here where it names the kind otherwise, and shows the number as its own type. */
function versionMissing({ kind, name }: ObjectRef): StatusError {
  const problem = {
    reason: 'FieldValueInvalid',
    message: 'Invalid value: 0x0: must be specified for an update',
    field: 'metadata.resourceVersion',
  }
  return new StatusError('Invalid', `${qualifiedResource(kind)} "${name}" is invalid: ${problem.field}: ${problem.message}`, {
    ...detailsOf(kind, name),
    causes: [problem],
  })
}

const conflict = ({ kind, name }: ObjectRef) =>
  new StatusError(
    'Conflict',
    `Operation cannot be fulfilled on ${qualifiedResource(kind)} "${name}": the object has been modified; please apply your changes to the latest version and try again`,
    detailsOf(kind, name),
  )
