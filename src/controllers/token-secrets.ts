import { serviceAccounts as accountsRef, secrets as secretsRef } from '../api/resources.ts'
import type { Secret, ServiceAccount } from '../api/types/core-v1.ts'
import type { Caches } from '../client/client.ts'
import { unlessGone } from './api-errors.ts'
import { type Controller, watchOf } from './controller.ts'

const tokenType = 'kubernetes.io/service-account-token'
const nameAnnotation = 'kubernetes.io/service-account.name'
const uidAnnotation = 'kubernetes.io/service-account.uid'
const accountIndex = 'service account'

/** Signs a token that is good as long as it stands in the Secret. */
export type SignSecretToken = (account: { namespace: string; name: string; uid: string }, secret: string) => Promise<string>

/** What a token Secret of an account has to have and lacks; undefined: nothing. */
export function planTokenSecret(
  { data = {}, metadata }: Secret,
  account: ServiceAccount,
  certificate: string,
): { data: Readonly<Record<string, string>>; needsToken: boolean; annotations: Readonly<Record<string, string>> } | undefined {
  const wanted = { 'ca.crt': base64(certificate), namespace: base64(metadata.namespace ?? '') }
  const uid = account.metadata.uid ?? ''
  const needsToken = !data.token
  const isComplete = Object.entries(wanted).every(([key, value]) => data[key] === value) && metadata.annotations?.[uidAnnotation] === uid
  if (isComplete && !needsToken) return undefined
  return { data: { ...data, ...wanted }, needsToken, annotations: { ...metadata.annotations, [uidAnnotation]: uid } }
}

const base64 = (text: string) => Buffer.from(text).toString('base64')

/**
 * Fills token Secrets (the kind made by hand, since pods get theirs by request) with a token, the cluster's certificate and
 * the namespace, and deletes those whose service account is gone.
 */
export function tokenSecretsController({
  caches,
  sign,
  certificate,
}: {
  caches: Caches
  /** Left out: they are cleaned up, but not filled. */
  sign?: SignSecretToken
  certificate: string
}): Controller<Secret> {
  const { client } = caches
  const accounts = caches.cache(accountsRef)
  const secrets = caches.cache(secretsRef)
  const isToken = ({ type }: Secret) => type === tokenType
  secrets.addIndex(accountIndex, (secret) =>
    isToken(secret) ? [`${secret.metadata.namespace}/${secret.metadata.annotations?.[nameAnnotation] ?? ''}`] : [],
  )
  return {
    name: 'serviceaccount-token',
    primary: secrets,
    matters: (_, after) => after !== undefined && isToken(after),
    watches: [
      watchOf(accounts, (before, after) => {
        if (before && after) return []
        const { namespace, name } = (after ?? before)?.metadata ?? {}
        return secrets.byIndex(accountIndex, `${namespace}/${name}`).map(({ metadata }) => `${metadata.namespace}/${metadata.name}`)
      }),
    ],
    async reconcile(secret, { cause, signal }) {
      const { metadata } = secret
      const { namespace, name, uid, annotations = {} } = metadata
      const accountName = annotations[nameAnnotation]
      if (accountName === undefined) return undefined
      // The cache may not know an account that was made a moment ago.
      const account =
        accounts.get(namespace, accountName) ?? (await unlessGone(client.resource(accountsRef).get(namespace, accountName, { signal })))
      const isMeant = account && [undefined, '', account.metadata.uid].includes(annotations[uidAnnotation])
      if (isMeant) {
        await fill(secret, account, cause)
        return undefined
      }
      const preconditions = uid === undefined ? {} : { preconditions: { uid } }
      await unlessGone(client.resource(secretsRef).delete(namespace, name, { ...preconditions, cause }))
      return undefined
    },
  }

  async function fill(secret: Secret, account: ServiceAccount, cause: string): Promise<void> {
    const plan = planTokenSecret(secret, account, certificate)
    if (!plan || !sign || secret.metadata.deletionTimestamp !== undefined) return
    const { namespace = '', name } = secret.metadata
    const token = plan.needsToken && (await sign({ namespace, name: account.metadata.name, uid: account.metadata.uid ?? '' }, name))
    const data = { ...plan.data, ...(token && { token: base64(token) }) }
    const metadata = { ...secret.metadata, annotations: plan.annotations }
    await unlessGone(client.resource(secretsRef).update({ ...secret, data, metadata }, { cause }))
  }
}
