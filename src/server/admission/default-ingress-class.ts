import type { JsonObject } from '../../api/object.ts'
import { ingressClasses } from '../../api/resources.ts'
import { kindOf } from '../kind-of.ts'
import { metadataOf } from '../registry.ts'
import { isWriteOf } from './admission.ts'
import { defaultClassIn } from './default-class.ts'
import type { AdmissionFactory } from './standard-admission.ts'

const defaultAnnotations = ['ingressclass.kubernetes.io/is-default-class']
/** How ingresses named their class before they had a field for it. */
const classAnnotation = 'kubernetes.io/ingress.class'

/** An ingress that names no class gets the default one, if there is any. */
export const defaultIngressClass: AdmissionFactory = async ({ catalog, caches }) => {
  const classes = await caches.load(kindOf(catalog, ingressClasses))
  return {
    name: 'DefaultIngressClass',
    mutate(request) {
      const { operation, draft } = request
      if (operation !== 'CREATE' || !draft || !isWriteOf(request, 'networking.k8s.io', 'ingresses')) return
      const annotations = metadataOf(draft).annotations as Readonly<Record<string, string>> | undefined
      const spec = draft.spec as JsonObject | undefined
      if (spec?.ingressClassName !== undefined || annotations?.[classAnnotation] !== undefined) return
      const chosen = defaultClassIn(classes, defaultAnnotations)
      if (chosen) draft.spec = { ...spec, ingressClassName: chosen.metadata.name }
    },
  }
}
