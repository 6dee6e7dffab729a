import type { JsonObject } from '../../api/object.ts'
import { priorityClasses } from '../../api/resources.ts'
import type { PodSpec } from '../../api/types/core-v1.ts'
import type { PriorityClass } from '../../api/types/scheduling-v1.ts'
import { kindOf } from '../kind-of.ts'
import { objectKey } from '../registry.ts'
import { type AdmissionRequest, forbidden } from './admission.ts'
import { isPodWrite } from './pod-write.ts'
import type { AdmissionFactory } from './standard-admission.ts'

/** The number and the preemption policy behind a pod's priority class; at most one class is everybody's default. */
export const priority: AdmissionFactory = async ({ catalog, caches }) => {
  const kind = kindOf(catalog, priorityClasses)
  const classes = await caches.load(kind)
  return {
    name: 'Priority',
    mutate(request) {
      if (request.operation === 'CREATE' && isPodWrite(request)) resolve(request)
    },
    validate(request) {
      const { draft, subresource } = request
      if (request.kind !== kind || subresource !== '' || draft?.globalDefault !== true) return
      const other = defaultClass()
      if (other && other.metadata.name !== request.name)
        throw forbidden(request, `PriorityClass ${other.metadata.name} is already marked as default. Only one default can exist`)
    },
  }

  function resolve(request: AdmissionRequest & { draft: JsonObject }): void {
    const spec = request.draft.spec as Partial<PodSpec> | undefined
    if (!spec) return
    const found = classOf(request, spec)
    const value = found?.value ?? 0
    const policy = found?.preemptionPolicy ?? 'PreemptLowerPriority'
    if (spec.priority !== undefined && spec.priority !== value)
      throw forbidden(
        request,
        `the integer value of priority (${spec.priority}) must not be provided in pod spec; priority admission controller computed ${value} from the given PriorityClass name`,
      )
    if (spec.preemptionPolicy !== undefined && spec.preemptionPolicy !== policy)
      throw forbidden(
        request,
        `the string value of PreemptionPolicy (${spec.preemptionPolicy}) must not be provided in pod spec; priority admission controller computed ${policy} from the given PriorityClass name`,
      )
    if (found) spec.priorityClassName = found.metadata.name
    spec.priority = value
    spec.preemptionPolicy = policy
  }

  function classOf(request: AdmissionRequest, { priorityClassName: name }: Partial<PodSpec>): PriorityClass | undefined {
    if (name === undefined || name === '') return defaultClass()
    const entry = classes.get(objectKey({ kind, namespace: undefined, name }))
    if (!entry) throw forbidden(request, `no PriorityClass with name ${name} was found`)
    return entry.object as PriorityClass
  }

  /** Of several (they may have been made at once) the lowest, as upstream chooses. */
  function defaultClass(): PriorityClass | undefined {
    let lowest: PriorityClass | undefined
    for (const { object } of classes.range(classes.prefix)) {
      const candidate = object as PriorityClass
      if (candidate.globalDefault === true && (!lowest || (candidate.value ?? 0) < (lowest.value ?? 0))) lowest = candidate
    }
    return lowest
  }
}
