import { namespaces } from '../../api/resources.ts'
import { kindOf } from '../kind-of.ts'
import { notFound, objectKey } from '../registry.ts'
import type { AdmissionFactory } from './standard-admission.ts'

/** Nothing is written in a namespace that is not there, whatever the write. */
export const namespaceExists: AdmissionFactory = async ({ catalog, caches }) => {
  const kind = kindOf(catalog, namespaces)
  const cache = await caches.load(kind)
  return {
    name: 'NamespaceExists',
    validate({ namespace }) {
      if (namespace !== undefined && !cache.get(objectKey({ kind, namespace: undefined, name: namespace }))) throw notFound(kind, namespace)
    },
  }
}
