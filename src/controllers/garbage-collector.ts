import type { KubeObject } from '../api/object.ts'
import { qualifiedResource, type ResourceRef } from '../api/resource-ref.ts'
import type { OwnerReference } from '../api/types/meta-v1.ts'
import type { Client } from '../client/client.ts'
import { unlessGone } from './api-errors.ts'
import { groupOf, type KeyedWork, type Outcome } from './controller.ts'
import { type GraphNode, isBlocking, type ObjectGraph } from './object-graph.ts'

const orphanFinalizer = 'orphan'
const foregroundFinalizer = 'foregroundDeletion'
const rememberedLost = 1000

/** How an owner that a reference names stands. */
export type OwnerState =
  /** It is there and stays. */
  | 'solid'
  /** It is gone, or something else has its name. */
  | 'absent'
  /** It is deleted in the foreground and waits for its dependents. */
  | 'waiting'
  /** Nobody can say: its kind is not served, or it cannot own this object. */
  | 'unknown'

export type Verdict =
  | { readonly type: 'keep' }
  /** Keep the object, and drop the references that hold nothing any more. */
  | { readonly type: 'release'; readonly uids: readonly string[] }
  | { readonly type: 'delete'; readonly policy: 'Orphan' | 'Background' | 'Foreground' }

/** What becomes of an object whose owners stand so; pure. */
export function judge(object: KubeObject, states: ReadonlyMap<string, OwnerState>, hasDependents: boolean): Verdict {
  const owners = object.metadata.ownerReferences ?? []
  const stateOf = ({ uid }: OwnerReference) => states.get(uid) ?? 'unknown'
  if (owners.length === 0) return { type: 'keep' }
  const lost = owners.filter((owner) => stateOf(owner) === 'absent' || stateOf(owner) === 'waiting')
  if (lost.length < owners.length) {
    // An owner that nobody can judge holds the object as it is.
    const isHeld = owners.some((owner) => stateOf(owner) === 'unknown')
    return lost.length === 0 || isHeld ? { type: 'keep' } : { type: 'release', uids: lost.map(({ uid }) => uid) }
  }
  if (hasDependents && owners.some((owner) => stateOf(owner) === 'waiting')) return { type: 'delete', policy: 'Foreground' }
  const finalizers = object.metadata.finalizers ?? []
  const policy = finalizers.includes(orphanFinalizer) ? 'Orphan' : finalizers.includes(foregroundFinalizer) ? 'Foreground' : 'Background'
  return { type: 'delete', policy }
}

/**
 * Deletes what no owner holds any more. The graph says whom a change concerns; what is then done rests on the server's
 * own word about the object and each of its owners, by uid.
 *
 *   owner gone ─▶ its dependents are examined: no owner left ─▶ deleted; some left ─▶ the lost references go
 *   owner waits for dependents (foreground) ─▶ they are deleted ─▶ none that blocks is left ─▶ its finalizer goes
 *   owner orphans ─▶ its dependents lose the reference ─▶ its finalizer goes
 */
