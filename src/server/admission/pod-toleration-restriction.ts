import { qosClassOfSpec } from '../../api/core/pod-qos.ts'
import { isJsonObject } from '../../api/merge-patch.ts'
import { namespaces as namespacesRef } from '../../api/resources.ts'
import type { PodSpec, Toleration } from '../../api/types/core-v1.ts'
import { kindOf } from '../kind-of.ts'
import { objectKey } from '../registry.ts'
import { type AdmissionRequest, forbidden } from './admission.ts'
import { isPodWrite } from './pod-write.ts'
import type { AdmissionFactory } from './standard-admission.ts'

const defaultsAnnotation = 'scheduler.alpha.kubernetes.io/defaultTolerations'
const allowedAnnotation = 'scheduler.alpha.kubernetes.io/tolerationsWhitelist'
/** Who asks for something stays on a node whose memory is short. */
const memoryPressure: Toleration = { key: 'node.kubernetes.io/memory-pressure', operator: 'Exists', effect: 'NoSchedule' }

/** What a namespace's pods tolerate unless they say otherwise, and at most. */
export const podTolerationRestriction: AdmissionFactory = async ({ catalog, caches, configuration }) => {
  const kind = kindOf(catalog, namespacesRef)
  const namespaces = await caches.load(kind)

  return {
    name: 'PodTolerationRestriction',
    mutate(request) {
      if (!isPodWrite(request)) return
      const spec = request.draft.spec as (PodSpec & { tolerations?: Toleration[] }) | undefined
      if (!spec) return
      const added = request.operation === 'CREATE' ? (listIn(request, defaultsAnnotation) ?? configured('default') ?? []) : []
      const pressure = qosClassOfSpec(spec) === 'BestEffort' ? [] : [memoryPressure]
      const merged = merge([...(spec.tolerations ?? []), ...added, ...pressure])
      if (merged.length > 0) spec.tolerations = merged
    },
    validate(request) {
      if (!isPodWrite(request)) return
      const allowed = listIn(request, allowedAnnotation) ?? configured('whitelist') ?? []
      const { tolerations = [] } = request.draft.spec as PodSpec
      if (allowed.length === 0 || tolerations.every((each) => allowed.some((other) => includes(other, each)))) return
      throw forbidden(request, 'pod tolerations (possibly merged with namespace default tolerations) conflict with its namespace whitelist')
    },
  }

  function configured(field: 'default' | 'whitelist'): readonly Toleration[] | undefined {
    const list = configuration?.[field]
    return Array.isArray(list) ? list.filter(isJsonObject) : undefined
  }

  function listIn(request: AdmissionRequest, annotation: string): readonly Toleration[] | undefined {
    const entry = namespaces.get(objectKey({ kind, namespace: undefined, name: request.namespace ?? '' }))
    const text = entry?.object.metadata.annotations?.[annotation]
    if (!text) return undefined
    try {
      const list: unknown = JSON.parse(text)
      return Array.isArray(list) ? list.filter(isJsonObject) : undefined
    } catch (error) {
      if (error instanceof SyntaxError)
        throw forbidden(request, `the annotation ${annotation} of its namespace cannot be read: ${error.message}`)
      throw error
    }
  }
}

/** Without those that others include; of equal ones the first stays. */
const merge = (tolerations: readonly Toleration[]): Toleration[] =>
  tolerations.filter(
    (each, index) =>
      !tolerations.some((other, place) => place !== index && includes(other, each) && (place < index || !includes(each, other))),
  )

/** Whether one tolerates all that another does, and as long. */
function includes(one: Toleration, other: Toleration): boolean {
  const isAll = (one.key ?? '') === '' && one.operator === 'Exists'
  if (!isAll && (one.key ?? '') !== (other.key ?? '')) return false
  if ((one.effect ?? '') !== '' && one.effect !== other.effect) return false
  if (one.effect === 'NoExecute' && one.tolerationSeconds !== undefined)
    if (other.tolerationSeconds === undefined || one.tolerationSeconds < other.tolerationSeconds) return false
  if (one.operator === 'Exists') return true
  return other.operator !== 'Exists' && (one.value ?? '') === (other.value ?? '')
}
