import { compareAmounts } from '../../api/core/pod-rules/resource-rules.ts'
import { storageClasses } from '../../api/resources.ts'
import type { PersistentVolumeClaim } from '../../api/types/core-v1.ts'
import type { StorageClass } from '../../api/types/storage-v1.ts'
import { kindOf } from '../kind-of.ts'
import { objectKey } from '../registry.ts'
import { forbidden, isWriteOf } from './admission.ts'
import { classAnnotation } from './default-storage-class.ts'
import type { AdmissionFactory } from './standard-admission.ts'

const sizeOf = ({ spec }: PersistentVolumeClaim) => spec.resources?.requests?.storage ?? '0'

/** A claim grows where its class says that its volumes can, once it is bound to one. */
export const persistentVolumeClaimResize: AdmissionFactory = async ({ catalog, caches }) => {
  const kind = kindOf(catalog, storageClasses)
  const classes = await caches.load(kind)
  return {
    name: 'PersistentVolumeClaimResize',
    validate(request) {
      const { operation, draft, old } = request
      if (operation !== 'UPDATE' || !draft || !old || !isWriteOf(request, '', 'persistentvolumeclaims')) return
      const [claim, before] = [draft as unknown as PersistentVolumeClaim, old as PersistentVolumeClaim]
      if (compareAmounts(sizeOf(claim), sizeOf(before)) <= 0) return
      if (before.status?.phase !== 'Bound') throw forbidden(request, 'Only bound persistent volume claims can be expanded')
      const name = claim.metadata.annotations?.[classAnnotation] ?? claim.spec.storageClassName ?? ''
      const found = classes.get(objectKey({ kind, namespace: undefined, name }))?.object as StorageClass | undefined
      if (found?.allowVolumeExpansion !== true)
        throw forbidden(
          request,
          'only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize',
        )
    },
  }
}
