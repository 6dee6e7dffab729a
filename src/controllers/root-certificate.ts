import { configMaps as mapsRef, namespaces as namespacesRef } from '../api/resources.ts'
import { hasReason } from '../api/status-error.ts'
import type { Namespace } from '../api/types/core-v1.ts'
import type { Caches } from '../client/client.ts'
import { semanticEqual } from '../client/semantic-equal.ts'
import { isNamespaceTerminating } from './api-errors.ts'
import { type Controller, watchOf } from './controller.ts'
import { isNewlyThere } from './service-account.ts'

const mapName = 'kube-root-ca.crt'
const description = {
  'kubernetes.io/description':
    'Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes clusters.',
}

/** Keeps the certificate by which pods know the API server, in each namespace. */
export function rootCertificateController({ caches, certificate }: { caches: Caches; certificate: string }): Controller<Namespace> {
  const maps = caches.cache(mapsRef, { fieldSelector: `metadata.name=${mapName}` })
  const data = { 'ca.crt': certificate }
  return {
    name: 'root-ca-certificate-publisher',
    primary: caches.cache(namespacesRef),
    matters: isNewlyThere,
    watches: [watchOf(maps, (before, after) => [(after ?? before)?.metadata.namespace ?? ''])],
    async reconcile({ metadata }, { cause }) {
      if (metadata.deletionTimestamp !== undefined) return undefined
      const before = maps.get(metadata.name, mapName)
      if (before && semanticEqual(before.data, data) && before.metadata.annotations?.['kubernetes.io/description']) return undefined
      const resource = caches.client.resource(mapsRef)
      try {
        if (before) {
          const annotations = { ...before.metadata.annotations, ...description }
          await resource.update({ ...before, data, metadata: { ...before.metadata, annotations } }, { cause })
        } else await resource.create({ data, metadata: { name: mapName, namespace: metadata.name, annotations: description } }, { cause })
      } catch (error) {
        if (!hasReason(error, 'AlreadyExists') && !isNamespaceTerminating(error)) throw error
      }
      return undefined
    },
  }
}
