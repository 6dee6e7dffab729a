import type { Snapshot } from './cluster-state.ts'
import type { PodInfo } from './pod-info.ts'
import type { NodeRejection } from './schedule.ts'

/** Why a pod has no node. */
export interface Diagnosis {
  /** As events and the condition tell it. */
  readonly message: string
  /** The plug-ins that turned it away: changes that these care for let it try again. */
  readonly plugins: ReadonlySet<string>
}

export function diagnose(pod: PodInfo, { nodes }: Snapshot, rejections: readonly NodeRejection[]): Diagnosis {
  if (nodes.length === 0) return { message: 'no nodes available to schedule pods', plugins: new Set() }
  const reasons = rejections.flatMap((rejection) => rejection.reasons)
  const preemption = preemptionText(pod, rejections, nodes.length)
  return {
    message: `${unavailable(nodes.length, reasons)}${preemption === '' ? '' : ` preemption: ${preemption}`}`,
    plugins: new Set(rejections.map(({ plugin }) => plugin)),
  }
}

/** `0/3 nodes are available: 1 Insufficient cpu, 2 node(s) were unschedulable.` */
function unavailable(nodes: number, reasons: readonly string[]): string {
  const counts = [...Map.groupBy(reasons, (reason) => reason)].map(([reason, { length }]) => `${length} ${reason}`)
  return `0/${nodes} nodes are available: ${counts.sort().join(', ')}.`
}

/** What evicting others would do. Nothing is said when there are pods that might be evicted: nothing evicts them. */
function preemptionText(pod: PodInfo, rejections: readonly NodeRejection[], nodes: number): string {
  if (pod.pod.spec?.preemptionPolicy === 'Never') return 'not eligible due to preemptionPolicy=Never.'
  const open = rejections.filter(({ isFinal }) => !isFinal)
  if (open.some(({ node }) => hasLesser(node.pods.values(), pod.priority))) return ''
  return unavailable(
    nodes,
    rejections.map(({ isFinal }) =>
      isFinal ? 'Preemption is not helpful for scheduling' : 'No preemption victims found for incoming pod',
    ),
  )
}

function hasLesser(pods: Iterable<PodInfo>, priority: number): boolean {
  for (const pod of pods) if (pod.priority < priority) return true
  return false
}
