import { labelOf, matchesLabels, type Selector, selectorOf } from '../../api/label-selector.ts'
import { requiredNodes } from '../../api/node-selector.ts'
import type { Node, Pod, TopologySpreadConstraint } from '../../api/types/core-v1.ts'
import { sameLabels } from '../affinity-term.ts'
import type { Snapshot } from '../cluster-state.ts'
import type { NodeInfo } from '../node-info.ts'
import { maxScore, type Plugin, type PodPlugin, type Rejection } from '../plugin.ts'
import type { PodInfo } from '../pod-info.ts'
import { findUntolerated, isForbidding } from '../toleration.ts'

const hostname = 'kubernetes.io/hostname'
const zone = 'topology.kubernetes.io/zone'
const unlabelled: Rejection = { reasons: ["node(s) didn't match pod topology spread constraints (missing required label)"], isFinal: true }
const skewed: Rejection = { reasons: ["node(s) didn't match pod topology spread constraints"] }

interface Constraint {
  readonly topologyKey: string
  readonly maxSkew: number
  readonly minDomains: number
  readonly selector: Selector | undefined
  /** Whether a node's pods count. */
  readonly includes: (node: Node) => boolean
}

/** Keeps the numbers of like pods per zone, host or other topology close together. */
export const podTopologySpread: Plugin = {
  name: 'PodTopologySpread',
  weight: 2,
  wakesOn: ['node-added', 'node-removed', 'node-labels', 'node-taints', 'pod-added', 'pod-labels', 'pod-removed'],
  begin(pod, cluster): PodPlugin {
    const asked = pod.pod.spec?.topologySpreadConstraints ?? []
    const hard = asked
      .filter(({ whenUnsatisfiable }) => whenUnsatisfiable === 'DoNotSchedule')
      .map((constraint) => read(pod.pod, constraint))
    const isDefault = asked.length === 0
    const soft = isDefault
      ? defaultConstraints(pod, cluster)
      : asked.filter(({ whenUnsatisfiable }) => whenUnsatisfiable === 'ScheduleAnyway').map((constraint) => read(pod.pod, constraint))
    return {
      ...(hard.length > 0 && { filter: filterOf(pod, hard, cluster) }),
      // Hosts of a cluster without zones are still spread over by default.
      ...(soft.length > 0 && { score: (nodes) => scoreNodes(pod, soft, nodes, cluster, { needsLabels: !isDefault }) }),
    }
  },
}

function read(pod: Pod, constraint: TopologySpreadConstraint): Constraint {
  const { topologyKey, maxSkew, minDomains, labelSelector, matchLabelKeys, nodeAffinityPolicy, nodeTaintsPolicy } = constraint
  const selector = selectorOf(labelSelector)
  const accepts = requiredNodes(pod)
  return {
    topologyKey,
    maxSkew,
    minDomains: minDomains ?? 1,
    selector: selector && [...selector, ...sameLabels(pod, matchLabelKeys, 'In', selector)],
    includes: (node) =>
      (nodeAffinityPolicy === 'Ignore' || accepts(node)) &&
      (nodeTaintsPolicy !== 'Honor' || findUntolerated(node.spec?.taints, pod.spec?.tolerations, isForbidding) === undefined),
  }
}

/** Pods of a Service or a controller that say nothing about it are spread softly. */
function defaultConstraints(pod: PodInfo, cluster: Snapshot): readonly Constraint[] {
  const selector = cluster.siblings(pod)
  if (!selector) return []
  const accepts = requiredNodes(pod.pod)
  const constraint = (topologyKey: string, maxSkew: number) => ({ topologyKey, maxSkew, minDomains: 1, selector, includes: accepts })
  return [constraint(hostname, 3), constraint(zone, 5)]
}

const hasKeys = ({ metadata }: Node, constraints: readonly Constraint[]) =>
  constraints.every(({ topologyKey }) => labelOf(metadata.labels, topologyKey) !== undefined)

/** Of a selector that is left out or asks for nothing no pod counts: upstream takes both for a constraint without an aim. */
const countsOf = (pod: PodInfo, { selector }: Constraint, cluster: Snapshot): ReadonlyMap<NodeInfo, number> =>
  selector?.length ? cluster.matching(pod.namespace, selector) : new Map()

function filterOf(pod: PodInfo, constraints: readonly Constraint[], cluster: Snapshot): (node: NodeInfo) => Rejection | undefined {
  const rules = constraints.map((constraint) => {
    const counts = countsOf(pod, constraint, cluster)
    const domains = new Map<string, number>()
    for (const info of cluster.nodes) {
      const value = labelOf(info.node.metadata.labels, constraint.topologyKey)
      if (value === undefined || !hasKeys(info.node, constraints) || !constraint.includes(info.node)) continue
      domains.set(value, (domains.get(value) ?? 0) + (counts.get(info) ?? 0))
    }
    let least = domains.size < constraint.minDomains ? 0 : Number.POSITIVE_INFINITY
    for (const count of domains.values()) least = Math.min(least, count)
    const self = constraint.selector && matchesLabels(constraint.selector, pod.pod.metadata.labels) ? 1 : 0
    return { constraint, domains, least, self }
  })
  return ({ node }) => {
    for (const { constraint, domains, least, self } of rules) {
      const value = labelOf(node.metadata.labels, constraint.topologyKey)
      if (value === undefined) return unlabelled
      if ((domains.get(value) ?? 0) + self - least > constraint.maxSkew) return skewed
    }
    return undefined
  }
}

function scoreNodes(
  pod: PodInfo,
  constraints: readonly Constraint[],
  nodes: readonly NodeInfo[],
  cluster: Snapshot,
  { needsLabels }: { needsLabels: boolean },
): number[] {
  const isScored = ({ node }: NodeInfo) => !needsLabels || hasKeys(node, constraints)
  const scored = nodes.filter(isScored)
  const rules = constraints.map((constraint) => {
    const counts = countsOf(pod, constraint, cluster)
    const { topologyKey } = constraint
    const valueIn = ({ node }: NodeInfo) => labelOf(node.metadata.labels, topologyKey)
    const domains = new Map<string | undefined, number>()
    if (topologyKey !== hostname) {
      for (const node of scored) domains.set(valueIn(node), 0)
      for (const [node, count] of counts) {
        const value = valueIn(node)
        const known = domains.get(value)
        if (known !== undefined && isScored(node) && constraint.includes(node.node)) domains.set(value, known + count)
      }
    }
    // Larger topologies count more, so that differences between hosts are not drowned by those between zones.
    const weight = Math.log((topologyKey === hostname ? scored.length : domains.size) + 2)
    return (node: NodeInfo) => {
      const value = valueIn(node)
      if (value === undefined) return 0
      const count = topologyKey === hostname ? (counts.get(node) ?? 0) : (domains.get(value) ?? 0)
      return count * weight + constraint.maxSkew - 1
    }
  })
  const sums = nodes.map((node) => (isScored(node) ? Math.round(rules.reduce((sum, rule) => sum + rule(node), 0)) : undefined))
  let [min, max] = [Number.POSITIVE_INFINITY, 0]
  for (const sum of sums) {
    if (sum === undefined) continue
    min = Math.min(min, sum)
    max = Math.max(max, sum)
  }
  return sums.map((sum) => {
    if (sum === undefined) return 0
    return max === 0 ? maxScore : Math.floor((maxScore * (max + min - sum)) / max)
  })
}
