import type { Amounts } from '../../api/amounts.ts'
import type { NodeInfo } from '../node-info.ts'
import { maxScore, type Plugin } from '../plugin.ts'

const resources = ['cpu', 'memory']

/** Nodes on which cpu and memory are used alike are better. Pods that ask for neither have no say: they would all go to one node. */
export const nodeResourcesBalancedAllocation: Plugin = {
  name: 'NodeResourcesBalancedAllocation',
  weight: 1,
  wakesOn: [],
  begin({ needed }) {
    if (resources.every((resource) => (needed.get(resource) ?? 0) === 0)) return {}
    return {
      score: (nodes) =>
        nodes.map((node) => {
          const cpu = fraction(node, 'cpu', needed)
          const memory = fraction(node, 'memory', needed)
          // The standard deviation of two values; of one there is none.
          const deviation = cpu === undefined || memory === undefined ? 0 : Math.abs(cpu - memory) / 2
          return Math.floor((1 - deviation) * maxScore)
        }),
    }
  },
}

function fraction({ allocatable, requested }: NodeInfo, resource: string, needed: Amounts): number | undefined {
  const total = allocatable.get(resource) ?? 0
  return total === 0 ? undefined : Math.min(1, ((requested.get(resource) ?? 0) + (needed.get(resource) ?? 0)) / total)
}
