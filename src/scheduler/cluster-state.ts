import { formatSelector, labelOf, matchesLabels, type Selector } from '../api/label-selector.ts'
import type { Node } from '../api/types/core-v1.ts'
import { type NodeInfo, NodeRecord } from './node-info.ts'
import { hasAffinity, type PodInfo } from './pod-info.ts'

type Labels = Readonly<Record<string, string>> | undefined

/** A pod and the node it is on, or will be. */
export interface PlacedPod {
  readonly info: PodInfo
  readonly node: NodeInfo
}

/** What a scheduling cycle sees. It stands still while a cycle runs, since a cycle never waits. */
export interface Snapshot {
  /** Nodes of different zones take turns, so that a sample of them spans the zones. */
  readonly nodes: readonly NodeInfo[]
  node(name: string): NodeInfo | undefined
  readonly pods: Iterable<PlacedPod>
  podsIn(namespace: string): Iterable<PlacedPod>
  readonly podsWithAffinity: Iterable<PlacedPod>
  readonly podsWithRequiredAntiAffinity: Iterable<PlacedPod>
  /** How many pods of a namespace match, per node that has any; pods that are being deleted do not count. */
  matching(namespace: string, selector: Selector): ReadonlyMap<NodeInfo, number>
  /** On how many nodes an image is. */
  nodesWithImage(name: string): number
  namespaceLabels(namespace: string): Labels
  /** What selects the pods of the Services and the controller that this pod belongs to. */
  siblings(pod: PodInfo): Selector | undefined
}

export type ClusterState = ReturnType<typeof createClusterState>

interface Held extends PlacedPod {
  readonly node: NodeRecord
}

const maxCountedSelectors = 64

