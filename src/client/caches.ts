import { matchesLabels, parseLabelSelector } from '../api/label-selector.ts'
import type { KubeObject } from '../api/object.ts'
import type { ResourceRef } from '../api/resource-ref.ts'
import { StatusError } from '../api/status-error.ts'
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
  relist(): void
  run(signal: AbortSignal): Promise<void>
}

/** Caches over one client. Write through their `client`: replies reach the caches before the caller. */
export function createCaches({ client, clock, random, log }: { client: Client; clock: Clock; random: Random; log: Log }): Caches {
  const held = new Map<string, Map<string, Held<KubeObject>>>()
  let started: AbortSignal | undefined

  const heldFor = (ref: ResourceRef) => held.get(resourceKey(ref))

  return {
    client: {
      ...client,
      resource: <T extends KubeObject>(ref: ResourceRef<T>) =>
        writeThrough(client.resource(ref), () => [...(heldFor(ref)?.values() ?? [])] as unknown as readonly Held<T>[]),
    },
    cache<T extends KubeObject>(ref: ResourceRef<T>, selection: Selection = {}): Cache<T> {
      const caches = heldFor(ref) ?? new Map<string, Held<KubeObject>>()
      held.set(resourceKey(ref), caches)
      const key = JSON.stringify([selection.namespace, selection.labelSelector, selection.fieldSelector])
      const found = caches.get(key) as unknown as Held<T> | undefined
      if (found) return found.writer.cache
      const made = hold(ref, selection)
      caches.set(key, made as unknown as Held<KubeObject>)
      if (started) void made.run(started)
      return made.writer.cache
    },
    start(signal) {
      started = signal
      for (const caches of held.values()) for (const { run } of caches.values()) void run(signal)
    },
    async synced() {
      await Promise.all([...held.values()].flatMap((caches) => [...caches.values()].map(({ writer }) => writer.cache.synced())))
    },
  }

  function hold<T extends KubeObject>(ref: ResourceRef<T>, selection: Selection): Held<T> {
    const cacheLog = log.with({ resource: ref.plural })
    const writer = createObjectCache<T>({ ref, admits: admission(selection), log: cacheLog })
    const watcher = createWatcher<T>({
      resource: client.resource(ref),
      selection,
      clock,
      random,
      log: cacheLog,
      onEvent: writer.handle,
    })
    return {
      writer,
      relist: watcher.relist,
      // `run` answers errors itself; what still comes out is a bug.
      run: (signal) => watcher.run(signal).catch((error: unknown) => cacheLog.error('A watcher ended', { error })),
    }
  }
}

const resourceKey = ({ group, version, plural }: ResourceRef) => `${group}/${version}/${plural}`

/** Fields cannot be judged here: what a field selector chooses comes by the watch alone. */
function admission({ namespace, labelSelector, fieldSelector }: Selection): (object: KubeObject) => boolean {
  if (fieldSelector !== undefined) return () => false
  const labels = parseLabelSelector(labelSelector ?? '')
  return ({ metadata }) => (namespace === undefined || metadata.namespace === namespace) && matchesLabels(labels, metadata.labels)
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
      const left = await resource.delete(namespace, name, options)
      if (options?.dryRun) return left
      if (left) observe(left)
      else for (const { writer } of caches()) writer.forget(namespace, name, options?.preconditions?.uid)
      return left
    },
  }

  function shown(object: T, isNotKept: boolean | undefined): T {
    return isNotKept ? object : observe(object)
  }

  /** A create whose reply was lost may have happened: whoever tries again must see it first. */
  async function relisted(signal: AbortSignal | undefined): Promise<void> {
    const aborted = new Promise<void>((resolve) => signal?.addEventListener('abort', () => resolve(), { once: true }))
    const lists = caches().map(async ({ writer, relist }) => {
      const listed = writer.listed()
      relist()
      await listed
    })
    await (signal ? Promise.race([Promise.all(lists), aborted]) : Promise.all(lists))
  }
}

/** Replies of `scale` and the like are not the object itself. */
const isForeign = (subresource: string | undefined) => subresource !== undefined && subresource !== 'status' && subresource !== 'finalize'

const isDoubtful = (error: unknown) => error instanceof StatusError && error.code >= 500
