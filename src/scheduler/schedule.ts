import type { Random } from '../base/random.ts'
import type { Snapshot } from './cluster-state.ts'
import { type Diagnosis, diagnose } from './diagnosis.ts'
import type { NodeInfo } from './node-info.ts'
import type { Plugin, PodPlugin, Rejection } from './plugin.ts'
import type { PodInfo } from './pod-info.ts'

export type Outcome =
  | { readonly type: 'fits'; readonly nodeName: string }
  | { readonly type: 'unschedulable'; readonly diagnosis: Diagnosis }

/** Below this many nodes all are looked at. */
const minSample = 100
const minPercentage = 5

/** How many fitting nodes are enough to choose from: fewer of a large cluster, as upstream's default. */
export function sampleSize(nodes: number): number {
  if (nodes < minSample) return nodes
  const percentage = Math.max(minPercentage, 50 - Math.floor(nodes / 125))
  return Math.max(minSample, Math.floor((nodes * percentage) / 100))
}

export interface Cycle {
  readonly outcome: Outcome
  /** Where the next search begins, so that all nodes have their turn. */
  readonly nextStart: number
}

/** Finds the best node for a pod, or says why there is none. Changes nothing. */
export function schedule({
  pod,
  cluster,
  plugins,
  start,
  random,
}: {
  pod: PodInfo
  cluster: Snapshot
  plugins: readonly Plugin[]
  start: number
  random: Random
}): Cycle {
  const begun = plugins.map((plugin) => ({ ...plugin.begin(pod, cluster), plugin }))
  const { fitting, rejections, looked } = fittingNodes(begun, cluster, start)
  const nextStart = cluster.nodes.length === 0 ? 0 : (start + looked) % cluster.nodes.length
  if (fitting.length === 0) return { outcome: { type: 'unschedulable', diagnosis: diagnose(pod, cluster, rejections) }, nextStart }
  return { outcome: { type: 'fits', nodeName: bestOf(fitting, begun, random).name }, nextStart }
}

type Begun = PodPlugin & { readonly plugin: Plugin }

export interface NodeRejection extends Rejection {
  readonly node: NodeInfo
  readonly plugin: string
}

function fittingNodes(begun: readonly Begun[], cluster: Snapshot, start: number) {
  const { nodes } = cluster
  const wanted = sampleSize(nodes.length)
  const filters = begun.filter(({ filter }) => filter)
  const fitting: NodeInfo[] = []
  const rejections: NodeRejection[] = []
  const try_ = (node: NodeInfo) => {
    const rejection = firstRejection(filters, node)
    if (rejection) rejections.push(rejection)
    else fitting.push(node)
  }
  const limited = begun.filter(({ only }) => only)
  if (limited.length > 0) {
    const names = limited.map(({ plugin }) => plugin.name).sort()
    const elsewhere = { reasons: [`node(s) didn't satisfy plugin(s) [${names.join(' ')}]`], isFinal: true, plugin: names[0] ?? '' }
    const chosen = chosenNodes(limited, cluster)
    for (const node of chosen) try_(node)
    if (fitting.length === 0) for (const node of nodes) if (!chosen.has(node)) rejections.push({ ...elsewhere, node })
    return { fitting, rejections, looked: 0 }
  }
  let looked = 0
  for (; looked < nodes.length && fitting.length < wanted; looked++) {
    const node = nodes[(start + looked) % nodes.length]
    if (node) try_(node)
  }
  return { fitting, rejections, looked }
}

function chosenNodes(limited: readonly Begun[], cluster: Snapshot): ReadonlySet<NodeInfo> {
  const [first, ...others] = limited.map(({ only }) => only ?? new Set<string>())
  const names = [...(first ?? [])].filter((name) => others.every((other) => other.has(name)))
  return new Set(names.map((name) => cluster.node(name)).filter((node) => node !== undefined))
}

function firstRejection(filters: readonly Begun[], node: NodeInfo): NodeRejection | undefined {
  for (const { filter, plugin } of filters) {
    const rejection = filter?.(node)
    if (rejection) return { ...rejection, node, plugin: plugin.name }
  }
  return undefined
}

/** The highest weighted sum of scores; of equals, any. */
function bestOf(nodes: readonly NodeInfo[], begun: readonly Begun[], random: Random): NodeInfo {
  const [only] = nodes
  const totals = nodes.map(() => 0)
  if (nodes.length > 1) {
    for (const { score, plugin } of begun) {
      const scores = score?.(nodes)
      scores?.forEach((value, index) => {
        totals[index] = (totals[index] ?? 0) + value * plugin.weight
      })
    }
  }
  let best = { node: only as NodeInfo, total: Number.NEGATIVE_INFINITY, equals: 0 }
  nodes.forEach((node, index) => {
    const total = totals[index] ?? 0
    if (total > best.total) best = { node, total, equals: 1 }
    else if (total === best.total && random.fraction() < 1 / ++best.equals) best.node = node
  })
  return best.node
}
