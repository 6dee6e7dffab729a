import { createHash, createPrivateKey, createPublicKey, hash, type KeyObject } from 'node:crypto'
import { compactVerify, decodeJwt, errors, exportJWK, type JWK, SignJWT } from 'jose'
import { isJsonObject } from '../api/merge-patch.ts'
import type { JsonObject } from '../api/object.ts'
import { timestamp } from '../api/timestamp.ts'
import type { Clock } from '../base/clock.ts'
import type { Random } from '../base/random.ts'
import { RecentMap } from '../base/recent-map.ts'

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

/** What a token says that this cluster signed. */
export interface TokenClaims {
  readonly subject: TokenSubject
  /** Empty: for this API, whatever its name; only tokens of Secrets are so. */
  readonly audiences: readonly string[]
  readonly id?: string
  /** Seconds since the epoch; tokens of Secrets have neither. */
  readonly notBefore?: number
  readonly expires?: number
  /** From when on its bearer should have had a newer one. */
  readonly warnAfter?: number
}

export interface TokenWish {
  readonly audiences: readonly string[]
  readonly expirationSeconds: number
  /** Goes on being good for so long, though its bearer is told of `expirationSeconds`; a use beyond those is noted. */
  readonly extendedSeconds?: number
}

/** What is given to who asks for a token. */
export interface TokenPolicy {
  /** What this API is called: tokens that name no audience are for it. */
  readonly audiences: readonly string[]
  /** How long tokens last at most; left out: as long as they are asked for. */
  readonly maxExpirationSeconds?: number
  /** Whether tokens of pods that did not choose how long they last are good for a year, for programs that read theirs once. */
  readonly extendsExpiration: boolean
  /** Where others find the public keys; left out: at this server. */
  readonly keysUrl?: string
}

export interface ServiceAccountTokens {
  readonly issuer: string
  readonly policy: TokenPolicy
  issue(subject: TokenSubject, wish: TokenWish): Promise<{ token: string; expirationTimestamp: string; id: string }>
  /** One that stands in a Secret and is good as long as that is there. */
  issueForSecret(subject: TokenSubject & { readonly boundTo: BoundObject }): Promise<string>
  /** What a token says that we signed, whether it is still good or not; undefined for others. At once when it was read before. */
  read(token: string): TokenClaims | undefined | Promise<TokenClaims | undefined>
  /** The public keys by which others know our tokens (RFC 7517). */
  keys(): Promise<readonly JWK[]>
}

export const defaultIssuer = 'https://kubernetes.default.svc.cluster.local'
/** Who signs tokens of Secrets, as upstream has it. */
const secretIssuer = 'kubernetes/serviceaccount'
const secretPrefix = 'kubernetes.io/serviceaccount'
const algorithm = 'ES256'
/** Tokens whose signature need not be checked again. */
const rememberedTokens = 4096

