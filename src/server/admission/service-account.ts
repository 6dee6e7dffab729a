import type { JsonObject } from '../../api/object.ts'
import { serviceAccounts } from '../../api/resources.ts'
import type { Container, PodSpec, ServiceAccount, Volume } from '../../api/types/core-v1.ts'
import type { Clock } from '../../base/clock.ts'
import { nameSuffix, type Random } from '../../base/random.ts'
import { kindOf } from '../kind-of.ts'
import { objectKey } from '../registry.ts'
import type { CacheEntry, WatchCache } from '../watch-cache.ts'
import { type AdmissionRequest, forbidden } from './admission.ts'
import { isPodWrite } from './pod-write.ts'
import type { AdmissionFactory } from './standard-admission.ts'

/** Where programs look for their credentials. */
export const apiTokenMountPath = '/var/run/secrets/kubernetes.io/serviceaccount'
const volumePrefix = 'kube-api-access-'
const mirrorAnnotation = 'kubernetes.io/config.mirror'
/** How long a pod waits for its namespace's default account, which a controller makes right after the namespace. */
const defaultAccountWaitMs = 1500
/** Just over an hour, which says that nobody chose it (KEP-1205). */
const tokenSeconds = 3607

type Draft<T> = { -readonly [Key in keyof T]?: T[Key] }

/** Every pod runs as a service account that is there, and finds its token, the cluster's CA and its namespace in a volume. */
export const serviceAccount: AdmissionFactory = async ({ catalog, caches, clock, random }) => {
  const kind = kindOf(catalog, serviceAccounts)
  const accounts = await caches.load(kind)

  return {
    name: 'ServiceAccount',
    mutate(request) {
      if (request.operation !== 'CREATE' || !isPodWrite(request)) return
      const { draft } = request
      const spec = draft.spec as Draft<PodSpec> | undefined
      if (!spec || isMirror(draft)) return
      const name = spec.serviceAccountName || 'default'
      spec.serviceAccountName = name
      spec.serviceAccount = name
      const key = objectKey({ kind, namespace: request.namespace, name })
      const entry = accounts.get(key)
      if (entry) return equip(spec, entry.object as ServiceAccount, random)
      if (name !== 'default') throw missing(request, name)
      return appearing(accounts, key, clock).then((found) => {
        if (!found) throw missing(request, name)
        equip(spec, found.object as ServiceAccount, random)
      })
    },
    validate(request) {
      if (request.operation === 'CREATE' && isPodWrite(request) && isMirror(request.draft)) checkMirror(request, request.draft)
    },
  }
}

/** What an account gives to a pod: a token unless one of them says no, and the secrets for pulling images. */
export function equip(spec: Draft<PodSpec>, account: ServiceAccount, random: Random): void {
  if (spec.automountServiceAccountToken ?? account.automountServiceAccountToken ?? true) mountToken(spec, random)
  if ((spec.imagePullSecrets ?? []).length === 0 && account.imagePullSecrets) spec.imagePullSecrets = [...account.imagePullSecrets]
}

function mountToken(spec: Draft<PodSpec>, random: Random): void {
  const existing = spec.volumes?.find(({ name }) => name.startsWith(volumePrefix))
  const name = existing?.name ?? `${volumePrefix}${nameSuffix(random)}`
  let isMounted = false
  for (const container of [...(spec.initContainers ?? []), ...(spec.containers ?? [])] as Draft<Container>[]) {
    const mounts = container.volumeMounts ?? []
    // A mount of the pod's own at that place wins.
    if (mounts.some(({ mountPath }) => mountPath === apiTokenMountPath)) continue
    container.volumeMounts = [...mounts, { name, readOnly: true, mountPath: apiTokenMountPath }]
    isMounted = true
  }
  if (isMounted && !existing) spec.volumes = [...(spec.volumes ?? []), tokenVolume(name)]
}

const tokenVolume = (name: string): Volume => ({
  name,
  projected: {
    sources: [
      { serviceAccountToken: { expirationSeconds: tokenSeconds, path: 'token' } },
      { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
      { downwardAPI: { items: [{ path: 'namespace', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' } }] } },
    ],
    defaultMode: 0o644,
  },
})

/** The entry of a key as soon as the cache has it, undefined when it does not come in time. */
function appearing(cache: WatchCache, key: string, clock: Clock): Promise<CacheEntry | undefined> {
  return new Promise((resolve) => {
    const finish = () => {
      cancel()
      stop()
      resolve(cache.get(key))
    }
    const cancel = clock.after(defaultAccountWaitMs, finish)
    const { stop } = cache.watch(
      { prefix: key, filter: (entry) => entry.key === key, after: cache.revision(), bookmarks: false, markInitialEnd: false },
      {
        event() {
          finish()
          return false
        },
        end: finish,
      },
    )
  })
}

const missing = (request: AdmissionRequest, name: string) =>
  forbidden(request, `error looking up service account ${request.namespace}/${name}: serviceaccount "${name}" not found`)

const isMirror = (draft: JsonObject) =>
  (draft.metadata as { annotations?: Record<string, string> } | undefined)?.annotations?.[mirrorAnnotation] !== undefined

/** A mirror pod shows what a kubelet runs from a file: it must not lead the kubelet to anything secret. */
function checkMirror(request: AdmissionRequest, draft: JsonObject): void {
  const spec = draft.spec as PodSpec | undefined
  if (spec?.serviceAccountName) throw forbidden(request, 'a mirror pod may not reference service accounts')
  const containers = [...(spec?.initContainers ?? []), ...(spec?.containers ?? [])]
  const namesSecret =
    containers.some(
      ({ env, envFrom }) => env?.some(({ valueFrom }) => valueFrom?.secretKeyRef) || envFrom?.some(({ secretRef }) => secretRef),
    ) || spec?.volumes?.some(({ secret, projected }) => secret || projected?.sources?.some((source) => source.secret))
  if (namesSecret) throw forbidden(request, 'a mirror pod may not reference secrets')
  if (spec?.volumes?.some(({ projected }) => projected?.sources?.some((source) => source.serviceAccountToken)))
    throw forbidden(request, 'a mirror pod may not use ServiceAccountToken volume projections')
}
