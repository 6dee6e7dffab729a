import type { Taint } from '../../api/types/core-v1.ts'
import { normalized, type Plugin } from '../plugin.ts'
import { findUntolerated, isForbidding, tolerates } from '../toleration.ts'

const isDiscouraging = ({ effect }: Taint) => effect === 'PreferNoSchedule'

/** Taints keep pods away, or discourage them, that do not tolerate them. */
export const taintToleration: Plugin = {
  name: 'TaintToleration',
  weight: 3,
  wakesOn: ['node-added', 'node-taints'],
  begin({ pod }) {
    const tolerations = pod.spec?.tolerations
    return {
      filter({ node }) {
        const taint = findUntolerated(node.spec?.taints, tolerations, isForbidding)
        return taint && { reasons: [`node(s) had untolerated taint {${taint.key}: ${taint.value ?? ''}}`], isFinal: true }
      },
      score: (nodes) =>
        normalized(
          nodes.map(
            ({ node }) => (node.spec?.taints ?? []).filter((taint) => isDiscouraging(taint) && !tolerates(tolerations, taint)).length,
          ),
          true,
        ),
    }
  },
}
