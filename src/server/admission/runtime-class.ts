import { jsonEqual } from '../../api/json-equal.ts'
import { runtimeClasses } from '../../api/resources.ts'
import type { PodSpec, Toleration } from '../../api/types/core-v1.ts'
import type { RuntimeClass } from '../../api/types/node-v1.ts'
import { kindOf } from '../kind-of.ts'
import { objectKey } from '../registry.ts'
import { type AdmissionRequest, forbidden } from './admission.ts'
import { isPodWrite } from './pod-write.ts'
import type { AdmissionFactory } from './standard-admission.ts'

type Draft = { -readonly [Key in keyof PodSpec]?: PodSpec[Key] }

/** What a pod's runtime takes for itself (KEP-688), and on which nodes there is one (KEP-585). */
export const runtimeClass: AdmissionFactory = async ({ catalog, caches }) => {
  const kind = kindOf(catalog, runtimeClasses)
  const classes = await caches.load(kind)
  return {
    name: 'RuntimeClass',
    mutate(request) {
      if (request.operation !== 'CREATE' || !isPodWrite(request)) return
      const spec = request.draft.spec as Draft | undefined
      const found = spec && classOf(request, spec)
      if (!spec || !found) return
      addOverhead(request, spec, found)
      addScheduling(request, spec, found)
    },
    validate(request) {
      if (request.operation !== 'CREATE' || !isPodWrite(request)) return
      const spec = request.draft.spec as Draft
      if (spec.overhead && !spec.runtimeClassName)
        throw forbidden(request, 'pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead')
    },
  }

  function classOf(request: AdmissionRequest, { runtimeClassName: name }: Draft): RuntimeClass | undefined {
    if (!name) return undefined
    const entry = classes.get(objectKey({ kind, namespace: undefined, name }))
    if (!entry) throw forbidden(request, `pod rejected: RuntimeClass "${name}" not found`)
    return entry.object as RuntimeClass
  }
}

function addOverhead(request: AdmissionRequest, spec: Draft, { overhead }: RuntimeClass): void {
  const fixed = overhead?.podFixed
  if (fixed && spec.overhead === undefined) spec.overhead = { ...fixed }
  else if (!jsonEqual(fixed ?? {}, spec.overhead ?? {}))
    throw forbidden(request, "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead")
}

function addScheduling(request: AdmissionRequest, spec: Draft, { scheduling }: RuntimeClass): void {
  if (!scheduling) return
  for (const [key, value] of Object.entries(scheduling.nodeSelector ?? {})) {
    const own = spec.nodeSelector?.[key]
    if (own !== undefined && own !== value)
      throw forbidden(request, `conflict: runtimeClass.scheduling.nodeSelector[${key}] = ${value}; pod.spec.nodeSelector[${key}] = ${own}`)
  }
  if (scheduling.nodeSelector) spec.nodeSelector = { ...spec.nodeSelector, ...scheduling.nodeSelector }
  const added = (scheduling.tolerations ?? []).filter((toleration) => !spec.tolerations?.some((own) => isSame(own, toleration)))
  if (added.length > 0) spec.tolerations = [...(spec.tolerations ?? []), ...added]
}

const isSame = (one: Toleration, other: Toleration) =>
  one.key === other.key &&
  one.operator === other.operator &&
  one.value === other.value &&
  one.effect === other.effect &&
  one.tolerationSeconds === other.tolerationSeconds
