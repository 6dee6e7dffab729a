import { serviceAccounts as accountsRef, secrets as secretsRef } from '../api/resources.ts'
import type { Secret } from '../api/types/core-v1.ts'
import type { Caches } from '../client/client.ts'
import { unlessGone } from './api-errors.ts'
import { type Controller, watchOf } from './controller.ts'

const tokenType = 'kubernetes.io/service-account-token'
const nameAnnotation = 'kubernetes.io/service-account.name'
const uidAnnotation = 'kubernetes.io/service-account.uid'
const accountIndex = 'service account'

/** Deletes token Secrets (the kind made by hand, since pods get theirs by request) whose service account is gone. */
export function tokenSecretsController({ caches }: { caches: Caches }): Controller<Secret> {
  const { client } = caches
  const accounts = caches.cache(accountsRef)
  const secrets = caches.cache(secretsRef)
  const isToken = ({ type }: Secret) => type === tokenType
  secrets.addIndex(accountIndex, (secret) =>
    isToken(secret) ? [`${secret.metadata.namespace}/${secret.metadata.annotations?.[nameAnnotation] ?? ''}`] : [],
  )
  return {
    name: 'serviceaccount-token-cleaner',
    primary: secrets,
    matters: (_, after) => after !== undefined && isToken(after),
    watches: [
      watchOf(accounts, (before, after) => {
        if (!before || after) return []
        const { namespace, name } = before.metadata
        return secrets.byIndex(accountIndex, `${namespace}/${name}`).map(({ metadata }) => `${metadata.namespace}/${metadata.name}`)
      }),
    ],
    async reconcile({ metadata }, { cause, signal }) {
      const { namespace, name, uid, annotations = {} } = metadata
      const accountName = annotations[nameAnnotation]
      if (accountName === undefined) return undefined
      // The cache may not know an account that was made a moment ago.
      const account =
        accounts.get(namespace, accountName) ?? (await unlessGone(client.resource(accountsRef).get(namespace, accountName, { signal })))
      const isMeant = account && [undefined, '', account.metadata.uid].includes(annotations[uidAnnotation])
      if (isMeant) return undefined
      const preconditions = uid === undefined ? {} : { preconditions: { uid } }
      await unlessGone(client.resource(secretsRef).delete(namespace, name, { ...preconditions, cause }))
      return undefined
    },
  }
}
