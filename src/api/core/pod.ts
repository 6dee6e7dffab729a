import { defineKind } from '../define-kind.ts'
import type { Problem } from '../problem.ts'
import { forbidden } from '../problem.ts'
import type { Pod, PodSpec } from '../types/core-v1.ts'
import { defaultPod } from './pod-defaults.ts'
import { qosClassOfSpec } from './pod-qos.ts'
import { checkImageSpace } from './pod-rules/container-rules.ts'
import { checkEphemeralContainers, checkResize } from './pod-rules/pod-part-rules.ts'
import { checkPodSpec } from './pod-rules/pod-spec-rules.ts'
import { checkPodUpdate } from './pod-rules/pod-update-rules.ts'
import { podColumns, podSummary } from './pod-table.ts'
import { podWarnings } from './pod-warnings.ts'

export { qosClassOf } from './pod-qos.ts'

/** What `kubectl get pods` shows under STATUS. */
export const podStatusText = (pod: Pod): string => podSummary(pod, 0).status

/** What holds for a pod alone and not for the template that it may come from. */
function checkOnlyPod(found: Problem[], spec: PodSpec): void {
  if (!spec.serviceAccountName)
    spec.volumes?.forEach(({ projected }, index) => {
      projected?.sources?.forEach(({ serviceAccountToken }, place) => {
        if (serviceAccountToken)
          found.push(
            forbidden(
              `spec.volumes[${index}].projected.sources[${place}].serviceAccountToken`,
              'must not be specified when serviceAccountName is not set',
            ),
          )
      })
    })
  spec.containers?.forEach((container, index) => {
    checkImageSpace(found, `spec.containers[${index}]`, container)
  })
  spec.initContainers?.forEach((container, index) => {
    checkImageSpace(found, `spec.initContainers[${index}]`, container)
  })
}

const schedulingGated = {
  type: 'PodScheduled',
  status: 'False',
  reason: 'SchedulingGated',
  message: 'Scheduling is blocked due to non-empty scheduling gates',
}

export const pod = defineKind<Pod>({
  group: '',
  kind: 'Pod',
  shortNames: ['po'],
  categories: ['all'],
  generation: true,
  defaults: defaultPod,
  prepareForCreate(draft) {
    const spec = (draft.spec ?? {}) as unknown as PodSpec
    const isGated = (spec.schedulingGates ?? []).length > 0
    draft.status = { phase: 'Pending', qosClass: qosClassOfSpec(spec), ...(isGated && { conditions: [schedulingGated] }) }
  },
  prepareForUpdate(draft, old, subresource) {
    if (subresource === '') draft.status = old.status
    if (subresource !== 'status') return
    draft.spec = old.spec
    // Who tells how a pod fares does not say whose it is.
    const { ownerReferences: _, ...metadata } = draft.metadata as Pod['metadata']
    const { ownerReferences } = old.metadata
    draft.metadata = { ...metadata, ...(ownerReferences && { ownerReferences }) }
  },
  validate({ spec }) {
    const found: Problem[] = []
    checkPodSpec(found, 'spec', spec, true)
    checkOnlyPod(found, spec)
    return found
  },
  validateCreate({ spec }) {
    const found: Problem[] = []
    if (spec.ephemeralContainers?.length) found.push(forbidden('spec.ephemeralContainers', 'cannot be set on create'))
    if (spec.nodeName && spec.schedulingGates?.length)
      found.push(forbidden('spec.nodeName', 'cannot be set until all schedulingGates have been cleared'))
    return found
  },
  validateUpdate(object, old) {
    const found: Problem[] = []
    checkPodUpdate(found, object, old)
    return found
  },
  validateSubresource(object, old, subresource) {
    const found: Problem[] = []
    if (subresource === 'ephemeralcontainers' || subresource === 'resize') checkPodSpec(found, 'spec', object.spec, true)
    if (subresource === 'ephemeralcontainers') checkEphemeralContainers(found, object, old)
    if (subresource === 'resize') checkResize(found, object, old)
    return found
  },
  warnings: podWarnings,
  graceSeconds({ spec, status }, asked) {
    // Nobody runs it (any more): it can go at once.
    if (!spec.nodeName || status?.phase === 'Succeeded' || status?.phase === 'Failed') return 0
    const seconds = asked ?? spec.terminationGracePeriodSeconds ?? 30
    return seconds < 0 ? 1 : seconds
  },
  columns: podColumns,
  selectableFields: {
    'spec.nodeName': ({ spec }) => spec.nodeName ?? '',
    'spec.restartPolicy': ({ spec }) => spec.restartPolicy ?? '',
    'spec.schedulerName': ({ spec }) => spec.schedulerName ?? '',
    'spec.serviceAccountName': ({ spec }) => spec.serviceAccountName ?? '',
    'spec.hostNetwork': ({ spec }) => String(spec.hostNetwork ?? false),
    'status.phase': ({ status }) => status?.phase ?? '',
    'status.podIP': ({ status }) => status?.podIPs?.[0]?.ip ?? status?.podIP ?? '',
    'status.podIPs': ({ status }) => (status?.podIPs ?? []).map(({ ip }) => ip).join(','),
    'status.nominatedNodeName': ({ status }) => status?.nominatedNodeName ?? '',
  },
})
