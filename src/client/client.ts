import type { JsonObject, KubeList, KubeObject } from '../api/object.ts'
import type { ResourceRef } from '../api/resource-ref.ts'

/** A typed client over any transport. Errors are StatusError. */
export interface Client {
  /** How many objects to ask for at once where lists are bytes on a wire; left out where they are shared objects of this process. */
  readonly pageSize?: number
  resource<T extends KubeObject>(ref: ResourceRef<T>): ResourceClient<T>
  /** Anything the typed calls do not cover; `path` begins with `/`. */
  request(method: string, path: string, body?: object, options?: CallOptions & { contentType?: string }): Promise<JsonObject>
}

export interface CallOptions {
  signal?: AbortSignal
  /** The object and revision that this call acts on, such as `deployments.apps/default/web@123`: kept with the write for the causal trace. */
  cause?: string
  dryRun?: boolean
  fieldManager?: string
}

export interface DeleteOptions extends CallOptions {
  gracePeriodSeconds?: number
  propagationPolicy?: 'Orphan' | 'Background' | 'Foreground'
  preconditions?: { uid?: string; resourceVersion?: string }
}

export interface ListOptions extends CallOptions {
  namespace?: string
  labelSelector?: string
  fieldSelector?: string
  limit?: number
  continue?: string
  resourceVersion?: string
}

/** What creates take: names and uids are the server's to fill in. */
export type Draft<T extends KubeObject> = Omit<T, 'metadata' | 'apiVersion' | 'kind'> & {
  apiVersion?: string
  kind?: string
  metadata: Partial<T['metadata']>
}

export type PatchType = 'json' | 'merge' | 'strategic' | 'apply'

export interface ResourceClient<T extends KubeObject> {
  get(namespace: string | undefined, name: string, options?: CallOptions): Promise<T>
  list(options?: ListOptions): Promise<KubeList<T>>
  create(object: Draft<T>, options?: CallOptions): Promise<T>
  /** Fails with Conflict unless `metadata.resourceVersion` is the newest (left out: whatever it is). */
  update(object: T, options?: CallOptions): Promise<T>
  updateStatus(object: T, options?: CallOptions): Promise<T>
  patch(
    namespace: string | undefined,
    name: string,
    type: PatchType,
    patch: unknown,
    options?: CallOptions & { subresource?: string; force?: boolean },
  ): Promise<T>
  /** The object as it waits for finalizers or its grace period; undefined once it is gone. */
  delete(namespace: string | undefined, name: string, options?: DeleteOptions): Promise<T | undefined>
  /** A POST to a subresource: `binding`, `eviction`, `token`. */
  createSubresource(
    namespace: string | undefined,
    name: string,
    subresource: string,
    body: object,
    options?: CallOptions,
  ): Promise<JsonObject>
  /** Events after `resourceVersion`, until the signal aborts, the server ends it, or it fails (Expired: list again). */
  watch(options: ListOptions & { resourceVersion: string; signal: AbortSignal }): AsyncIterable<WatchEvent<T>>
}

export type WatchEvent<T> = { type: 'ADDED' | 'MODIFIED' | 'DELETED'; object: T } | { type: 'BOOKMARK'; resourceVersion: string }

/**
 * A local copy of a resource, kept by list and watch, and by the responses of this client's own writes: an entry never
 * goes back to an older revision, so whoever writes through `client.resource` of the same caches reads its own writes.
 * Objects are shared and frozen.
 */
export interface Cache<T extends KubeObject> {
  readonly ref: ResourceRef<T>
  get(namespace: string | undefined, name: string): T | undefined
  /** All, or one namespace's. */
  list(namespace?: string): readonly T[]
  /** Objects whose controller owner reference has this uid. */
  ownedBy(owner: KubeObject): readonly T[]
  /** Objects for which the index that `addIndex` declared gave this key. */
  byIndex(index: string, key: string): readonly T[]
  addIndex(index: string, keysOf: (object: T) => readonly string[]): void
  /**
   * Called after the cache changed: (undefined, x) added, (x, y) changed, (x, undefined) deleted; a successor of the same
   * name comes as a deletion and an addition. Relists come as differences. Returns a function that unsubscribes.
   */
  onChange(listener: (before: T | undefined, after: T | undefined) => void): () => void
  /** Resolves once the first list is in. */
  synced(): Promise<void>
}

/** Makes caches over one client, one per resource and selection however often it is asked for, and starts and stops them together. */
export interface Caches {
  readonly client: Client
  /** The same caches with another client to write through: for a part of a program that has a name of its own. */
  through(client: Client): Caches
  cache<T extends KubeObject>(
    ref: ResourceRef<T>,
    options?: { fieldSelector?: string; labelSelector?: string; namespace?: string },
  ): Cache<T>
  /** Gives one `cache` call back: when all who asked for this cache have, its watch ends and it stays as it is. */
  release<T extends KubeObject>(cache: Cache<T>): void
  /** Begins list and watch of every cache made so far and later ones, until the signal aborts. */
  start(signal: AbortSignal): void
  synced(): Promise<void>
}
