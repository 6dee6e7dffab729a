import type { Taint } from '../../api/types/core-v1.ts'
import { normalized, type Plugin } from '../plugin.ts'
import { findUntolerated, isForbidding, tolerates } from '../toleration.ts'

/** Not which: taints may tell more about nodes than who makes pods should know. */
const untolerated = { reasons: ['node(s) had untolerated taint(s)'], isFinal: true }
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
        return findUntolerated(node.spec?.taints, tolerations, isForbidding) && untolerated
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
