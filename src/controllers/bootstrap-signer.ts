import { createHmac } from 'node:crypto'
import { configMaps as mapsRef, secrets as secretsRef } from '../api/resources.ts'
import type { ConfigMap, Secret } from '../api/types/core-v1.ts'
import type { Clock } from '../base/clock.ts'
import type { Caches } from '../client/client.ts'
import { semanticEqual } from '../client/semantic-equal.ts'
import { unlessGone } from './api-errors.ts'
import { bootstrapToken, infoNamespace, tokensNamespace, tokenType } from './bootstrap-token.ts'
import { type Controller, watchOf } from './controller.ts'

const infoName = 'cluster-info'
const signaturePrefix = 'jws-kubeconfig-'

/**
 * What `cluster-info` has with a signature for each token by which somebody may join: a JWS (RFC 7515, HS256, detached) of
 * its kubeconfig, so that who has a token knows that it is this cluster's.
 */
export function signedInfo(data: Readonly<Record<string, string>>, secrets: readonly Secret[], nowMs: number): Record<string, string> {
  const rest = Object.entries(data).filter(([key]) => !key.startsWith(signaturePrefix))
  const { kubeconfig } = data
  if (kubeconfig === undefined) return { ...data }
  const signatures = secrets.flatMap((object): [string, string][] => {
    const token = bootstrapToken(object)
    if (!token?.isForSigning || object.metadata.deletionTimestamp !== undefined) return []
    if (token.endsMs !== undefined && token.endsMs <= nowMs) return []
    return [[`${signaturePrefix}${token.id}`, detachedSignature(kubeconfig, token)]]
  })
  return Object.fromEntries([...rest, ...signatures])
}

function detachedSignature(content: string, { id, secret }: { id: string; secret: string }): string {
  const header = Buffer.from(JSON.stringify({ alg: 'HS256', kid: id })).toString('base64url')
  const signature = createHmac('sha256', secret)
    .update(`${header}.${Buffer.from(content).toString('base64url')}`)
    .digest('base64url')
  return `${header}..${signature}`
}

/** Keeps the signatures of `kube-public/cluster-info`, where somebody has made it. */
export function bootstrapSigner({ caches, clock }: { caches: Caches; clock: Clock }): Controller<ConfigMap> {
  const secrets = caches.cache(secretsRef, { namespace: tokensNamespace, fieldSelector: `type=${tokenType}` })
  return {
    name: 'bootstrap-signer',
    primary: caches.cache(mapsRef, { namespace: infoNamespace, fieldSelector: `metadata.name=${infoName}` }),
    matters: (_, after) => after !== undefined,
    watches: [watchOf(secrets, () => [`${infoNamespace}/${infoName}`])],
    async reconcile(map, { cause }) {
      const before = map.data ?? {}
      const data = signedInfo(before, secrets.list(), clock.now())
      if (!semanticEqual(data, before)) await unlessGone(caches.client.resource(mapsRef).update({ ...map, data }, { cause }))
      return undefined
    },
  }
}
