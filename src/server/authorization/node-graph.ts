import { jsonEqual } from '../../api/json-equal.ts'
import type { PersistentVolume, Pod } from '../../api/types/core-v1.ts'
import { podReferences, type ReferencedResource, referenceKey, volumeReferences } from './pod-references.ts'

interface PlacedPod {
  readonly uid: string | undefined
  readonly node: string
  readonly keys: readonly string[]
  readonly claims: unknown
}

/**
 * What each node has to do with, kept as pods and volumes come and go:
 *
 *   node ◀─ pod ─▶ secret, config map, service account, resource claim, claim ─▶ volume ─▶ secret
 *   node ◀─ volume attachment, resource slice
 */
export class NodeGraph {
  readonly #pods = new Map<string, PlacedPod>()
  /** By node: what its pods need, and how many of them. */
  readonly #needed = new Map<string, Map<string, number>>()
  /** By volume: the claim it is bound to and the secrets it is mounted with. */
  readonly #volumes = new Map<string, { readonly claim: string; readonly secrets: readonly string[] }>()
  /** By secret: the claims of volumes that are mounted with it, by volume. */
  readonly #claimsOfSecret = new Map<string, Map<string, string>>()
  readonly #attachments = new Map<string, string>()
  readonly #slices = new Map<string, string>()

  setPod(pod: Pod): void {
    const { uid } = pod.metadata
    const key = podKey(pod.metadata.namespace, pod.metadata.name)
    const node = pod.spec?.nodeName
    const before = this.#pods.get(key)
    const claims = [pod.status?.resourceClaimStatuses, pod.status?.extendedResourceClaimStatus?.resourceClaimName]
    // What a pod needs stays as it is, its claims and what is put into it while it runs apart; most changes are of its status.
    const hasMore = (pod.spec?.ephemeralContainers?.length ?? 0) > 0
    if (before && node === before.node && uid === before.uid && !hasMore && jsonEqual(claims, before.claims)) return
    this.removePod(key)
    if (!node) return
    const keys = podReferences(pod)
    this.#pods.set(key, { uid, node, keys, claims })
    const needed = this.#needed.get(node) ?? new Map<string, number>()
    this.#needed.set(node, needed)
    for (const each of keys) needed.set(each, (needed.get(each) ?? 0) + 1)
  }

  removePod(key: string): void {
    const pod = this.#pods.get(key)
    if (!pod) return
    this.#pods.delete(key)
    const needed = this.#needed.get(pod.node)
    if (!needed) return
    for (const each of pod.keys) {
      const count = (needed.get(each) ?? 0) - 1
      if (count > 0) needed.set(each, count)
      else needed.delete(each)
    }
    if (needed.size === 0) this.#needed.delete(pod.node)
  }

  setVolume(volume: PersistentVolume): void {
    const { name } = volume.metadata
    this.removeVolume(name)
    const references = volumeReferences(volume)
    if (!references) return
    this.#volumes.set(name, references)
    for (const secret of references.secrets) {
      const claims = this.#claimsOfSecret.get(secret) ?? new Map<string, string>()
      this.#claimsOfSecret.set(secret, claims)
      claims.set(name, references.claim)
    }
  }

  removeVolume(name: string): void {
    for (const secret of this.#volumes.get(name)?.secrets ?? []) {
      const claims = this.#claimsOfSecret.get(secret)
      claims?.delete(name)
      if (claims?.size === 0) this.#claimsOfSecret.delete(secret)
    }
    this.#volumes.delete(name)
  }

  setAttachment = (name: string, node: string | undefined): void => setOrDelete(this.#attachments, name, node)
  setSlice = (name: string, node: string | undefined): void => setOrDelete(this.#slices, name, node)

  hasPod = (node: string, namespace: string, name: string): boolean => this.#pods.get(podKey(namespace, name))?.node === node
  hasAttachment = (node: string, name: string): boolean => this.#attachments.get(name) === node
  hasSlice = (node: string, name: string): boolean => this.#slices.get(name) === node

  hasVolume(node: string, name: string): boolean {
    const volume = this.#volumes.get(name)
    return volume !== undefined && this.#needs(node, volume.claim)
  }

  has(node: string, resource: ReferencedResource, namespace: string, name: string): boolean {
    const key = referenceKey(resource, namespace, name)
    if (this.#needs(node, key)) return true
    for (const claim of this.#claimsOfSecret.get(key)?.values() ?? []) if (this.#needs(node, claim)) return true
    return false
  }

  #needs = (node: string, key: string): boolean => this.#needed.get(node)?.has(key) ?? false
}

export const podKey = (namespace: string | undefined, name: string): string => `${namespace ?? ''}/${name}`

function setOrDelete(map: Map<string, string>, key: string, value: string | undefined): void {
  if (value === undefined) map.delete(key)
  else map.set(key, value)
}
