import type { Catalog } from '../api/catalog.ts'
import type { ResourceRef } from '../api/resource-ref.ts'
import { nodes, pods, secrets, serviceAccounts } from '../api/resources.ts'
import { hasReason } from '../api/status-error.ts'
import { kindOf } from './kind-of.ts'
import type { Registry } from './registry.ts'
import type { BoundObject, TokenSubject } from './service-account-tokens.ts'

const bindable: Readonly<Record<BoundObject['kind'], ResourceRef>> = { Pod: pods, Secret: secrets, Node: nodes }

/** Whether the account of a token, and what the token is bound to, are still the ones it was given for. */
export async function tokenSubjectExists(
  { registry, catalog }: { registry: Registry; catalog: Catalog },
  { namespace, name, uid, boundTo }: TokenSubject,
): Promise<boolean> {
  if (!(await isThere(serviceAccounts, namespace, name, uid))) return false
  return boundTo === undefined || isThere(bindable[boundTo.kind], namespace, boundTo.name, boundTo.uid)

  async function isThere(ref: ResourceRef, home: string, itsName: string, itsUid: string): Promise<boolean> {
    const kind = kindOf(catalog, ref)
    try {
      const { object } = await registry.get({ kind, namespace: kind.namespaced ? home : undefined, name: itsName })
      return object.metadata.uid === itsUid
    } catch (error) {
      if (!hasReason(error, 'NotFound')) throw error
      return false
    }
  }
}
