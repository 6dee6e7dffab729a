import { qualifiedResource } from '../../api/resource-ref.ts'
import { namespaces as namespacesRef } from '../../api/resources.ts'
import { StatusError } from '../../api/status-error.ts'
import { kindOf } from '../kind-of.ts'
import { notFound, objectKey } from '../registry.ts'
import { forbidden } from './admission.ts'
import type { AdmissionFactory } from './standard-admission.ts'

/** Namespaces that nobody may delete. */
const immortal: ReadonlySet<string> = new Set(['default', 'kube-system', 'kube-public'])

/** Nothing is made in a namespace that is not there or is on its way out, and some namespaces stay. */
export const namespaceLifecycle: AdmissionFactory = async ({ catalog, caches }) => {
  const kind = kindOf(catalog, namespacesRef)
  const namespaces = await caches.load(kind)
  return {
    name: 'NamespaceLifecycle',
    mutate(request) {
      const { namespace, name } = request
      if (request.operation !== 'CREATE' || namespace === undefined) return
      const home = namespaces.get(objectKey({ kind, namespace: undefined, name: namespace }))
      if (!home) throw notFound(kind, namespace)
      if (home.object.metadata.deletionTimestamp === undefined) return
      throw new StatusError(
        'Forbidden',
        `${qualifiedResource(request.kind)} "${name}" is forbidden: unable to create new content in namespace ${namespace} because it is being terminated`,
        {
          name,
          ...(request.kind.group && { group: request.kind.group }),
          kind: request.kind.plural,
          causes: [{ reason: 'NamespaceTerminating', message: `namespace ${namespace} is being terminated`, field: 'metadata.namespace' }],
        },
      )
    },
    validate(request) {
      if (request.operation === 'DELETE' && request.kind === kind && immortal.has(request.name))
        throw forbidden(request, 'this namespace may not be deleted')
    },
  }
}
