import { controllerOf } from '../api/controller-of.ts'
import { type KubeObject, keyOf } from '../api/object.ts'
import { qualifiedResource } from '../api/resource-ref.ts'
import { hasReason, StatusError } from '../api/status-error.ts'
import { backoffMs } from '../base/backoff.ts'
import type { Clock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import { WorkQueue } from '../base/work-queue.ts'
import type { Cache } from '../client/client.ts'

/** Nothing, or when to look at the object again though nothing changed. */
export type Outcome = { readonly afterMs: number } | undefined

/** What a reconcile is told beside the object. */
export interface Reconcile {
  /** To pass with every write: the object and revision that the controller acts on. */
  readonly cause: string
  readonly signal: AbortSignal
}

/** Brings the world closer to what an object says. Told which object, never what happened; called for one object by one worker at a time. */
export interface Controller<T extends KubeObject> {
  readonly name: string
  readonly primary: Cache<T>
  /** Whose objects' controller owner is a primary object: their changes reconcile that object. */
  readonly owned?: readonly Cache<KubeObject>[]
  /** What else reconciles primary objects. */
  readonly watches?: readonly Watch[]
  /** Changes of primary objects that nobody has to act on; left out, all are acted on. */
  matters?(before: T | undefined, after: T | undefined): boolean
  /** Objects at once; upstream's five when left out. */
  readonly workers?: number
  reconcile(object: T, context: Reconcile): Promise<Outcome>
  /** The object is not there (any more). */
  gone?(namespace: string | undefined, name: string, context: Reconcile): Promise<Outcome>
}

export interface Watch {
  /** Registers for changes; `enqueue` takes the keys (`namespace/name`) of primary objects. Returns what ends it. */
  subscribe(enqueue: (key: string) => void): () => void
  synced(): Promise<void>
}

/** Told of every reconcile; main makes metrics of it. */
export interface ControllerMetrics {
  /** A key was given to a controller. */
  added(controller: string): void
  reconciled(controller: string, result: 'done' | 'again' | 'failed', durationMs: number): void
  /** Keys that wait, after each change. */
  depth(controller: string, length: number): void
}

export interface ControllerParts {
  readonly clock: Clock
  readonly log: Log
  readonly signal: AbortSignal
  readonly metrics?: ControllerMetrics
}

/** Upstream's limiter per key: 5 ms doubling to 1,000 s. */
const backoff = { firstMs: 5, maxMs: 1_000_000 }
const defaultWorkers = 5

/** Watches one cache: `keysOf` names the primary objects that a change concerns. */
export function watchOf<T extends KubeObject>(
  cache: Cache<T>,
  keysOf: (before: T | undefined, after: T | undefined) => Iterable<string>,
): Watch {
  return {
    subscribe: (enqueue) =>
      cache.onChange((before, after) => {
        for (const key of keysOf(before, after)) enqueue(key)
      }),
    synced: () => cache.synced(),
  }
}

/** Work by keys, whatever they name. */
export interface KeyedWork {
  readonly name: string
  readonly workers?: number
  /** Registers for changes; `enqueue` takes keys. Returns what ends it. */
  subscribe(enqueue: (key: string) => void): () => void
  /** Resolves when it is known well enough what there is; nothing is worked on before. */
  synced(): Promise<unknown>
  reconcile(key: string): Promise<Outcome>
}

/** Runs a controller until the signal aborts; resolves when its last reconcile has ended. */
export function runController<T extends KubeObject>(controller: Controller<T>, parts: ControllerParts): Promise<void> {
  const { name, primary, owned = [], watches = [], workers } = controller
  return runKeys(
    {
      name,
      ...(workers !== undefined && { workers }),
      subscribe(enqueue) {
        const unsubscribe = [
          primary.onChange((before, after) => {
            const object = after ?? before
            if (object && (controller.matters?.(before, after) ?? true)) enqueue(keyOf(object))
          }),
          ...owned.map((cache) =>
            cache.onChange((before, after) => {
              const [left, right] = [ownerKey(before), ownerKey(after)]
              if (left !== undefined) enqueue(left)
              if (right !== undefined && right !== left) enqueue(right)
            }),
          ),
          ...watches.map((watch) => watch.subscribe(enqueue)),
        ]
        // What was there before this controller listened.
        for (const object of primary.list()) if (controller.matters?.(undefined, object) ?? true) enqueue(keyOf(object))
        return () => {
          for (const stop of unsubscribe) stop()
        }
      },
      synced: () => Promise.all([primary, ...owned, ...watches].map((one) => one.synced())),
      reconcile,
    },
    parts,
  )

  function reconcile(key: string): Promise<Outcome> {
    const [namespace, objectName] = partsOf(key)
    const object = primary.get(namespace, objectName)
    if (object) return controller.reconcile(object, { cause: causeOf(primary, object), signal: parts.signal })
    const context = { cause: `${qualifiedResource(primary.ref)}/${key}`, signal: parts.signal }
    return controller.gone?.(namespace, objectName, context) ?? Promise.resolve(undefined)
  }

  function ownerKey(object: KubeObject | undefined): string | undefined {
    const owner = object && controllerOf(object)
    if (!owner || owner.kind !== primary.ref.kind || groupOf(owner.apiVersion) !== primary.ref.group) return undefined
    return primary.ref.namespaced ? `${object.metadata.namespace}/${owner.name}` : owner.name
  }
}

/**
 * The one loop. Runs until the signal aborts; resolves when the last reconcile has ended.
 *
 *   change ─▶ key ─▶ queue ─▶ reconcile ─done─▶ forgotten, or again after `afterMs`
 *                      ▲          └─failed─▶ again after a delay that doubles
 *                      └──────────────────────────────┘
 */
export async function runKeys(work: KeyedWork, { clock, log: parentLog, signal, metrics }: ControllerParts): Promise<void> {
  const { name, workers = defaultWorkers } = work
  const log = parentLog.with({ controller: name })
  const queue = new WorkQueue<string>(clock)
  const failures = new Map<string, number>()
  const aborted = new Promise<void>((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
  const unsubscribe = work.subscribe((key) => {
    queue.add(key)
    metrics?.added(name)
    metrics?.depth(name, queue.length)
  })
  await Promise.race([aborted, work.synced()])
  const running = signal.aborted ? [] : Array.from({ length: workers }, workOn)
  await aborted
  unsubscribe()
  queue.close()
  await Promise.all(running)

  async function workOn(): Promise<void> {
    for (;;) {
      const key = await queue.take()
      if (key === undefined) return
      const beganMs = clock.now()
      const result = await attempt(key)
      queue.done(key)
      metrics?.reconciled(name, result, clock.now() - beganMs)
      metrics?.depth(name, queue.length)
    }
  }

  async function attempt(key: string): Promise<'done' | 'again' | 'failed'> {
    try {
      const outcome = await work.reconcile(key)
      failures.delete(key)
      if (!outcome) return 'done'
      queue.addAfter(key, outcome.afterMs)
      return 'again'
    } catch (error) {
      if (signal.aborted) return 'failed'
      const count = failures.get(key) ?? 0
      failures.set(key, count + 1)
      // Somebody else wrote meanwhile: expected, and answered by looking again.
      if (hasReason(error, 'Conflict')) log.debug('Something changed meanwhile', { key, error })
      else if (error instanceof StatusError) log.warn('A reconcile failed', { key, error, failures: count + 1 })
      else log.error('A reconcile failed', { key, error, failures: count + 1 })
      queue.addAfter(key, backoffMs(backoff, count))
      return 'failed'
    }
  }
}

/** `deployments.apps/default/web@123`. */
export const causeOf = ({ ref }: Pick<Cache<KubeObject>, 'ref'>, object: KubeObject) =>
  `${qualifiedResource(ref)}/${keyOf(object)}@${object.metadata.resourceVersion ?? ''}`

export const groupOf = (apiVersion: string) => (apiVersion.includes('/') ? (apiVersion.split('/')[0] ?? '') : '')

function partsOf(key: string): [namespace: string | undefined, name: string] {
  const slash = key.indexOf('/')
  return slash < 0 ? [undefined, key] : [key.slice(0, slash), key.slice(slash + 1)]
}
