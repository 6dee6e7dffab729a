import type { UserInfo } from '../../api/exchange.ts'
import { namespaces } from '../../api/resources.ts'
import { ensureObject } from '../ensure-object.ts'
import { kindOf } from '../kind-of.ts'
import { objectKey } from '../registry.ts'
import type { AdmissionFactory } from './standard-admission.ts'

/** A namespace comes into being with the first object that is made in it. */
export const namespaceAutoProvision: AdmissionFactory = async ({ catalog, caches, registry }) => {
  const kind = kindOf(catalog, namespaces)
  const cache = await caches.load(kind)
  return {
    name: 'NamespaceAutoProvision',
    mutate({ operation, namespace, user, dryRun }) {
      if (operation !== 'CREATE' || namespace === undefined || dryRun) return
      if (!cache.get(objectKey({ kind, namespace: undefined, name: namespace }))) return provision(namespace, user)
    },
  }

  function provision(name: string, user: UserInfo): Promise<void> {
    return ensureObject(registry(), kind, { apiVersion: 'v1', kind: 'Namespace', metadata: { name } }, { user, dryRun: false })
  }
}