/** JWTs in the shape that Kubernetes gives them (KEP-1205), signed by a key (PKCS #8 PEM, EC P-256) of the cluster's own. */
export function serviceAccountTokens({
  key,
  issuer,
  policy = { audiences: [issuer], extendsExpiration: true },
  clock,
  random,
}: {
  key: string
  issuer: string
  policy?: TokenPolicy
  clock: Clock
  random: Random
}): ServiceAccountTokens {
  const privateKey: KeyObject = createPrivateKey(key)
  const publicKey = createPublicKey(privateKey)
  const keyId = createHash('sha256')
    .update(publicKey.export({ type: 'spki', format: 'der' }))
    .digest('base64url')
  const known = new RecentMap<string, TokenClaims>(rememberedTokens)
  const signed = (claims: JsonObject) => new SignJWT(claims).setProtectedHeader({ alg: algorithm, kid: keyId })

  return {
    issuer,
    policy,

    async issue(subject, { audiences, expirationSeconds, extendedSeconds }) {
      const nowSeconds = Math.floor(clock.now() / 1000)
      const expiresSeconds = nowSeconds + expirationSeconds
      const id = random.uuid()
      const bound = {
        ...(subject.node && { node: subject.node }),
        ...(subject.boundTo && { [subject.boundTo.kind.toLowerCase()]: { name: subject.boundTo.name, uid: subject.boundTo.uid } }),
        ...(extendedSeconds !== undefined && { warnafter: expiresSeconds }),
      }
      const token = await signed({
        'kubernetes.io': { namespace: subject.namespace, serviceaccount: { name: subject.name, uid: subject.uid }, ...bound },
      })
        .setIssuer(issuer)
        .setSubject(accountUserName(subject))
        .setAudience([...audiences])
        .setIssuedAt(nowSeconds)
        .setNotBefore(nowSeconds)
        .setExpirationTime(nowSeconds + (extendedSeconds ?? expirationSeconds))
        .setJti(id)
        .sign(privateKey)
      return { token, expirationTimestamp: timestamp(expiresSeconds * 1000), id }
    },

    issueForSecret: (subject) =>
      signed({
        [`${secretPrefix}/namespace`]: subject.namespace,
        [`${secretPrefix}/secret.name`]: subject.boundTo.name,
        [`${secretPrefix}/service-account.name`]: subject.name,
        [`${secretPrefix}/service-account.uid`]: subject.uid,
      })
        .setIssuer(secretIssuer)
        .setSubject(accountUserName(subject))
        .sign(privateKey),

    read(token) {
      const digest = hash('sha256', token, 'base64')
      return known.get(digest) ?? readFirst(token, digest)
    },

    keys: async () => [{ ...(await exportJWK(publicKey)), use: 'sig', kid: keyId, alg: algorithm }],
  }

  async function readFirst(token: string, digest: string): Promise<TokenClaims | undefined> {
    try {
      // Others' tokens are not worth looking at their signatures.
      const { iss } = decodeJwt(token)
      if (iss !== issuer && iss !== secretIssuer) return undefined
      const { payload } = await compactVerify(token, publicKey, { algorithms: [algorithm] })
      const claims = claimsOf(JSON.parse(new TextDecoder().decode(payload)))
      if (claims) known.set(digest, claims)
      return claims
    } catch (error) {
      if (error instanceof errors.JOSEError || error instanceof SyntaxError) return undefined
      throw error
    }
  }
}

/** The user that a service account is. */
export const accountUserName = ({ namespace, name }: Pick<TokenSubject, 'namespace' | 'name'>) =>
  `system:serviceaccount:${namespace}:${name}`

/** What is signed by us may still come from an older Sampan, in another shape. */
function claimsOf(payload: unknown): TokenClaims | undefined {
  if (!isJsonObject(payload)) return undefined
  const claims = payload.iss === secretIssuer ? secretClaims(payload) : boundClaims(payload)
  return claims && payload.sub === accountUserName(claims.subject) ? claims : undefined
}

function secretClaims(payload: JsonObject): TokenClaims | undefined {
  const [namespace, secret, name, uid] = ['namespace', 'secret.name', 'service-account.name', 'service-account.uid'].map((part) => {
    const value = payload[`${secretPrefix}/${part}`]
    return typeof value === 'string' ? value : ''
  })
  if (!namespace || !secret || !name || !uid) return undefined
  return { subject: { namespace, name, uid, boundTo: { kind: 'Secret', name: secret, uid: '' } }, audiences: [] }
}

function boundClaims(payload: JsonObject): TokenClaims | undefined {
  const claim = payload['kubernetes.io']
  if (!isJsonObject(claim)) return undefined
  const { namespace, serviceaccount, pod, secret, node, warnafter } = claim
  const account = named(serviceaccount)
  const notBefore = numberIn(payload.nbf)
  const expires = numberIn(payload.exp)
  if (typeof namespace !== 'string' || !account || expires === undefined) return undefined
  const [boundPod, boundSecret, boundNode] = [named(pod), named(secret), named(node)]
  const boundTo: BoundObject | undefined = boundPod
    ? { kind: 'Pod', ...boundPod }
    : boundSecret
      ? { kind: 'Secret', ...boundSecret }
      : boundNode && { kind: 'Node', ...boundNode }
  const warnAfter = numberIn(warnafter)
  return {
    subject: { namespace, ...account, ...(boundTo && { boundTo }), ...(boundPod && boundNode && { node: boundNode }) },
    audiences: [payload.aud ?? []].flat().filter((audience) => typeof audience === 'string'),
    ...(typeof payload.jti === 'string' && { id: payload.jti }),
    ...(notBefore !== undefined && { notBefore }),
    expires,
    ...(warnAfter !== undefined && { warnAfter }),
  }
}

const numberIn = (value: unknown) => (typeof value === 'number' ? value : undefined)

const named = (value: unknown) =>
  isJsonObject(value) && typeof value.name === 'string' && typeof value.uid === 'string' ? { name: value.name, uid: value.uid } : undefined
