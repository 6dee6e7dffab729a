import { type KubeObject, keyOf } from '../api/object.ts'
import { apiVersionOf, type ResourceRef } from '../api/resource-ref.ts'
import type { OwnerReference } from '../api/types/meta-v1.ts'
import { groupOf } from './controller.ts'

/** What is known of one object: who owns it and whom it owns. The object itself is not kept. */
export interface GraphNode {
  readonly uid: string
  ref: ResourceRef
  namespace: string | undefined
  readonly name: string
  owners: readonly OwnerReference[]
  readonly dependents: Set<GraphNode>
  isDeleting: boolean
  /** It waits until its dependents are gone (foreground), or are let go (orphan). */
  waitsFor: 'nothing' | 'dependents' | 'orphaning'
  /** Only references name it: it may be gone, or its watch is behind. */
  isVirtual: boolean
}

export interface GraphListener {
  /** The object may have to go, or its references to be tidied up. */
  examine(node: GraphNode): void
  /** Its dependents are to be let go. */
  orphan(node: GraphNode): void
  /** It is gone. */
  removed(node: GraphNode): void
}

/**
 * All objects by uid, with the edges of owner references, kept by the events of all resources' watches. Each event costs
 * what its own references are, and a deletion what its dependents are.
 */
export class ObjectGraph {
  readonly #nodes = new Map<string, GraphNode>()
  /** By resource and `namespace/name`. */
  readonly #uids = new Map<string, Map<string, string>>()
  /** By namespace, then resource: how many objects there are. */
  readonly #counts = new Map<string, Map<string, number>>()
  readonly #listener: GraphListener

  constructor(listener: GraphListener) {
    this.#listener = listener
  }

  get(uid: string): GraphNode | undefined {
    return this.#nodes.get(uid)
  }

  get size(): number {
    return this.#nodes.size
  }

  /** Owners of a kind that only references name. */
  *virtualOf({ group, kind }: Pick<ResourceRef, 'group' | 'kind'>): Generator<GraphNode> {
    for (const node of this.#nodes.values()) if (node.isVirtual && node.ref.group === group && node.ref.kind === kind) yield node
  }

  /** How many objects of a resource a namespace has, as far as the watches have told. */
  countIn(namespace: string, ref: ResourceRef): number {
    return this.#counts.get(namespace)?.get(resourceKey(ref)) ?? 0
  }

  /** The keys of a resource's objects: what a relist compares with. */
  keysOf(ref: ResourceRef): Iterable<string> {
    return this.#uids.get(resourceKey(ref))?.keys() ?? []
  }

  observe(ref: ResourceRef, object: KubeObject): void {
    const { uid, name, namespace } = object.metadata
    if (uid === undefined) return
    const keys = this.#keysFor(ref)
    const known = keys.get(keyOf(object))
    if (known !== undefined && known !== uid) this.#remove(known)
    let node = this.#nodes.get(uid)
    if (!node) {
      node = { uid, ref, namespace, name, owners: [], dependents: new Set(), isDeleting: false, waitsFor: 'nothing', isVirtual: false }
      this.#nodes.set(uid, node)
      this.#count(namespace, ref, 1)
    } else if (node.isVirtual) {
      const isMeant = node.ref.group === ref.group && node.ref.kind === ref.kind && node.name === name
      Object.assign(node, { ref, namespace, name, isVirtual: false })
      this.#count(namespace, ref, 1)
      // References that have its uid and name another do not mean it; others may not agree about the namespace.
      for (const dependent of node.dependents)
        if (!isMeant || (namespace !== undefined && dependent.namespace !== namespace)) this.#listener.examine(dependent)
    }
    keys.set(keyOf(object), uid)
    this.#own(node, object.metadata.ownerReferences ?? [])
    this.#follow(node, object)
  }

  forget(ref: ResourceRef, key: string, uid?: string): void {
    const known = this.#uids.get(resourceKey(ref))?.get(key)
    if (known !== undefined && (uid === undefined || uid === known)) this.#remove(known)
  }

  /** A node that only references named turned out not to exist. */
  absent(node: GraphNode): void {
    if (this.#nodes.get(node.uid) === node) this.#remove(node.uid)
  }

  #keysFor(ref: ResourceRef): Map<string, string> {
    const keys = this.#uids.get(resourceKey(ref)) ?? new Map<string, string>()
    this.#uids.set(resourceKey(ref), keys)
    return keys
  }

  #own(node: GraphNode, owners: readonly OwnerReference[]): void {
    const before = node.owners
    node.owners = owners
    for (const { uid } of before) {
      if (owners.some((owner) => owner.uid === uid)) continue
      const owner = this.#nodes.get(uid)
      owner?.dependents.delete(node)
      if (owner?.waitsFor === 'dependents') this.#listener.examine(owner)
      if (owner?.isVirtual && owner.dependents.size === 0) this.#nodes.delete(uid)
    }
    for (const reference of owners) {
      const owner = this.#nodes.get(reference.uid) ?? this.#virtual(node, reference)
      owner.dependents.add(node)
      if (!isNamed(owner, reference, node)) this.#listener.examine(node)
      const was = before.find(({ uid }) => uid === reference.uid)
      // Somebody no longer holds up the deletion of its owner.
      if (was?.blockOwnerDeletion && !reference.blockOwnerDeletion && owner.waitsFor === 'dependents') this.#listener.examine(owner)
      // An owner that is being deleted in the foreground takes newcomers along.
      if (!was && owner.waitsFor === 'dependents') this.#listener.examine(node)
    }
  }

