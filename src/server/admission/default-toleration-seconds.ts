import type { JsonObject } from '../../api/object.ts'
import type { Toleration } from '../../api/types/core-v1.ts'
import type { AdmissionPlugin } from './admission.ts'
import { isPodWrite } from './pod-write.ts'

const defaultSeconds = 300
const conditionTaints = ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable'] as const

/** Pods stay for five minutes on a node that is not ready or not reachable, unless they say otherwise. */
export const defaultTolerationSeconds: AdmissionPlugin = {
  name: 'DefaultTolerationSeconds',
  mutate(request) {
    if (!isPodWrite(request)) return
    const spec = request.draft.spec as (JsonObject & { tolerations?: Toleration[] }) | undefined
    if (!spec) return
    const given = spec.tolerations ?? []
    const missing = conditionTaints.filter((key) => !given.some((toleration) => speaksOf(toleration, key)))
    if (missing.length === 0) return
    const added = missing.map((key): Toleration => ({ key, operator: 'Exists', effect: 'NoExecute', tolerationSeconds: defaultSeconds }))
    spec.tolerations = [...given, ...added]
  },
}

const speaksOf = ({ key, effect }: Toleration, taint: string) =>
  (key === undefined || key === '' || key === taint) && (effect === undefined || effect === '' || effect === 'NoExecute')
