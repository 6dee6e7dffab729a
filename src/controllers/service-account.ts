import { serviceAccounts as accountsRef, namespaces as namespacesRef } from '../api/resources.ts'
import { hasReason } from '../api/status-error.ts'
import type { Namespace } from '../api/types/core-v1.ts'
import type { Caches } from '../client/client.ts'
import { isNamespaceTerminating } from './api-errors.ts'
import { type Controller, watchOf } from './controller.ts'

/** Which pods run as when they name none. */
const accountName = 'default'

/** Sees to it that each namespace has its default service account. */
export function serviceAccountController({ caches }: { caches: Caches }): Controller<Namespace> {
  const accounts = caches.cache(accountsRef)
  return {
    name: 'serviceaccount',
    primary: caches.cache(namespacesRef),
    matters: isNewlyThere,
    watches: [
      watchOf(accounts, (before, after) =>
        before && !after && before.metadata.name === accountName ? [before.metadata.namespace ?? ''] : [],
      ),
    ],
    async reconcile({ metadata }, { cause }) {
      if (metadata.deletionTimestamp !== undefined || accounts.get(metadata.name, accountName)) return undefined
      try {
        await caches.client.resource(accountsRef).create({ metadata: { name: accountName, namespace: metadata.name } }, { cause })
      } catch (error) {
        if (!hasReason(error, 'AlreadyExists') && !isNamespaceTerminating(error)) throw error
      }
      return undefined
    },
  }
}

/** What stands in each namespace is made when it comes. */
export const isNewlyThere = (before: Namespace | undefined, after: Namespace | undefined): boolean =>
  before === undefined && after !== undefined
