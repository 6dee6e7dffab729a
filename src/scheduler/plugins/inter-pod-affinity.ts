import { labelOf } from '../../api/label-selector.ts'
import type { Node } from '../../api/types/core-v1.ts'
import { type AffinityTerm, matchesAffinity } from '../affinity-term.ts'
import type { PlacedPod, Snapshot } from '../cluster-state.ts'
import type { NodeInfo } from '../node-info.ts'
import { maxScore, type Plugin, type PodPlugin, type Rejection } from '../plugin.ts'
import type { PodInfo } from '../pod-info.ts'

const existing: Rejection = { reasons: ["node(s) didn't satisfy existing pods anti-affinity rules"] }
const apart: Rejection = { reasons: ["node(s) didn't match pod anti-affinity rules"] }
const together: Rejection = { reasons: ["node(s) didn't match pod affinity rules"], isFinal: true }
/** What an existing pod's required affinity to the new one counts for in scores. */
const hardWeight = 1

/** Counts by topology key and value. */
class TopologyCounts {
  readonly #counts = new Map<string, Map<string, number>>()

  get isEmpty(): boolean {
    return this.#counts.size === 0
  }

  add(key: string, { metadata }: Node, amount: number): void {
    const value = labelOf(metadata.labels, key)
    if (value === undefined) return
    const values = this.#counts.get(key) ?? new Map<string, number>()
    this.#counts.set(key, values.set(value, (values.get(value) ?? 0) + amount))
  }

  get(key: string, { metadata }: Node): number {
    const value = labelOf(metadata.labels, key)
    return value === undefined ? 0 : (this.#counts.get(key)?.get(value) ?? 0)
  }

  /** Over all keys. */
  sum(node: Node): number {
    let sum = 0
    for (const key of this.#counts.keys()) sum += this.get(key, node)
    return sum
  }

  hasAny(node: Node): boolean {
    for (const key of this.#counts.keys()) if (this.get(key, node) > 0) return true
    return false
  }
}

/** Pods that want to be, or must not be, where certain others are. */
export const interPodAffinity: Plugin = {
  name: 'InterPodAffinity',
  weight: 2,
  wakesOn: ['node-added', 'node-labels', 'pod-added', 'pod-labels', 'pod-removed', 'namespace-labels'],
  begin: (pod, cluster) => ({ ...filterOf(pod, cluster), score: (nodes) => scoreNodes(pod, nodes, cluster) }),
}

function filterOf(pod: PodInfo, cluster: Snapshot): Pick<PodPlugin, 'filter'> {
  const matches = (term: AffinityTerm, other: PodInfo) => matchesAffinity(term, other.pod, cluster.namespaceLabels)
  const repelled = new TopologyCounts()
  for (const { info, node } of cluster.podsWithRequiredAntiAffinity)
    for (const term of info.requiredAntiAffinity) if (matches(term, pod)) repelled.add(term.topologyKey, node.node, 1)
  const { requiredAffinity, requiredAntiAffinity } = pod
  if (repelled.isEmpty && requiredAffinity.length + requiredAntiAffinity.length === 0) return {}
  const attracting = new TopologyCounts()
  const repelling = new TopologyCounts()
  for (const { info, node } of podsInReach([...requiredAffinity, ...requiredAntiAffinity], cluster)) {
    if (requiredAffinity.length > 0 && requiredAffinity.every((term) => matches(term, info)))
      for (const { topologyKey } of requiredAffinity) attracting.add(topologyKey, node.node, 1)
    for (const term of requiredAntiAffinity) if (matches(term, info)) repelling.add(term.topologyKey, node.node, 1)
  }
  // The first of a group that wants to be with itself may go anywhere.
  const isFirst = attracting.isEmpty && requiredAffinity.every((term) => matches(term, pod))
  const filter = ({ node }: NodeInfo) => {
    const hasTopology = requiredAffinity.every(({ topologyKey }) => labelOf(node.metadata.labels, topologyKey) !== undefined)
    if (!hasTopology || !(isFirst || requiredAffinity.every(({ topologyKey }) => attracting.get(topologyKey, node) > 0))) return together
    if (requiredAntiAffinity.some(({ topologyKey }) => repelling.get(topologyKey, node) > 0)) return apart
    return repelled.hasAny(node) ? existing : undefined
  }
  return { filter }
}

function scoreNodes(pod: PodInfo, nodes: readonly NodeInfo[], cluster: Snapshot): number[] {
  const counts = new TopologyCounts()
  const add = (terms: readonly AffinityTerm[], target: PodInfo, { node }: NodeInfo, sign: number) => {
    for (const term of terms)
      if (matchesAffinity(term, target.pod, cluster.namespaceLabels)) counts.add(term.topologyKey, node, sign * term.weight)
  }
  for (const { info, node } of podsInReach([...pod.preferredAffinity, ...pod.preferredAntiAffinity], cluster)) {
    add(pod.preferredAffinity, info, node, 1)
    add(pod.preferredAntiAffinity, info, node, -1)
  }
  for (const { info, node } of cluster.podsWithAffinity) {
    add(info.requiredAffinity, pod, node, hardWeight)
    add(info.preferredAffinity, pod, node, 1)
    add(info.preferredAntiAffinity, pod, node, -1)
  }
  if (counts.isEmpty) return nodes.map(() => 0)
  const sums = nodes.map(({ node }) => counts.sum(node))
  const min = sums.reduce((left, right) => Math.min(left, right), Number.POSITIVE_INFINITY)
  const max = sums.reduce((left, right) => Math.max(left, right), Number.NEGATIVE_INFINITY)
  return sums.map((sum) => (max > min ? Math.floor((maxScore * (sum - min)) / (max - min)) : 0))
}

/** The pods that the terms may match: those of the namespaces that they name, or of all. */
function* podsInReach(terms: readonly AffinityTerm[], cluster: Snapshot): Iterable<PlacedPod> {
  if (terms.length === 0) return
  if (terms.some(({ namespaceSelector }) => namespaceSelector !== undefined)) {
    yield* cluster.pods
    return
  }
  for (const namespace of new Set(terms.flatMap(({ namespaces }) => [...namespaces]))) yield* cluster.podsIn(namespace)
}
