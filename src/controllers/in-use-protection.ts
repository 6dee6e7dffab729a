import type { KubeObject } from '../api/object.ts'
import type { ResourceRef } from '../api/resource-ref.ts'
import {
  persistentVolumeClaims as claimsRef,
  volumeAttributesClasses as classesRef,
  pods as podsRef,
  persistentVolumes as volumesRef,
} from '../api/resources.ts'
import type { PersistentVolume, PersistentVolumeClaim, Pod } from '../api/types/core-v1.ts'
import type { VolumeAttributesClass } from '../api/types/storage-v1.ts'
import type { Caches } from '../client/client.ts'
import { unlessGone } from './api-errors.ts'
import { type Controller, type Watch, watchOf } from './controller.ts'

/** Puts a finalizer on what has none, and takes it off what is deleted once nothing uses it. */
function protection<T extends KubeObject>({
  caches,
  name,
  ref,
  finalizer,
  watches = [],
  isInUse,
}: {
  caches: Caches
  name: string
  ref: ResourceRef<T>
  finalizer: string
  watches?: readonly Watch[]
  isInUse: (object: T) => boolean | Promise<boolean>
}): Controller<T> {
  return {
    name,
    primary: caches.cache(ref),
    watches,
    matters: (_, after) => after !== undefined,
    async reconcile(object, { cause }) {
      const { finalizers = [], deletionTimestamp } = object.metadata
      const isHeld = finalizers.includes(finalizer)
      const isDeleted = deletionTimestamp !== undefined
      if (isHeld !== isDeleted || (isDeleted && (await isInUse(object)))) return undefined
      const changed = isDeleted ? finalizers.filter((each) => each !== finalizer) : [...finalizers, finalizer]
      await unlessGone(caches.client.resource(ref).update({ ...object, metadata: { ...object.metadata, finalizers: changed } }, { cause }))
      return undefined
    },
  }
}

/** Claims stay while a pod that has a node mounts them, whether it still runs or not. */
export function claimProtectionController({ caches }: { caches: Caches }): Controller<PersistentVolumeClaim> {
  const pods = caches.cache(podsRef)
  return protection({
    caches,
    name: 'pvc-protection',
    ref: claimsRef,
    finalizer: 'kubernetes.io/pvc-protection',
    watches: [
      watchOf(pods, (before, after) =>
        [...new Set([...(before ? claimsOf(before) : []), ...(after ? claimsOf(after) : [])])].map(
          (name) => `${(after ?? before)?.metadata.namespace}/${name}`,
        ),
      ),
    ],
    // Asked of the server, not of the cache: what it has not seen yet may be on a node already.
    async isInUse(claim) {
      const { items } = await caches.client.resource(podsRef).list({ namespace: claim.metadata.namespace ?? '' })
      return items.some((pod) => uses(pod, claim))
    },
  })
}

/** The claims that a pod's volumes name or stand for. */
const claimsOf = ({ metadata, spec }: Pod): readonly string[] =>
  (spec?.volumes ?? []).flatMap(({ name, persistentVolumeClaim, ephemeral }) =>
    persistentVolumeClaim ? [persistentVolumeClaim.claimName] : ephemeral ? [`${metadata.name}-${name}`] : [],
  )

/** A claim that was made for a pod's own volume goes when the pod has ended, others when it is gone. */
export function uses(pod: Pod, { metadata }: PersistentVolumeClaim): boolean {
  if (!pod.spec?.nodeName) return false
  const isOver = pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed'
  const isOwner = metadata.ownerReferences?.some(({ uid, controller }) => controller && uid === pod.metadata.uid) ?? false
  return (pod.spec.volumes ?? []).some(
    ({ name, persistentVolumeClaim, ephemeral }) =>
      persistentVolumeClaim?.claimName === metadata.name ||
      (ephemeral !== undefined && !isOver && isOwner && metadata.name === `${pod.metadata.name}-${name}`),
  )
}

/** Volumes stay while they are bound to a claim. */
export const volumeProtectionController = ({ caches }: { caches: Caches }): Controller<PersistentVolume> =>
  protection({
    caches,
    name: 'pv-protection',
    ref: volumesRef,
    finalizer: 'kubernetes.io/pv-protection',
    isInUse: ({ status }) => status?.phase === 'Bound',
  })

/** Classes of attributes stay while a claim or a volume has them or is to have them. */
export function attributesClassProtectionController({ caches }: { caches: Caches }): Controller<VolumeAttributesClass> {
  const claims = caches.cache(claimsRef)
  const volumes = caches.cache(volumesRef)
  claims.addIndex(classIndex, classesOfClaim)
  volumes.addIndex(classIndex, classesOfVolume)
  return protection({
    caches,
    name: 'vac-protection',
    ref: classesRef,
    finalizer: 'kubernetes.io/vac-protection',
    watches: [
      watchOf(claims, (before) => (before ? classesOfClaim(before) : [])),
      watchOf(volumes, (before) => (before ? classesOfVolume(before) : [])),
    ],
    isInUse: ({ metadata }) =>
      claims.byIndex(classIndex, metadata.name).length > 0 || volumes.byIndex(classIndex, metadata.name).length > 0,
  })
}

const classIndex = 'volume attributes class'

const classesOfClaim = ({ spec, status }: PersistentVolumeClaim): string[] => [
  ...new Set(
    [
      spec.volumeAttributesClassName,
      status?.currentVolumeAttributesClassName,
      status?.modifyVolumeStatus?.targetVolumeAttributesClassName,
    ].filter((name): name is string => name !== undefined && name !== ''),
  ),
]

const classesOfVolume = ({ spec }: PersistentVolume): string[] => (spec.volumeAttributesClassName ? [spec.volumeAttributesClassName] : [])
