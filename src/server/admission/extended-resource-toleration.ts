import { isExtendedResource } from '../../api/extended-resource.ts'
import type { PodSpec, Toleration } from '../../api/types/core-v1.ts'
import type { AdmissionPlugin } from './admission.ts'
import { isPodWrite } from './pod-write.ts'

/** Nodes with devices may be tainted with the devices' names: pods that ask for them tolerate that. */
export const extendedResourceToleration: AdmissionPlugin = {
  name: 'ExtendedResourceToleration',
  mutate(request) {
    if (!isPodWrite(request)) return
    const spec = request.draft.spec as PodSpec & { tolerations?: Toleration[] }
    const names = new Set(
      [...(spec.containers ?? []), ...(spec.initContainers ?? [])].flatMap(({ resources }) =>
        Object.keys(resources?.requests ?? {}).filter(isExtendedResource),
      ),
    )
    const tolerations = spec.tolerations ?? []
    const isTolerated = (name: string) => tolerations.some(({ key, operator, effect }) => key === name && operator === 'Exists' && !effect)
    const added = [...names].sort().filter((name) => !isTolerated(name))
    if (added.length > 0) spec.tolerations = [...tolerations, ...added.map((key): Toleration => ({ key, operator: 'Exists' }))]
  },
}
