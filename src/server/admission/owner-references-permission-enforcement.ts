import type { Catalog } from '../../api/catalog.ts'
import { jsonEqual } from '../../api/json-equal.ts'
import type { OwnerReference } from '../../api/types/meta-v1.ts'
import type { Decision } from '../authorization/authorizer.ts'
import { metadataOf } from '../registry.ts'
import { type AdmissionRequest, forbidden } from './admission.ts'
import type { AdmissionFactory } from './standard-admission.ts'

/** Who says whom an object goes with could delete it; who lets it hold up its owner's deletion could do that by a finalizer. */
export const ownerReferencesPermissionEnforcement: AdmissionFactory = ({ catalog, authorize }) => {
  return {
    name: 'OwnerReferencesPermissionEnforcement',
    validate(request) {
      const { draft, old, operation, subresource } = request
      if (!draft || operation === 'DELETE' || subresource === 'status') return
      const now = (metadataOf(draft).ownerReferences ?? []) as readonly OwnerReference[]
      const before = old?.metadata.ownerReferences ?? []
      if (jsonEqual(now, before)) return
      return check(request, now, before)
    },
  }

  async function check(request: AdmissionRequest, now: readonly OwnerReference[], before: readonly OwnerReference[]): Promise<void> {
    const { kind, namespace = '', name, operation, user } = request
    // Who makes an object says whom it goes with; later it takes the right to delete it.
    if (operation === 'UPDATE') {
      const attributes = { type: 'resource', verb: 'delete', group: kind.group, version: kind.version, resource: kind.plural } as const
      const decision = await authorize(user, { ...attributes, subresource: '', namespace, name })
      if (decision.type !== 'allow') throw forbidden(request, `cannot set an ownerRef on a resource you can't delete: ${why(decision)}`)
    }
    const wasBlocking = new Set(before.filter(({ blockOwnerDeletion }) => blockOwnerDeletion).map(({ uid }) => uid))
    for (const reference of now) {
      if (!reference.blockOwnerDeletion || wasBlocking.has(reference.uid)) continue
      const decision = await authorize(user, { ...ownerOf(catalog, request, reference), verb: 'update', subresource: 'finalizers' })
      if (decision.type !== 'allow')
        throw forbidden(
          request,
          `cannot set blockOwnerDeletion if an ownerReference refers to a resource you can't set finalizers on: ${why(decision)}`,
        )
    }
  }
}

const why = ({ reason }: Decision) => `${reason}, <nil>`

function ownerOf(catalog: Catalog, request: AdmissionRequest, { apiVersion, kind, name }: OwnerReference) {
  const slash = apiVersion.indexOf('/')
  const [group, version] = slash < 0 ? ['', apiVersion] : [apiVersion.slice(0, slash), apiVersion.slice(slash + 1)]
  const owner = catalog.byKind(group, version, kind)
  if (!owner)
    throw forbidden(
      request,
      `cannot set blockOwnerDeletion in this case because cannot find RESTMapping for APIVersion ${apiVersion} Kind ${kind}: no matches for kind "${kind}" in version "${apiVersion}"`,
    )
  return {
    type: 'resource',
    group,
    version,
    resource: owner.plural,
    namespace: owner.namespaced ? (request.namespace ?? '') : '',
    name,
  } as const
}