/** Nodes and pods as events tell of them; every change costs what changed. */
export function createClusterState({ namespaceLabels, siblings }: Pick<Snapshot, 'namespaceLabels' | 'siblings'>) {
  const records = new Map<string, NodeRecord>()
  const placed = new Map<string, Held>()
  const byNamespace = new Map<string, Map<string, Held>>()
  const withAffinity = new Map<string, Held>()
  const withRequiredAntiAffinity = new Map<string, Held>()
  const imageNodes = new Map<string, number>()
  const counted = new Map<string, Map<string, { selector: Selector; counts: Map<NodeInfo, number> }>>()
  let ordered: readonly NodeInfo[] | undefined

  const recordOf = (name: string) => {
    const record = records.get(name) ?? new NodeRecord(name)
    records.set(name, record)
    return record
  }
  const dropUnused = (record: NodeRecord) => {
    if (!record.isKnown && record.pods.size === 0) records.delete(record.name)
  }
  const countImages = (record: NodeRecord, by: 1 | -1) => {
    for (const name of record.images.keys()) {
      const count = (imageNodes.get(name) ?? 0) + by
      if (count > 0) imageNodes.set(name, count)
      else imageNodes.delete(name)
    }
  }
  const countMatches = ({ info, node }: PlacedPod, by: 1 | -1) => {
    for (const { selector, counts } of counted.get(info.namespace)?.values() ?? []) {
      if (isCounted(info, selector)) addCount(counts, node, by)
    }
  }

  const snapshot: Snapshot = {
    get nodes() {
      ordered ??= inZoneOrder([...records.values()].filter(({ isKnown }) => isKnown))
      return ordered
    },
    node(name) {
      const record = records.get(name)
      return record?.isKnown ? record : undefined
    },
    get pods() {
      return onKnownNodes(placed)
    },
    podsIn: (namespace) => onKnownNodes(byNamespace.get(namespace)),
    get podsWithAffinity() {
      return onKnownNodes(withAffinity)
    },
    get podsWithRequiredAntiAffinity() {
      return onKnownNodes(withRequiredAntiAffinity)
    },
    matching(namespace, selector) {
      const ofNamespace = counted.get(namespace) ?? new Map()
      counted.set(namespace, ofNamespace)
      const key = formatSelector(selector)
      const found = ofNamespace.get(key)
      if (found) return found.counts
      const counts = new Map<NodeInfo, number>()
      for (const { info, node } of byNamespace.get(namespace)?.values() ?? []) if (isCounted(info, selector)) addCount(counts, node, 1)
      // The oldest goes: a selector that is still in use is counted anew.
      for (const oldest of ofNamespace.keys()) {
        if (ofNamespace.size < maxCountedSelectors) break
        ofNamespace.delete(oldest)
      }
      ofNamespace.set(key, { selector, counts })
      return counts
    },
    nodesWithImage: (name) => imageNodes.get(name) ?? 0,
    namespaceLabels,
    siblings,
  }

  return {
    snapshot,
    setNode(node: Node): void {
      const record = recordOf(node.metadata.name)
      if (!record.isKnown || zoneOf(record.node) !== zoneOf(node)) ordered = undefined
      countImages(record, -1)
      record.setNode(node)
      countImages(record, 1)
    },
    removeNode(name: string): void {
      const record = records.get(name)
      if (!record?.isKnown) return
      countImages(record, -1)
      record.setNode(undefined)
      ordered = undefined
      dropUnused(record)
    },
    /** Puts a pod on a node, in place of what was known of this pod. */
    place(info: PodInfo, nodeName: string): void {
      this.remove(info.uid)
      const node = recordOf(nodeName)
      const pod = { info, node }
      node.add(info)
      placed.set(info.uid, pod)
      const others = byNamespace.get(info.namespace) ?? new Map<string, Held>()
      byNamespace.set(info.namespace, others.set(info.uid, pod))
      if (hasAffinity(info)) withAffinity.set(info.uid, pod)
      if (info.requiredAntiAffinity.length > 0) withRequiredAntiAffinity.set(info.uid, pod)
      countMatches(pod, 1)
    },
    remove(uid: string): boolean {
      const pod = placed.get(uid)
      if (!pod) return false
      placed.delete(uid)
      pod.node.remove(pod.info)
      const others = byNamespace.get(pod.info.namespace)
      others?.delete(uid)
      if (others?.size === 0) {
        byNamespace.delete(pod.info.namespace)
        counted.delete(pod.info.namespace)
      } else countMatches(pod, -1)
      withAffinity.delete(uid)
      withRequiredAntiAffinity.delete(uid)
      dropUnused(pod.node)
      return true
    },
    /** Where a pod is, or is assumed to be. */
    placeOf: (uid: string): PlacedPod | undefined => placed.get(uid),
  }
}

function* onKnownNodes(pods: ReadonlyMap<string, Held> | undefined): Iterable<PlacedPod> {
  for (const pod of pods?.values() ?? []) if (pod.node.isKnown) yield pod
}

const isCounted = ({ pod }: PodInfo, selector: Selector) =>
  pod.metadata.deletionTimestamp === undefined && matchesLabels(selector, pod.metadata.labels)

function addCount(counts: Map<NodeInfo, number>, node: NodeInfo, by: 1 | -1): void {
  const count = (counts.get(node) ?? 0) + by
  if (count > 0) counts.set(node, count)
  else counts.delete(node)
}

const zoneOf = ({ metadata }: Node) =>
  `${labelOf(metadata.labels, 'topology.kubernetes.io/region') ?? ''}/${labelOf(metadata.labels, 'topology.kubernetes.io/zone') ?? ''}`

function inZoneOrder(nodes: readonly NodeInfo[]): NodeInfo[] {
  const zones = [...Map.groupBy(nodes, ({ node }) => zoneOf(node)).values()]
  const turns = Math.max(0, ...zones.map(({ length }) => length))
  const ordered: NodeInfo[] = []
  for (let turn = 0; turn < turns; turn++) {
    for (const zone of zones) {
      const node = zone[turn]
      if (node) ordered.push(node)
    }
  }
  return ordered
}
