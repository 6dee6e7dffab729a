import type { Pod } from '../../api/types/core-v1.ts'
import { type AdmissionPlugin, forbidden } from './admission.ts'
import { isPodWrite } from './pod-write.ts'

const allowed = 'kubernetes.io/hostname'

/** Pods keep others off their node only, not off a whole zone. */
export const limitPodHardAntiAffinityTopology: AdmissionPlugin = {
  name: 'LimitPodHardAntiAffinityTopology',
  validate(request) {
    if (!isPodWrite(request)) return
    const { affinity } = (request.draft as unknown as Pod).spec
    for (const { topologyKey } of affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [])
      if (topologyKey !== allowed)
        throw forbidden(
          request,
          `affinity.PodAntiAffinity.RequiredDuringScheduling has TopologyKey ${topologyKey} but only key ${allowed} is allowed`,
        )
  },
}
