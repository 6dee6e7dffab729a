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
        nodes.map(({ allocatable, requested }) => {
          const fractions = resources.flatMap((resource) => {
            const total = allocatable.get(resource) ?? 0
            return total === 0 ? [] : [Math.min(1, ((requested.get(resource) ?? 0) + (needed.get(resource) ?? 0)) / total)]
          })
          const [left, right] = fractions
          // The standard deviation of two values.
          const deviation = left !== undefined && right !== undefined ? Math.abs(left - right) / 2 : 0
          return Math.floor((1 - deviation) * maxScore)
        }),
    }
  },
}
