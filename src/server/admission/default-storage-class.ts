import type { JsonObject } from '../../api/object.ts'
import { storageClasses } from '../../api/resources.ts'
import { kindOf } from '../kind-of.ts'
import { metadataOf } from '../registry.ts'
import { isWriteOf } from './admission.ts'
import { defaultClassIn } from './default-class.ts'
import type { AdmissionFactory } from './standard-admission.ts'

const defaultAnnotations = ['storageclass.kubernetes.io/is-default-class', 'storageclass.beta.kubernetes.io/is-default-class']
/** How claims named their class before they had a field for it. */
export const classAnnotation = 'volume.beta.kubernetes.io/storage-class'

/** A claim that names no class (the empty name is one) gets the default one, if there is any. */
export const defaultStorageClass: AdmissionFactory = async ({ catalog, caches }) => {
  const classes = await caches.load(kindOf(catalog, storageClasses))
  return {
    name: 'DefaultStorageClass',
    mutate(request) {
      const { operation, draft } = request
      if (operation !== 'CREATE' || !draft || !isWriteOf(request, '', 'persistentvolumeclaims')) return
      const spec = draft.spec as JsonObject | undefined
      const annotations = metadataOf(draft).annotations as Readonly<Record<string, string>> | undefined
      if (!spec || spec.storageClassName !== undefined || annotations?.[classAnnotation] !== undefined) return
      const chosen = defaultClassIn(classes, defaultAnnotations)
      if (chosen) spec.storageClassName = chosen.metadata.name
    },
  }
}
