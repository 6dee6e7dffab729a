import type { KubeObject } from '../../api/object.ts'
import type { PersistentVolume, Pod, Volume } from '../../api/types/core-v1.ts'

/** Resources whose objects a node may read because of pods that run on it. */
export type ReferencedResource = 'secrets' | 'configmaps' | 'persistentvolumeclaims' | 'serviceaccounts' | 'resourceclaims'

export const referenceKey = (resource: ReferencedResource, namespace: string, name: string): string => `${resource}/${namespace}/${name}`

/**
 * All that a pod needs from the API, each once. A mirror pod needs nothing: the kubelet that made it must not come to
 * anything that way.
 */
export function podReferences({ metadata, spec, status }: Pod): string[] {
  if (!spec || metadata.annotations?.['kubernetes.io/config.mirror'] !== undefined) return []
  const { namespace = '' } = metadata
  const keys = new Set<string>()
  const add = (resource: ReferencedResource, name: string | undefined) => {
    if (name) keys.add(referenceKey(resource, namespace, name))
  }
  add('serviceaccounts', spec.serviceAccountName)
  for (const { name } of spec.imagePullSecrets ?? []) add('secrets', name)
  for (const { env, envFrom } of [...(spec.initContainers ?? []), ...(spec.containers ?? []), ...(spec.ephemeralContainers ?? [])]) {
    for (const { valueFrom } of env ?? []) {
      add('secrets', valueFrom?.secretKeyRef?.name)
      add('configmaps', valueFrom?.configMapKeyRef?.name)
    }
    for (const { secretRef, configMapRef } of envFrom ?? []) {
      add('secrets', secretRef?.name)
      add('configmaps', configMapRef?.name)
    }
  }
  for (const volume of spec.volumes ?? []) {
    for (const name of volumeSecrets(volume)) add('secrets', name)
    add('configmaps', volume.configMap?.name)
    for (const { configMap } of volume.projected?.sources ?? []) add('configmaps', configMap?.name)
    add('persistentvolumeclaims', volume.persistentVolumeClaim?.claimName)
    if (volume.ephemeral) add('persistentvolumeclaims', `${metadata.name}-${volume.name}`)
  }
  for (const { resourceClaimName } of spec.resourceClaims ?? []) add('resourceclaims', resourceClaimName)
  for (const { resourceClaimName } of status?.resourceClaimStatuses ?? []) add('resourceclaims', resourceClaimName)
  add('resourceclaims', status?.extendedResourceClaimStatus?.resourceClaimName)
  return [...keys]
}

function volumeSecrets(volume: Volume): (string | undefined)[] {
  const { secret, projected, azureFile, cephfs, cinder, flexVolume, rbd, scaleIO, iscsi, storageos, csi } = volume
  return [
    secret?.secretName,
    ...(projected?.sources ?? []).map((source) => source.secret?.name),
    azureFile?.secretName,
    ...[cephfs, cinder, flexVolume, rbd, scaleIO, iscsi, storageos].map((source) => source?.secretRef?.name),
    csi?.nodePublishSecretRef?.name,
  ]
}

/** The claim that a volume is bound to, and the secrets that a kubelet needs to mount it. */
export function volumeReferences({ spec }: PersistentVolume): { readonly claim: string; readonly secrets: readonly string[] } | undefined {
  const { claimRef } = spec ?? {}
  if (!spec || !claimRef?.name) return undefined
  const { namespace: home = '' } = claimRef
  const { azureFile, cephfs, cinder, flexVolume, rbd, scaleIO, iscsi, storageos, csi } = spec
  const references = [
    ...[cephfs, cinder, flexVolume, rbd, scaleIO, iscsi].map((source) => source?.secretRef),
    storageos?.secretRef,
    csi?.nodeStageSecretRef,
    csi?.nodePublishSecretRef,
    csi?.nodeExpandSecretRef,
    azureFile && { name: azureFile.secretName, ...(azureFile.secretNamespace && { namespace: azureFile.secretNamespace }) },
  ]
  const secrets = references.flatMap((found) => (found?.name ? [referenceKey('secrets', found.namespace || home, found.name)] : []))
  return { claim: referenceKey('persistentvolumeclaims', home, claimRef.name), secrets }
}

/** Which node an attachment or a slice is of. */
export const nodeNameOf = (object: KubeObject): string | undefined =>
  (object as { spec?: { nodeName?: string } }).spec?.nodeName || undefined
