import { jsonEqual } from '../../api/json-equal.ts'
import type { JsonObject, KubeObject } from '../../api/object.ts'
import type { ResourceRef } from '../../api/resource-ref.ts'
import { csiDrivers, nodes, persistentVolumeClaims, persistentVolumes, pods } from '../../api/resources.ts'
import type { TokenRequest } from '../../api/types/authentication-v1.ts'
import type { Node, PersistentVolume, PersistentVolumeClaim, Pod } from '../../api/types/core-v1.ts'
import type { CSIDriver } from '../../api/types/storage-v1.ts'
import { nodeOf } from '../authorization/node-authorizer.ts'
import { podReferences } from '../authorization/pod-references.ts'
import { kindOf } from '../kind-of.ts'
import { notFound, objectKey } from '../registry.ts'
import { type AdmissionRequest, forbidden } from './admission.ts'
import { forbiddenNodeLabels } from './node-labels.ts'
import type { AdmissionFactory } from './standard-admission.ts'

const mirrorAnnotation = 'kubernetes.io/config.mirror'
const leaseNamespace = 'kube-node-lease'

/**
 * A kubelet changes its own node, what belongs to it, and pods that run there, and of those only what kubelets have to:
 * whoever takes over one machine is to come no further.
 */
export const nodeRestriction: AdmissionFactory = ({ catalog, caches, authorize }) => {
  const check = (request: AdmissionRequest): void | Promise<void> => {
    const node = nodeOf(request.user)
    if (node === undefined) return
    if (node === '') throw forbidden(request, `could not determine node from user ${JSON.stringify(request.user.name)}`)
    switch (`${request.kind.group}/${request.kind.plural}`) {
      case '/pods':
        return checkPod(request, node)
      case '/nodes':
        return checkNode(request, node)
      case '/persistentvolumeclaims':
        return checkClaim(request, node)
      case '/serviceaccounts':
        return checkToken(request, node)
      case 'coordination.k8s.io/leases':
        return checkLease(request, node)
      case 'storage.k8s.io/csinodes':
        if (request.name !== node) throw forbidden(request, 'can only access CSINode with the same name as the requesting node')
        return
      case 'resource.k8s.io/resourceslices':
        return checkSlice(request, node)
    }
  }
  return {
    name: 'NodeRestriction',
    // Of what is written it looks at what the kubelet sent; a delete is not mutated.
    mutate: (request) => (request.operation === 'DELETE' ? undefined : check(request)),
    validate: (request) => (request.operation === 'DELETE' ? check(request) : undefined),
  }

  function checkPod(request: AdmissionRequest, node: string): void | Promise<void> {
    const { subresource, operation } = request
    switch (subresource) {
      case '':
        switch (operation) {
          case 'CREATE':
            return checkMirrorPod(request, node)
          case 'DELETE':
            if (isOn(node, request.old)) return
            throw forbidden(request, `node "${node}" can only delete pods with spec.nodeName set to itself`)
          default:
            throw forbidden(request, `unexpected operation "${operation}", node "${node}" can only create and delete mirror pods`)
        }
      case 'status':
        return checkPodStatus(request, node)
      case 'eviction':
        return checkEviction(request, node)
      default:
        throw forbidden(request, `unexpected pod subresource "${subresource}", only 'status' and 'eviction' are allowed`)
    }
  }

  async function checkMirrorPod(request: AdmissionRequest, node: string): Promise<void> {
    const pod = request.draft as unknown as Pod
    const { annotations, ownerReferences = [] } = pod.metadata
    const refuse = (why: string) => forbidden(request, why)
    if (annotations?.[mirrorAnnotation] === undefined)
      throw refuse(`pod does not have "${mirrorAnnotation}" annotation, node "${node}" can only create mirror pods`)
    if (!isOn(node, pod)) throw refuse(`node "${node}" can only create pods with spec.nodeName set to itself`)
    if (ownerReferences.length > 1) throw refuse(`node "${node}" can only create pods with a single owner reference set to itself`)
    const [owner] = ownerReferences
    if (owner?.apiVersion !== 'v1' || owner.kind !== 'Node' || owner.name !== node)
      throw refuse(`node "${node}" can only create pods with an owner reference set to itself`)
    if (!owner.controller) throw refuse(`node "${node}" can only create pods with a controller owner reference set to itself`)
    if (owner.blockOwnerDeletion) throw refuse(`node "${node}" must not set blockOwnerDeletion on an owner reference`)
    const { uid } = (await objectOf(nodes, undefined, node)).metadata
    if (owner.uid !== uid) throw refuse(`node ${node} UID mismatch: expected ${owner.uid} got ${uid}`)
    const references = referencesOf(pod)
    if (references.length > 0) throw refuse(`node "${node}" can not create pods that reference ${references[0]}`)
  }

  async function checkEviction(request: AdmissionRequest, node: string): Promise<void> {
    if (request.operation !== 'CREATE') throw forbidden(request, `unexpected operation ${request.operation}`)
    if (isOn(node, await objectOf(pods, request.namespace, request.name))) return
    throw forbidden(request, `node ${node} can only evict pods with spec.nodeName set to itself`)
  }

  async function checkToken(request: AdmissionRequest, node: string): Promise<void> {
    if (request.operation !== 'CREATE' || request.subresource !== 'token') return
    const { boundObjectRef, audiences = [] } = (request.draft as unknown as TokenRequest).spec ?? {}
    const refuse = (why: string) => forbidden(request, why)
    if (!boundObjectRef?.name || (boundObjectRef.apiVersion ?? 'v1') !== 'v1' || boundObjectRef.kind !== 'Pod')
      throw refuse('node requested token not bound to a pod')
    if (!boundObjectRef.uid) throw refuse('node requested token with a pod binding without a uid')
    const pod = await objectOf(pods, request.namespace, boundObjectRef.name)
    if (pod.metadata.uid !== boundObjectRef.uid)
      throw refuse(
        `the UID in the bound object reference (${boundObjectRef.uid}) does not match the UID in record. The object might have been deleted and then recreated`,
      )
    if (!isOn(node, pod)) throw refuse('node requested token bound to a pod scheduled on a different node')
    if (audiences.length > 1) throw refuse('node may only request 0 or 1 audiences')
    const [audience = ''] = audiences
    if ((await audiencesOf(pod)).has(audience)) return
    const { name, namespace = '' } = request
    const asked = { verb: 'request-serviceaccounts-token-audience', group: '', version: 'v1', resource: audience, subresource: '' }
    const { type } = await authorize(request.user, { type: 'resource', ...asked, namespace, name })
    if (type !== 'allow') throw refuse(`audience "${audience}" not found in pod spec volume`)
  }

  /** For whom volumes of a pod show tokens: '' for the API itself. */
  async function audiencesOf({ metadata, spec }: Pod): Promise<ReadonlySet<string>> {
    const audiences = new Set<string>()
    for (const { name, projected, csi, persistentVolumeClaim, ephemeral } of spec?.volumes ?? []) {
      for (const { serviceAccountToken } of projected?.sources ?? [])
        if (serviceAccountToken) audiences.add(serviceAccountToken.audience ?? '')
      const claim = ephemeral ? `${metadata.name}-${name}` : persistentVolumeClaim?.claimName
      const driver = csi?.driver ?? (claim && (await driverOf(metadata.namespace, claim)))
      const { spec: ofDriver } = (driver ? await found(csiDrivers, undefined, driver) : undefined) ?? ({} as Partial<CSIDriver>)
      for (const { audience } of ofDriver?.tokenRequests ?? []) audiences.add(audience)
    }
    return audiences
  }

  async function driverOf(namespace: string | undefined, claimName: string): Promise<string | undefined> {
    const claim = await found<PersistentVolumeClaim>(persistentVolumeClaims, namespace, claimName)
    const volumeName = claim?.spec?.volumeName
    const volume = volumeName ? await found<PersistentVolume>(persistentVolumes, undefined, volumeName) : undefined
    return volume?.spec?.csi?.driver
  }

  async function found<T extends KubeObject>(ref: ResourceRef<T>, namespace: string | undefined, name: string): Promise<T | undefined> {
    const kind = kindOf(catalog, ref)
    return (await caches.load(kind)).get(objectKey({ kind, namespace, name }))?.object as T | undefined
  }

  async function objectOf<T extends KubeObject>(ref: ResourceRef<T>, namespace: string | undefined, name: string): Promise<T> {
    const object = await found(ref, namespace, name)
    if (!object) throw notFound(kindOf(catalog, ref), name)
    return object
  }
}