export function garbageCollector({
  graph,
  refOf,
  client,
  examined,
  removed,
  synced,
}: {
  graph: ObjectGraph
  /** The resource of a kind, while that is served. */
  refOf: (group: string, kind: string) => ResourceRef | undefined
  client: Client
  /** Registers for the uids of nodes to look at. */
  examined: (enqueue: (uid: string) => void) => () => void
  /** Registers for nodes that are gone. */
  removed: (listener: (node: GraphNode) => void) => () => void
  synced: () => Promise<unknown>
}): KeyedWork {
  /** Uids that were seen to go, the last of many: also when nobody serves their kind any more, they hold nothing. */
  const lost = new Set<string>()
  let enqueue: (uid: string) => void = () => {}
  return {
    name: 'garbagecollector',
    // Upstream's number.
    workers: 20,
    subscribe(add) {
      enqueue = add
      const stop = [examined(add), removed(remember)]
      return () => {
        for (const end of stop) end()
      }
    },
    synced,
    reconcile,
  }

  function remember({ uid }: GraphNode): void {
    lost.add(uid)
    const [oldest] = lost
    if (lost.size > rememberedLost && oldest !== undefined) lost.delete(oldest)
  }

  async function reconcile(uid: string): Promise<Outcome> {
    const node = graph.get(uid)
    if (!node) return undefined
    if (node.waitsFor === 'orphaning') return orphanDependents(node)
    if (node.isDeleting && node.waitsFor !== 'dependents') return undefined
    const object = await live(node.ref, node.namespace, node.name, uid)
    if (object === 'unknown') return undefined
    if (!object) {
      if (node.isVirtual) graph.absent(node)
      return undefined
    }
    // Its watch tells of it soon, and whom it concerns.
    if (node.isVirtual) return undefined
    if (node.waitsFor === 'dependents') return waitForDependents(node, object)
    const owners = object.metadata.ownerReferences ?? []
    const states = new Map(await Promise.all(owners.map(async (owner) => [owner.uid, await stateOf(owner, node)] as const)))
    await carryOut(judge(object, states, node.dependents.size > 0), node, object)
    return undefined
  }

  async function carryOut(verdict: Verdict, node: GraphNode, object: KubeObject): Promise<void> {
    switch (verdict.type) {
      case 'keep':
        return
      case 'release':
        return withoutOwners(node, object, verdict.uids)
      case 'delete':
        return remove(node, object, verdict.policy)
    }
  }

  async function remove(node: GraphNode, object: KubeObject, policy: 'Orphan' | 'Background' | 'Foreground'): Promise<void> {
    let { resourceVersion } = object.metadata
    if (policy === 'Foreground' && [...node.dependents].some(({ waitsFor }) => waitsFor === 'dependents')) {
      // A circle of owners that all wait: this one stops holding up its own.
      const ownerReferences = (object.metadata.ownerReferences ?? []).map((owner) => ({ ...owner, blockOwnerDeletion: false }))
      resourceVersion = (await patchMetadata(node, object, { ownerReferences }))?.metadata.resourceVersion
    }
    const preconditions = { uid: node.uid, ...(resourceVersion !== undefined && { resourceVersion }) }
    await unlessGone(
      client
        .resource(node.ref)
        .delete(node.namespace, node.name, { propagationPolicy: policy, preconditions, cause: causeOf(node, object) }),
    )
  }

  async function waitForDependents(node: GraphNode, object: KubeObject): Promise<Outcome> {
    const blocking = [...node.dependents].filter((dependent) => isBlocking(node, dependent))
    for (const dependent of blocking) if (!dependent.isDeleting) enqueue(dependent.uid)
    if (blocking.length === 0) await withoutFinalizer(node, object, foregroundFinalizer)
    return undefined
  }

  async function orphanDependents(node: GraphNode): Promise<Outcome> {
    await Promise.all(
      [...node.dependents].map(async (dependent) => {
        const object = await live(dependent.ref, dependent.namespace, dependent.name, dependent.uid)
        if (object && object !== 'unknown') await withoutOwners(dependent, object, [node.uid])
      }),
    )
    const object = await live(node.ref, node.namespace, node.name, node.uid)
    if (object && object !== 'unknown') await withoutFinalizer(node, object, orphanFinalizer)
    return undefined
  }

  async function withoutOwners(node: GraphNode, object: KubeObject, uids: readonly string[]): Promise<void> {
    const owners = object.metadata.ownerReferences ?? []
    const kept = owners.filter(({ uid }) => !uids.includes(uid))
    if (kept.length < owners.length) await patchMetadata(node, object, { ownerReferences: kept })
  }

  async function withoutFinalizer(node: GraphNode, object: KubeObject, name: string): Promise<void> {
    const finalizers = object.metadata.finalizers ?? []
    if (finalizers.includes(name)) await patchMetadata(node, object, { finalizers: finalizers.filter((finalizer) => finalizer !== name) })
  }

  /** Bound to the revision that was read: whole lists are written. */
  function patchMetadata(node: GraphNode, object: KubeObject, change: object): Promise<KubeObject | undefined> {
    const { resourceVersion } = object.metadata
    const patch = { metadata: { uid: node.uid, resourceVersion, ...change } }
    return unlessGone(client.resource(node.ref).patch(node.namespace, node.name, 'merge', patch, { cause: causeOf(node, object) }))
  }

  async function stateOf({ apiVersion, kind, name, uid }: OwnerReference, { namespace }: GraphNode): Promise<OwnerState> {
    if (lost.has(uid)) return 'absent'
    const object = await live({ group: groupOf(apiVersion), kind }, namespace, name, uid)
    if (object === 'unknown') return 'unknown'
    if (!object) return 'absent'
    const { deletionTimestamp, finalizers = [] } = object.metadata
    return deletionTimestamp !== undefined && finalizers.includes(foregroundFinalizer) ? 'waiting' : 'solid'
  }

  /** What the server has under this name with this uid. `unknown`: its kind is not served, or is namespaced and the asker is not. */
  async function live(
    { group, kind }: Pick<ResourceRef, 'group' | 'kind'>,
    namespace: string | undefined,
    name: string,
    uid: string,
  ): Promise<KubeObject | undefined | 'unknown'> {
    const ref = refOf(group, kind)
    if (!ref || (ref.namespaced && namespace === undefined)) return 'unknown'
    const object = await unlessGone(client.resource(ref).get(ref.namespaced ? namespace : undefined, name))
    return object?.metadata.uid === uid ? object : undefined
  }
}

const causeOf = ({ ref, namespace, name }: GraphNode, { metadata }: KubeObject) =>
  `${qualifiedResource(ref)}/${namespace === undefined ? '' : `${namespace}/`}${name}@${metadata.resourceVersion ?? ''}`
