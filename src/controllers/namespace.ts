import type { KubeList } from '../api/object.ts'
import { collectionPath, type ResourceRef } from '../api/resource-ref.ts'
import { namespaces as namespacesRef, pods as podsRef } from '../api/resources.ts'
import { hasReason, StatusError } from '../api/status-error.ts'
import type { Namespace } from '../api/types/core-v1.ts'
import type { Clock } from '../base/clock.ts'
import type { Caches } from '../client/client.ts'
import { semanticEqual } from '../client/semantic-equal.ts'
import { messageOf, unlessGone } from './api-errors.ts'
import type { Controller, Outcome, Reconcile, Watch } from './controller.ts'
import { type DiscoveredResource, discoverAll } from './discover-resources.ts'
import { type LeftContent, namespaceConditions } from './namespace-conditions.ts'
import type { GraphNode, ObjectGraph } from './object-graph.ts'

const finalizer = 'kubernetes'
/** What is left is counted again at the latest then, so that the conditions tell how far it is. */
const recountMs = 5_000

/**
 * Empties namespaces that are deleted: pods first, so that nothing that they rely on goes before they have ended; then
 * everything else; then the finalizer that holds the namespace.
 */
export function namespaceController({
  caches,
  clock,
  graph,
  removed,
}: {
  caches: Caches
  clock: Clock
  graph: ObjectGraph
  /** Registers for objects that are gone. */
  removed: (listener: (node: GraphNode) => void) => () => void
}): Controller<Namespace> {
  const { client } = caches
  const primary = caches.cache(namespacesRef)
  const isDeleted = (namespace: Namespace | undefined) => namespace?.metadata.deletionTimestamp !== undefined
  /** The last object of a resource that a dying namespace waits for is gone. */
  const emptied: Watch = {
    subscribe: (enqueue) =>
      removed(({ namespace, ref }) => {
        if (namespace !== undefined && graph.countIn(namespace, ref) === 0 && isDeleted(primary.get(undefined, namespace)))
          enqueue(namespace)
      }),
    synced: () => Promise.resolve(),
  }
  return { name: 'namespace', primary, watches: [emptied], matters: (_, after) => isDeleted(after), workers: 10, reconcile }

  async function reconcile(namespace: Namespace, context: Reconcile): Promise<Outcome> {
    if (!isDeleted(namespace) || !(namespace.spec?.finalizers ?? []).includes(finalizer)) return undefined
    const left = await empty(namespace.metadata.name, context)
    const failures = [...left.undiscovered, ...left.failures]
    if (left.counts.size === 0 && failures.length === 0) {
      await finalize(namespace, context)
      return undefined
    }
    const conditions = namespaceConditions(namespace.status?.conditions ?? [], left, clock.now())
    const status = { ...namespace.status, phase: 'Terminating', conditions }
    if (!semanticEqual(namespace.status, status))
      await client.resource(namespacesRef).updateStatus({ ...namespace, status }, { cause: context.cause })
    if (failures.length > 0)
      throw new StatusError('InternalError', `Cannot empty the namespace ${namespace.metadata.name}: ${failures.join(', ')}`)
    return { afterMs: recountMs }
  }

  async function empty(namespace: string, { cause, signal }: Reconcile): Promise<LeftContent> {
    const { resources: all, failures: undiscovered } = await discoverAll(client, signal)
    const left = { counts: new Map<string, number>(), finalizers: new Map<string, number>(), undiscovered, failures: [] as string[] }
    const resources = all.filter(({ ref, verbs }) => ref.namespaced && verbs.includes('list') && verbs.includes('delete'))
    const isPods = ({ ref }: DiscoveredResource) => ref.plural === podsRef.plural && ref.group === podsRef.group
    await Promise.all(resources.filter(isPods).map(emptyOf))
    if (left.counts.size === 0 && left.failures.length === 0) await Promise.all(resources.filter((one) => !isPods(one)).map(emptyOf))
    return left

    async function emptyOf(resource: DiscoveredResource): Promise<void> {
      const { ref } = resource
      try {
        const before = await list(ref)
        const isFresh = before.items.some(({ metadata }) => metadata.deletionTimestamp === undefined)
        if (isFresh) await remove(resource, before)
        const { items } = before.items.length > 0 ? await list(ref) : before
        if (items.length > 0) left.counts.set(`${ref.plural}.${ref.group}`, items.length)
        for (const { metadata } of items)
          for (const name of metadata.finalizers ?? []) left.finalizers.set(name, (left.finalizers.get(name) ?? 0) + 1)
      } catch (error) {
        if (!(error instanceof StatusError)) throw error
        left.failures.push(`${ref.plural}.${ref.group}: ${messageOf(error)}`)
      }
    }

    function list(ref: ResourceRef): Promise<KubeList> {
      return client.resource(ref).list({ namespace, signal })
    }

    async function remove({ ref, verbs }: DiscoveredResource, { items }: KubeList): Promise<void> {
      const options = { propagationPolicy: 'Background', cause, signal } as const
      if (verbs.includes('deletecollection'))
        await client.request('DELETE', collectionPath(ref, namespace), { propagationPolicy: 'Background' }, options)
      else for (const { metadata } of items) await unlessGone(client.resource(ref).delete(namespace, metadata.name, options))
    }
  }

  async function finalize({ metadata, spec }: Namespace, { cause, signal }: Reconcile): Promise<void> {
    const fresh = primary.get(undefined, metadata.name)
    // The conditions may have been written since.
    const { resourceVersion } = fresh && fresh.metadata.uid === metadata.uid ? fresh.metadata : metadata
    const body = {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { ...metadata, resourceVersion },
      spec: { ...spec, finalizers: (spec?.finalizers ?? []).filter((name) => name !== finalizer) },
    }
    try {
      await client.request('PUT', `/api/v1/namespaces/${metadata.name}/finalize`, body, { cause, signal })
    } catch (error) {
      if (!hasReason(error, 'NotFound')) throw error
    }
  }
}
