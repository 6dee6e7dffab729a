import type { ClusterChange } from './cluster-change.ts'
import type { Snapshot } from './cluster-state.ts'
import type { NodeInfo } from './node-info.ts'
import type { PodInfo } from './pod-info.ts'

/** Why a node cannot take a pod, in upstream's words. */
export interface Rejection {
  readonly reasons: readonly string[]
  /** Removing pods from the node would not help. */
  readonly isFinal?: boolean
}

/** A rule of placement. What it computes once per pod lives in the closures that `begin` gives. */
export interface Plugin {
  readonly name: string
  /** What its scores count for; 0 when it has none. */
  readonly weight: number
  /** Which changes may make room for a pod that this plug-in turned away. */
  readonly wakesOn: readonly ClusterChange[]
  begin(pod: PodInfo, cluster: Snapshot): PodPlugin
}

/** A rule as it applies to one pod; what is left out does not. */
export interface PodPlugin {
  /** The only nodes that need to be looked at. */
  readonly only?: ReadonlySet<string>
  filter?(node: NodeInfo): Rejection | undefined
  /** Scores of the nodes that passed all filters, each from 0 to 100. */
  score?(nodes: readonly NodeInfo[]): readonly number[]
}

export const maxScore = 100

/** Scales so that the largest becomes 100 (with `reverse`, 0 becomes 100), as upstream's DefaultNormalizeScore. */
export function normalized(scores: readonly number[], reverse = false): number[] {
  const max = scores.reduce((left, right) => Math.max(left, right), 0)
  if (max === 0) return scores.map(() => (reverse ? maxScore : 0))
  return scores.map((score) => {
    const scaled = Math.floor((score * maxScore) / max)
    return reverse ? maxScore - scaled : scaled
  })
}
