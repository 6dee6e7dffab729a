import { limitRanges } from '../../api/resources.ts'
import type { LimitRange, PersistentVolumeClaim, PodSpec } from '../../api/types/core-v1.ts'
import { kindOf } from '../kind-of.ts'
import { metadataOf } from '../registry.ts'
import { type AdmissionRequest, forbidden, isWriteOf } from './admission.ts'
import { joined } from './joined.ts'
import { claimProblems, podProblems, setDefaults } from './limit-rules.ts'
import { objectsByNamespace } from './objects-by-namespace.ts'
import type { AdmissionFactory } from './standard-admission.ts'

const annotation = 'kubernetes.io/limit-ranger'

/** What containers, pods and claims of a namespace have at least, at most, and when they do not say. */
export const limitRanger: AdmissionFactory = async ({ catalog, caches }) => {
  const limitsIn = objectsByNamespace<LimitRange>(await caches.load(kindOf(catalog, limitRanges)))
  const limitsFor = ({ namespace }: AdmissionRequest) => (namespace === undefined ? undefined : limitsIn(namespace))

  return {
    name: 'LimitRanger',
    mutate(request) {
      const { draft, operation } = request
      const ranges = limitsFor(request)
      if (!ranges || !draft || operation !== 'CREATE' || !isWriteOf(request, '', 'pods')) return
      for (const limits of ranges.values()) {
        const told = setDefaults(draft.spec as unknown as PodSpec, limits)
        if (told === '') continue
        const metadata = metadataOf(draft)
        metadata.annotations = { ...(metadata.annotations as object | undefined), [annotation]: told }
      }
    },
    validate(request) {
      const { draft, operation, old } = request
      const ranges = limitsFor(request)
      if (!ranges || !draft || operation === 'DELETE' || old?.metadata.deletionTimestamp !== undefined) return
      const problems = [...ranges.values()].flatMap((limits) => problemsOf(request, draft, limits))
      if (problems.length > 0) throw forbidden(request, joined(problems))
    },
  }
}

/** What containers have changes only by `resize`, once they are there. */
function problemsOf(request: AdmissionRequest, draft: object, limits: LimitRange): string[] {
  const { kind, operation, subresource } = request
  if (kind.group !== '') return []
  if (kind.plural === 'persistentvolumeclaims' && subresource === '') return claimProblems(draft as PersistentVolumeClaim, limits)
  const isPod = kind.plural === 'pods' && (operation === 'CREATE' ? subresource === '' : subresource === 'resize')
  return isPod ? podProblems((draft as { spec: PodSpec }).spec, limits) : []
}
