import { type Amounts, accumulate, amountsOf } from '../api/amounts.ts'
import type { Node } from '../api/types/core-v1.ts'
import { assert } from '../base/assert.ts'
import type { PodInfo } from './pod-info.ts'

/** A node with the pods on it and their sums, which change by one pod at a time. */
export interface NodeInfo {
  readonly name: string
  readonly node: Node
  readonly allocatable: Amounts
  readonly pods: ReadonlyMap<string, PodInfo>
  readonly requested: Amounts
  readonly scored: { readonly cpuMillis: number; readonly memoryBytes: number }
  /** Bytes of the images that are there, by every name of theirs. */
  readonly images: ReadonlyMap<string, number>
}

/** The side that the cluster's state alone holds. A node may be unknown (yet, or already) while pods say that they are on it. */
export class NodeRecord implements NodeInfo {
  readonly name: string
  readonly pods = new Map<string, PodInfo>()
  readonly requested = new Map<string, number>()
  readonly scored = { cpuMillis: 0, memoryBytes: 0 }
  allocatable: Amounts = new Map()
  images: ReadonlyMap<string, number> = new Map()
  #node: Node | undefined

  constructor(name: string) {
    this.name = name
  }

  get isKnown(): boolean {
    return this.#node !== undefined
  }

  get node(): Node {
    assert(this.#node, `node ${this.name} is known`)
    return this.#node
  }

  setNode(node: Node | undefined): void {
    this.#node = node
    this.allocatable = amountsOf(node?.status?.allocatable)
    this.images = imagesOf(node)
  }

  add(pod: PodInfo): void {
    this.pods.set(pod.uid, pod)
    this.#count(pod, 1)
  }

  remove(pod: PodInfo): void {
    this.pods.delete(pod.uid)
    this.#count(pod, -1)
  }

  #count(pod: PodInfo, sign: 1 | -1): void {
    accumulate(this.requested, pod.needed, sign)
    this.scored.cpuMillis += sign * pod.scored.cpuMillis
    this.scored.memoryBytes += sign * pod.scored.memoryBytes
  }
}

const imagesOf = (node: Node | undefined) =>
  new Map((node?.status?.images ?? []).flatMap(({ names, sizeBytes }) => (names ?? []).map((name) => [name, sizeBytes ?? 0] as const)))