const isOn = (node: string, pod: unknown): boolean => (pod as Pod | undefined)?.spec?.nodeName === node

/** What a mirror pod would get its kubelet to, in upstream's words. */
function referencesOf({ metadata, spec, status }: Pod): string[] {
  const { annotations: _, ...plain } = metadata
  const resources = new Set(podReferences({ metadata: plain, spec, ...(status && { status }) } as Pod).map((key) => key.split('/')[0]))
  const bundles = spec?.volumes?.some(({ projected }) => projected?.sources?.some((source) => source.clusterTrustBundle))
  return [
    ...(resources.has('serviceaccounts') ? ['a service account'] : []),
    ...['secrets', 'configmaps', 'persistentvolumeclaims'].filter((resource) => resources.has(resource)),
    ...(bundles ? ['clustertrustbundles'] : []),
    ...(spec?.resourceClaims?.length || resources.has('resourceclaims') ? ['resourceclaims'] : []),
  ]
}

function checkPodStatus(request: AdmissionRequest, node: string): void {
  if (request.operation !== 'UPDATE') throw forbidden(request, `unexpected operation "${request.operation}"`)
  const [pod, old] = [request.draft, request.old] as unknown as readonly [Pod, Pod]
  if (!isOn(node, old)) throw forbidden(request, `node "${node}" can only update pod status for pods with spec.nodeName set to itself`)
  if (!jsonEqual(pod.metadata.labels ?? {}, old.metadata.labels ?? {}))
    throw forbidden(request, `node "${node}" cannot update labels through pod status`)
  if (
    !jsonEqual(pod.status?.resourceClaimStatuses ?? [], old.status?.resourceClaimStatuses ?? []) ||
    !jsonEqual(pod.status?.extendedResourceClaimStatus, old.status?.extendedResourceClaimStatus)
  )
    throw forbidden(request, `node "${node}" cannot update resource claim statuses`)
}

