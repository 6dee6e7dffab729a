import type { Plugin } from '../plugin.ts'
import { tolerates } from '../toleration.ts'

const cordoned = { reasons: ['node(s) were unschedulable'], isFinal: true }
const taint = { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' }

/** `kubectl cordon` keeps pods away that do not tolerate it. */
export const nodeUnschedulable: Plugin = {
  name: 'NodeUnschedulable',
  weight: 0,
  wakesOn: ['node-added', 'node-taints'],
  begin: ({ pod }) =>
    tolerates(pod.spec?.tolerations, taint) ? {} : { filter: ({ node }) => (node.spec?.unschedulable ? cordoned : undefined) },
}
