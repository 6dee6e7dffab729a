import { matchesFields, parseFieldSelector } from '../api/field-selector.ts'
import { matchesLabels, parseLabelSelector } from '../api/label-selector.ts'
import type { KubeObject } from '../api/object.ts'
import type { ResourceRef } from '../api/resource-ref.ts'
import { StatusError } from '../api/status-error.ts'
import { assert } from '../base/assert.ts'
import type { Clock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import type { Random } from '../base/random.ts'
import type { Cache, Caches, Client, ListOptions, ResourceClient } from './client.ts'
import { type CacheWriter, createObjectCache } from './object-cache.ts'
import { createWatcher } from './run-watcher.ts'

type Selection = Pick<ListOptions, 'namespace' | 'labelSelector' | 'fieldSelector'>

/** What all caches share, whatever their objects are: they are told apart by their resource. */
interface Held<T extends KubeObject> {
  readonly writer: CacheWriter<T>
  /** How often it was asked for and not given back. */
  users: number
  /** Resolves with a whole list that began after the call, or when this cache follows the server no longer. */
  listAgain(): Promise<void>
  start(signal: AbortSignal): void
  stop(): void
}

/** Caches over one client. Write through their `client`: replies reach the caches before the caller. */
export function createCaches({ client, clock, random, log }: { client: Client; clock: Clock; random: Random; log: Log }): Caches {
  const held = new Map<string, Map<string, Held<KubeObject>>>()
  let started: AbortSignal | undefined

  const heldFor = (ref: ResourceRef) => held.get(resourceKey(ref))

  const shared: Caches = {
    client: writer(client),
    through: (other) => ({ ...shared, client: writer(other) }),
    cache<T extends KubeObject>(ref: ResourceRef<T>, selection: Selection = {}): Cache<T> {
      const caches = heldFor(ref) ?? new Map<string, Held<KubeObject>>()
      held.set(resourceKey(ref), caches)
      const key = JSON.stringify([selection.namespace, selection.labelSelector, selection.fieldSelector])
      let found = caches.get(key) as unknown as Held<T> | undefined
      if (!found) {
        found = hold(ref, selection)
        caches.set(key, found as unknown as Held<KubeObject>)
        if (started) found.start(started)
      }
      found.users++
      return found.writer.cache
    },
    release<T extends KubeObject>(cache: Cache<T>): void {
      const caches = heldFor(cache.ref)
      for (const [key, one] of caches ?? []) {
        if ((one.writer.cache as unknown) !== cache || --one.users > 0) continue
        one.stop()
        caches?.delete(key)
      }
    },
    start(signal) {
      assert(!started, 'caches are started once')
      started = signal
      for (const caches of held.values()) for (const one of caches.values()) one.start(signal)
    },
    async synced() {
      await Promise.all([...held.values()].flatMap((caches) => [...caches.values()].map(({ writer }) => writer.cache.synced())))
    },
  }
  return shared

  function writer(through: Client): Client {
    return {
      ...through,
      resource: <T extends KubeObject>(ref: ResourceRef<T>) =>
        writeThrough(through.resource(ref), () => [...(heldFor(ref)?.values() ?? [])] as unknown as readonly Held<T>[]),
    }
  }

  function hold<T extends KubeObject>(ref: ResourceRef<T>, selection: Selection): Held<T> {
    const cacheLog = log.with({ resource: ref.plural })
    const writer = createObjectCache<T>({ ref, admits: admission(selection), log: cacheLog })
    const watcher = createWatcher<T>({
      resource: client.resource(ref),
      pageSize: client.pageSize,
      selection,
      clock,
      random,
      log: cacheLog,
      onEvent: writer.handle,
    })
    const stopped = new AbortController()
    let ended: Promise<void> = Promise.resolve()
    return {
      writer,
      users: 0,
      async listAgain() {
        const listed = writer.listed()
        watcher.relist()
        await Promise.race([listed, ended])
      },
      start(signal) {
        // `run` answers errors itself; what still comes out is a bug.
        ended = watcher
          .run(AbortSignal.any([signal, stopped.signal]))
          .catch((error: unknown) => cacheLog.error('A watcher ended', { error }))
      },
      stop: () => stopped.abort(),
    }
  }
}

const resourceKey = ({ group, version, plural }: ResourceRef) => `${group}/${version}/${plural}`

/** The fields of a selector that every kind has; others only the server knows how to read. */
const judgedFields = new Set(['metadata.name', 'metadata.namespace'])

/** Where a field selector asks for what cannot be judged here, objects come by the watch alone. */
function admission({ namespace, labelSelector, fieldSelector }: Selection): (object: KubeObject) => boolean {
  const fields = parseFieldSelector(fieldSelector ?? '')
  if (fields.some(({ field }) => !judgedFields.has(field))) return () => false
  const labels = parseLabelSelector(labelSelector ?? '')
  return ({ metadata }) =>
    (namespace === undefined || metadata.namespace === namespace) &&
    matchesLabels(labels, metadata.labels) &&
    matchesFields(fields, { 'metadata.name': metadata.name, 'metadata.namespace': metadata.namespace ?? '' })
}

function writeThrough<T extends KubeObject>(resource: ResourceClient<T>, caches: () => readonly Held<T>[]): ResourceClient<T> {
  const observe = (object: T) => {
    for (const { writer } of caches()) writer.observe(object)
    return object
  }
  return {
    ...resource,
    async create(object, options) {
      try {
        return shown(await resource.create(object, options), options?.dryRun)
      } catch (error) {
        if (isDoubtful(error)) await relisted(options?.signal)
        throw error
      }
    },
    update: async (object, options) => shown(await resource.update(object, options), options?.dryRun),
    updateStatus: async (object, options) => shown(await resource.updateStatus(object, options), options?.dryRun),
    patch: async (namespace, name, type, patch, options) =>
      shown(await resource.patch(namespace, name, type, patch, options), options?.dryRun || isForeign(options?.subresource)),
    async delete(namespace, name, options) {
      // What is gone is what was known when the call began: a successor may be known by the time the reply comes.
      const known = caches().map(({ writer }) => ({ writer, uid: writer.cache.get(namespace, name)?.metadata.uid }))
      const left = await resource.delete(namespace, name, options)
      if (options?.dryRun) return left
      if (left) observe(left)
      else for (const { writer, uid } of known) if (uid !== undefined) writer.forget(namespace, name, uid)
      return left
    },
  }

  function shown(object: T, isNotKept: boolean | undefined): T {
    return isNotKept ? object : observe(object)
  }

  /** A create whose reply was lost may have happened: whoever tries again must see it first. */
  async function relisted(signal: AbortSignal | undefined): Promise<void> {
    const lists = Promise.all(caches().map((one) => one.listAgain()))
    if (!signal) return void (await lists)
    let stop: () => void = () => {}
    const aborted = new Promise<void>((resolve) => {
      stop = resolve
      if (signal.aborted) resolve()
      else signal.addEventListener('abort', stop, { once: true })
    })
    await Promise.race([lists, aborted])
    signal.removeEventListener('abort', stop)
  }
}

/** Replies of `scale` and the like are not the object itself. */
const isForeign = (subresource: string | undefined) => subresource !== undefined && subresource !== 'status' && subresource !== 'finalize'

const isDoubtful = (error: unknown) => error instanceof StatusError && error.code >= 500
