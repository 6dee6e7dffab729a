import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto'
import { errors, jwtVerify, SignJWT } from 'jose'
import type { UserInfo } from '../api/exchange.ts'
import { timestamp } from '../api/timestamp.ts'
import type { Clock } from '../base/clock.ts'
import type { Random } from '../base/random.ts'

/** What a token is bound to; it stops being good when the object goes. */
export interface BoundObject {
  readonly kind: 'Pod' | 'Secret' | 'Node'
  readonly name: string
  readonly uid: string
}

export interface TokenSubject {
  readonly namespace: string
  readonly name: string
  readonly uid: string
  readonly boundTo?: BoundObject
  /** Where a bound pod runs; tells, does not bind. */
  readonly node?: { readonly name: string; readonly uid: string }
}

export interface ServiceAccountTokens {
  /** The audience of tokens that name none: this API. */
  readonly issuer: string
  issue(
    subject: TokenSubject,
    audiences: readonly string[],
    expirationSeconds: number,
  ): Promise<{ token: string; expirationTimestamp: string }>
  /** The service account of a token that we signed, that has not expired and is meant for this API; undefined otherwise. */
  verify(token: string): Promise<UserInfo | undefined>
}

/** JWTs in the shape that Kubernetes gives them (KEP-1205), signed by a key (PKCS #8 PEM, EC P-256) of the cluster's own. */
export function serviceAccountTokens({
  key,
  issuer,
  stillExists,
  clock,
  random,
}: {
  key: string
  issuer: string
  /** Whether the service account and the object a token is bound to are still there with the same uids. */
  stillExists: (subject: TokenSubject) => boolean | Promise<boolean>
  clock: Clock
  random: Random
}): ServiceAccountTokens {
  const privateKey: KeyObject = createPrivateKey(key)
  const publicKey = createPublicKey(privateKey)
  return {
    issuer,

    async issue(subject, audiences, expirationSeconds) {
      const nowSeconds = Math.floor(clock.now() / 1000)
      const expiresSeconds = nowSeconds + expirationSeconds
      const bound = {
        ...(subject.node && { node: subject.node }),
        ...(subject.boundTo && { [subject.boundTo.kind.toLowerCase()]: { name: subject.boundTo.name, uid: subject.boundTo.uid } }),
      }
      const token = await new SignJWT({
        'kubernetes.io': { namespace: subject.namespace, serviceaccount: { name: subject.name, uid: subject.uid }, ...bound },
      })
        .setProtectedHeader({ alg: 'ES256' })
        .setIssuer(issuer)
        .setSubject(userName(subject))
        .setAudience(audiences.length > 0 ? [...audiences] : [issuer])
        .setIssuedAt(nowSeconds)
        .setNotBefore(nowSeconds)
        .setExpirationTime(expiresSeconds)
        .setJti(random.uuid())
        .sign(privateKey)
      return { token, expirationTimestamp: timestamp(expiresSeconds * 1000) }
    },

    async verify(token) {
      try {
        const { payload } = await jwtVerify(token, publicKey, {
          issuer,
          audience: issuer,
          algorithms: ['ES256'],
          currentDate: new Date(clock.now()),
        })
        const subject = subjectOf(payload['kubernetes.io'])
        if (!subject || payload.sub !== userName(subject) || !(await stillExists(subject))) return undefined
        return userOf(subject, payload.jti)
      } catch (error) {
        if (error instanceof errors.JOSEError) return undefined
        throw error
      }
    },
  }
}

const userName = ({ namespace, name }: TokenSubject) => `system:serviceaccount:${namespace}:${name}`

function userOf(subject: TokenSubject, id: string | undefined): UserInfo {
  const pod = subject.boundTo?.kind === 'Pod' ? subject.boundTo : undefined
  return {
    name: userName(subject),
    uid: subject.uid,
    groups: ['system:serviceaccounts', `system:serviceaccounts:${subject.namespace}`, 'system:authenticated'],
    extra: {
      ...(id !== undefined && { 'authentication.kubernetes.io/credential-id': [`JTI=${id}`] }),
      ...(pod && { 'authentication.kubernetes.io/pod-name': [pod.name], 'authentication.kubernetes.io/pod-uid': [pod.uid] }),
    },
  }
}

interface Claim {
  namespace?: unknown
  serviceaccount?: Named
  pod?: Named
  secret?: Named
  node?: Named
}
interface Named {
  name?: unknown
  uid?: unknown
}

/** The claim is signed by us, but an older Sampan may have written another shape. */
function subjectOf(claim: unknown): TokenSubject | undefined {
  if (typeof claim !== 'object' || claim === null) return undefined
  const { namespace, serviceaccount, ...bound }: Claim = claim
  const account = named(serviceaccount)
  if (typeof namespace !== 'string' || !account) return undefined
  const boundTo = (['Pod', 'Secret', 'Node'] as const).flatMap((kind) => {
    const found = named(bound[kind === 'Pod' ? 'pod' : kind === 'Secret' ? 'secret' : 'node'])
    return found ? [{ kind, ...found }] : []
  })[0]
  return { namespace, ...account, ...(boundTo && { boundTo }) }
}

const named = (value: Named | undefined) =>
  typeof value?.name === 'string' && typeof value.uid === 'string' ? { name: value.name, uid: value.uid } : undefined
