import type { NodeInfo } from '../node-info.ts'
import { maxScore, type Plugin } from '../plugin.ts'
import type { PodInfo } from '../pod-info.ts'

/** All that a pod asks for must be free on one node; nodes with more left over are better. */
export const nodeResourcesFit: Plugin = {
  name: 'NodeResourcesFit',
  weight: 1,
  wakesOn: ['node-added', 'node-allocatable', 'pod-removed', 'pod-resized'],
  begin(pod) {
    const needed = [...pod.needed].filter(([, amount]) => amount > 0)
    return {
      filter(node) {
        const reasons: string[] = []
        let isFinal = false
        if (node.pods.size + 1 > (node.allocatable.get('pods') ?? 0)) reasons.push('Too many pods')
        for (const [resource, amount] of needed) {
          const allocatable = node.allocatable.get(resource) ?? 0
          if (amount <= allocatable - (node.requested.get(resource) ?? 0)) continue
          reasons.push(`Insufficient ${resource}`)
          if (amount > allocatable) isFinal = true
        }
        return reasons.length > 0 ? { reasons, isFinal } : undefined
      },
      score: (nodes) => nodes.map((node) => leastAllocated(pod, node)),
    }
  },
}

/** The mean of what stays free of cpu and memory. */
function leastAllocated({ scored }: PodInfo, { allocatable, scored: held }: NodeInfo): number {
  const parts = [
    free(allocatable.get('cpu'), held.cpuMillis + scored.cpuMillis),
    free(allocatable.get('memory'), held.memoryBytes + scored.memoryBytes),
  ].filter((part) => part !== undefined)
  return parts.length > 0 ? Math.floor(parts.reduce((sum, part) => sum + part, 0) / parts.length) : 0
}

function free(allocatable = 0, requested: number): number | undefined {
  if (allocatable === 0) return undefined
  return requested > allocatable ? 0 : Math.floor(((allocatable - requested) * maxScore) / allocatable)
}
