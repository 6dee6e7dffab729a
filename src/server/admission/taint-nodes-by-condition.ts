import { isJsonObject } from '../../api/merge-patch.ts'
import type { Taint } from '../../api/types/core-v1.ts'
import type { AdmissionPlugin } from './admission.ts'

const notReady: Taint = { key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' }

/** A new node takes no pods until the node controller has seen it ready, so that none lands on it before it is known. */
export const taintNodesByCondition: AdmissionPlugin = {
  name: 'TaintNodesByCondition',
  mutate({ operation, kind, subresource, draft }) {
    if (operation !== 'CREATE' || subresource !== '' || kind.group !== '' || kind.plural !== 'nodes' || !draft) return
    const spec = isJsonObject(draft.spec) ? draft.spec : {}
    const given: readonly Taint[] = Array.isArray(spec.taints) ? spec.taints : []
    if (given.some(({ key, effect }) => key === notReady.key && effect === notReady.effect)) return
    draft.spec = { ...spec, taints: [...given, { ...notReady }] }
  },
}