  /** An owner that no watch has told of: whether it exists is to be found out. */
  #virtual({ namespace }: GraphNode, { uid, apiVersion, kind, name }: OwnerReference): GraphNode {
    const [version = ''] = apiVersion.split('/').reverse()
    const ref = { group: groupOf(apiVersion), version, kind, plural: '', namespaced: namespace !== undefined }
    const node: GraphNode = {
      uid,
      ref,
      namespace,
      name,
      owners: [],
      dependents: new Set(),
      isDeleting: false,
      waitsFor: 'nothing',
      isVirtual: true,
    }
    this.#nodes.set(uid, node)
    this.#listener.examine(node)
    return node
  }

  #follow(node: GraphNode, { metadata }: KubeObject): void {
    const before = node.waitsFor
    node.isDeleting = metadata.deletionTimestamp !== undefined
    const finalizers = metadata.finalizers ?? []
    node.waitsFor = !node.isDeleting
      ? 'nothing'
      : finalizers.includes('orphan')
        ? 'orphaning'
        : finalizers.includes('foregroundDeletion')
          ? 'dependents'
          : 'nothing'
    if (node.waitsFor === before) return
    if (node.waitsFor === 'orphaning') this.#listener.orphan(node)
    if (node.waitsFor === 'dependents') {
      for (const dependent of node.dependents) this.#listener.examine(dependent)
      this.#listener.examine(node)
    }
  }

  #remove(uid: string): void {
    const node = this.#nodes.get(uid)
    if (!node) return
    if (node.isVirtual) this.#nodes.delete(uid)
    else {
      const key = node.namespace === undefined ? node.name : `${node.namespace}/${node.name}`
      const keys = this.#uids.get(resourceKey(node.ref))
      if (keys?.get(key) === uid) keys.delete(key)
      this.#count(node.namespace, node.ref, -1)
      this.#nodes.delete(uid)
    }
    for (const { uid: ownerUid } of node.owners) {
      const owner = this.#nodes.get(ownerUid)
      owner?.dependents.delete(node)
      if (owner?.waitsFor === 'dependents') this.#listener.examine(owner)
      if (owner?.isVirtual && owner.dependents.size === 0) this.#nodes.delete(ownerUid)
    }
    for (const dependent of node.dependents) this.#listener.examine(dependent)
    this.#listener.removed(node)
  }

  #count(namespace: string | undefined, ref: ResourceRef, change: 1 | -1): void {
    if (namespace === undefined) return
    const counts = this.#counts.get(namespace) ?? new Map<string, number>()
    const count = (counts.get(resourceKey(ref)) ?? 0) + change
    if (count > 0) counts.set(resourceKey(ref), count)
    else counts.delete(resourceKey(ref))
    if (counts.size > 0) this.#counts.set(namespace, counts)
    else this.#counts.delete(namespace)
  }
}

export const resourceKey = ({ group, plural }: ResourceRef): string => `${group}/${plural}`

/** Whether a reference means the node that has its uid: kind, name and, where the owner has one, the namespace agree. */
export function isNamed(owner: GraphNode, { apiVersion, kind, name }: OwnerReference, dependent: GraphNode): boolean {
  if (owner.isVirtual) return true
  const isSame = owner.ref.kind === kind && owner.ref.group === groupOf(apiVersion) && owner.name === name
  return isSame && (owner.namespace === undefined || owner.namespace === dependent.namespace)
}

export const isBlocking = (owner: GraphNode, dependent: GraphNode): boolean =>
  dependent.owners.some(({ uid, blockOwnerDeletion }) => uid === owner.uid && blockOwnerDeletion)

/** `apps/v1, Kind=ReplicaSet`, as upstream's messages name a kind. */
export const kindText = (ref: ResourceRef): string => `${apiVersionOf(ref)}, Kind=${ref.kind}`
