import type { KubeObject } from '../../api/object.ts'
import type { ResourceRef } from '../../api/resource-ref.ts'
import { nodes, pods, secrets, serviceAccounts } from '../../api/resources.ts'
import { timeOf } from '../../api/timestamp.ts'
import type { Secret } from '../../api/types/core-v1.ts'
import type { BoundObject, TokenClaims } from '../service-account-tokens.ts'

/** An object as it is now; undefined when it is not there. The namespace is ignored where the resource has none. */
export type FindObject = (ref: ResourceRef, namespace: string, name: string) => KubeObject | undefined

const boundResources: Readonly<Record<BoundObject['kind'], ResourceRef>> = { Pod: pods, Secret: secrets, Node: nodes }

/** Clocks differ, and what is being deleted still has some work to do: upstream's minute. */
const leewaySeconds = 60
const invalidSinceLabel = 'kubernetes.io/legacy-token-invalid-since'
const invalidated = 'service account token has been invalidated'

/** Why a token of a service account is not good (any more), in upstream's words. */
export function tokenProblem(token: string, claims: TokenClaims, find: FindObject, nowMs: number): string | undefined {
  const { subject, expires, notBefore } = claims
  const { namespace, name, uid, boundTo } = subject
  const nowSeconds = nowMs / 1000
  if (expires !== undefined && nowSeconds > expires + leewaySeconds) return 'service account token has expired'
  if (notBefore !== undefined && nowSeconds < notBefore - leewaySeconds) return 'service account token is not valid yet'
  const account = find(serviceAccounts, namespace, name)
  if (!account) return `serviceaccounts "${name}" not found`
  if (isLeaving(account)) return invalidated
  if (account.metadata.uid !== uid) return `service account UID (${account.metadata.uid ?? ''}) does not match claim (${uid})`
  if (!boundTo) return undefined
  const object = find(boundResources[boundTo.kind], namespace, boundTo.name)
  if (!object || isLeaving(object)) return invalidated
  if (expires === undefined) return secretProblem(token, object)
  const kind = boundTo.kind.toLowerCase()
  return object.metadata.uid === boundTo.uid
    ? undefined
    : `${kind} UID (${object.metadata.uid ?? ''}) does not match service account ${kind} ref claim (${boundTo.uid})`

  function isLeaving({ metadata }: KubeObject): boolean {
    const deletedMs = timeOf(metadata.deletionTimestamp)
    // Tokens without an end have no leeway.
    const leewayMs = expires === undefined ? 0 : leewaySeconds * 1000
    return deletedMs !== undefined && deletedMs <= nowMs - leewayMs
  }
}

/** A token without an end is good while it stands in its Secret. */
function secretProblem(token: string, secret: Secret): string | undefined {
  if (secret.data?.token === undefined || Buffer.from(secret.data.token, 'base64').toString() !== token) return invalidated
  const since = secret.metadata.labels?.[invalidSinceLabel]
  return since
    ? `the token in secret ${secret.metadata.namespace ?? ''}/${secret.metadata.name} for service account ${secret.metadata.namespace ?? ''}/${secret.metadata.annotations?.['kubernetes.io/service-account.name'] ?? ''} has been marked invalid. Use tokens from the TokenRequest API or manually created secret-based tokens, or remove the '${invalidSinceLabel}' label from the secret to temporarily allow use of this token`
    : undefined
}