function checkNode(request: AdmissionRequest, node: string): void {
  if (request.name !== node) throw forbidden(request, `node "${node}" is not allowed to modify node "${request.name}"`)
  const [changed, old] = [request.draft, request.old] as unknown as readonly [Node | undefined, Node | undefined]
  const labels = forbiddenNodeLabels(changed?.metadata.labels, old?.metadata.labels).join(', ')
  switch (request.operation) {
    case 'CREATE':
      if (labels !== '') throw forbidden(request, `is not allowed to set the following labels: ${labels}`)
      return
    case 'UPDATE':
      if (!jsonEqual(changed?.spec?.taints ?? [], old?.spec?.taints ?? []))
        throw forbidden(request, `node "${node}" is not allowed to modify taints`)
      if (!jsonEqual(changed?.metadata.ownerReferences ?? [], old?.metadata.ownerReferences ?? []))
        throw forbidden(request, `node "${node}" is not allowed to modify ownerReferences`)
      if (labels !== '') throw forbidden(request, `is not allowed to modify labels: ${labels}`)
      return
    default:
      return
  }
}

/** What of a claim's status tells how far its volume has grown on the node. */
const grownFields = [
  'allocatedResourceStatuses',
  'allocatedResources',
  'capacity',
  'conditions',
  'currentVolumeAttributesClassName',
  'modifyVolumeStatus',
]

function checkClaim(request: AdmissionRequest, node: string): void {
  if (request.subresource !== 'status') throw forbidden(request, 'may only update PVC status')
  if (request.operation !== 'UPDATE') throw forbidden(request, `unexpected operation "${request.operation}"`)
  const kept = (claim: unknown) => {
    const { metadata, status, ...parts } = claim as PersistentVolumeClaim
    const { managedFields: _, resourceVersion: __, ...named } = metadata
    return { ...parts, metadata: named, status: without((status ?? {}) as JsonObject, grownFields) }
  }
  if (!jsonEqual(kept(request.draft), kept(request.old)))
    throw forbidden(request, `node "${node}" is not allowed to update fields other than status.capacity and status.conditions`)
}

const without = (object: JsonObject, fields: readonly string[]): JsonObject =>
  Object.fromEntries(Object.entries(object).filter(([field]) => !fields.includes(field)))

function checkLease(request: AdmissionRequest, node: string): void {
  if (request.namespace !== leaseNamespace) throw forbidden(request, `can only access leases in the "${leaseNamespace}" system namespace`)
  if (request.name !== node) throw forbidden(request, 'can only access node lease with the same name as the requesting node')
}

function checkSlice(request: AdmissionRequest, node: string): void {
  const nameIn = (slice: unknown) => (slice as { spec?: { nodeName?: string } } | undefined)?.spec?.nodeName
  if (request.operation === 'CREATE' && nameIn(request.draft) !== node)
    throw forbidden(request, 'can only create ResourceSlice with the same NodeName as the requesting node')
  if (request.operation === 'DELETE' && nameIn(request.old) !== node)
    throw forbidden(request, 'can only delete ResourceSlice with the same NodeName as the requesting node')
}
