import { matchesTerm, nodeTerm, nodeTerms, requiredNodes } from '../../api/node-selector.ts'
import type { Pod } from '../../api/types/core-v1.ts'
import { normalized, type Plugin } from '../plugin.ts'

const mismatch = { reasons: ["node(s) didn't match Pod's node affinity/selector"], isFinal: true }

/** `nodeSelector` and node affinity. */
export const nodeAffinity: Plugin = {
  name: 'NodeAffinity',
  weight: 2,
  wakesOn: ['node-added', 'node-labels'],
  begin({ pod }) {
    const affinity = pod.spec?.affinity?.nodeAffinity
    const isRequired = pod.spec?.nodeSelector !== undefined || affinity?.requiredDuringSchedulingIgnoredDuringExecution !== undefined
    const accepts = requiredNodes(pod)
    const preferred = (affinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []).flatMap(({ preference, weight }) => {
      const term = nodeTerm(preference)
      return term ? [{ term, weight }] : []
    })
    const only = namedNodes(pod)
    return {
      ...(only && { only }),
      ...(isRequired && { filter: ({ node }) => (accepts(node) ? undefined : mismatch) }),
      ...(preferred.length > 0 && {
        score: (nodes) =>
          normalized(nodes.map(({ node }) => preferred.reduce((sum, { term, weight }) => sum + (matchesTerm(term, node) ? weight : 0), 0))),
      }),
    }
  },
}

/** When every term names its nodes, as a DaemonSet's pods do, no other needs to be looked at. */
function namedNodes({ spec }: Pod): ReadonlySet<string> | undefined {
  const required = spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution
  if (!required) return undefined
  const names = new Set<string>()
  for (const { fields } of nodeTerms(required)) {
    const named = fields.find(({ key, operator }) => key === 'metadata.name' && operator === 'In')
    if (!named) return undefined
    for (const name of named.values) names.add(name)
  }
  return names.size > 0 ? names : undefined
}
