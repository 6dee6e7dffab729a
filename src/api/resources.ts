import type { KubeObject } from './object.ts'
import type { ResourceRef } from './resource-ref.ts'
import type {
  MutatingAdmissionPolicy,
  MutatingAdmissionPolicyBinding,
  MutatingWebhookConfiguration,
  ValidatingAdmissionPolicy,
  ValidatingAdmissionPolicyBinding,
  ValidatingWebhookConfiguration,
} from './types/admissionregistration-v1.ts'
import type { CustomResourceDefinition } from './types/apiextensions-v1.ts'
import type { APIService } from './types/apiregistration-v1.ts'
import type { DaemonSet, Deployment, ReplicaSet, StatefulSet } from './types/apps-v1.ts'
import type { CronJob, Job } from './types/batch-v1.ts'
import type { CertificateSigningRequest } from './types/certificates-v1.ts'
import type { Lease } from './types/coordination-v1.ts'
import type {
  ConfigMap,
  Endpoints,
  Event,
  LimitRange,
  Namespace,
  Node,
  PersistentVolume,
  PersistentVolumeClaim,
  Pod,
  ReplicationController,
  ResourceQuota,
  Secret,
  Service,
  ServiceAccount,
} from './types/core-v1.ts'
import type { EndpointSlice } from './types/discovery-v1.ts'
import type { FlowSchema, PriorityLevelConfiguration } from './types/flowcontrol-v1.ts'
import type { Ingress, IngressClass, IPAddress, ServiceCIDR } from './types/networking-v1.ts'
import type { RuntimeClass } from './types/node-v1.ts'
import type { PodDisruptionBudget } from './types/policy-v1.ts'
import type { ClusterRole, ClusterRoleBinding, Role, RoleBinding } from './types/rbac-v1.ts'
import type { ResourceClaim, ResourceSlice } from './types/resource-v1.ts'
import type { PriorityClass } from './types/scheduling-v1.ts'
import type { CSIDriver, StorageClass, VolumeAttachment, VolumeAttributesClass } from './types/storage-v1.ts'
import type { StorageVersionMigration } from './types/storagemigration-v1beta1.ts'

const define =
  (group: string, version: string) =>
  <T extends KubeObject>(kind: string, plural: string, namespaced = true): ResourceRef<T> => ({ group, version, plural, kind, namespaced })

const core = define('', 'v1')
export const configMaps = core<ConfigMap>('ConfigMap', 'configmaps')
export const endpoints = core<Endpoints>('Endpoints', 'endpoints')
export const events = core<Event>('Event', 'events')
export const limitRanges = core<LimitRange>('LimitRange', 'limitranges')
export const namespaces = core<Namespace>('Namespace', 'namespaces', false)
export const nodes = core<Node>('Node', 'nodes', false)
export const persistentVolumeClaims = core<PersistentVolumeClaim>('PersistentVolumeClaim', 'persistentvolumeclaims')
export const persistentVolumes = core<PersistentVolume>('PersistentVolume', 'persistentvolumes', false)
export const pods = core<Pod>('Pod', 'pods')
export const replicationControllers = core<ReplicationController>('ReplicationController', 'replicationcontrollers')
export const resourceQuotas = core<ResourceQuota>('ResourceQuota', 'resourcequotas')
export const secrets = core<Secret>('Secret', 'secrets')
export const serviceAccounts = core<ServiceAccount>('ServiceAccount', 'serviceaccounts')
export const services = core<Service>('Service', 'services')

const apps = define('apps', 'v1')
export const daemonSets = apps<DaemonSet>('DaemonSet', 'daemonsets')
export const deployments = apps<Deployment>('Deployment', 'deployments')
export const replicaSets = apps<ReplicaSet>('ReplicaSet', 'replicasets')
export const statefulSets = apps<StatefulSet>('StatefulSet', 'statefulsets')

export const certificateSigningRequests = define('certificates.k8s.io', 'v1')<CertificateSigningRequest>(
  'CertificateSigningRequest',
  'certificatesigningrequests',
  false,
)

const batch = define('batch', 'v1')
export const cronJobs = batch<CronJob>('CronJob', 'cronjobs')
export const jobs = batch<Job>('Job', 'jobs')

export const resourceSlices = define('resource.k8s.io', 'v1')<ResourceSlice>('ResourceSlice', 'resourceslices', false)
export const leases = define('coordination.k8s.io', 'v1')<Lease>('Lease', 'leases')
export const runtimeClasses = define('node.k8s.io', 'v1')<RuntimeClass>('RuntimeClass', 'runtimeclasses', false)
export const endpointSlices = define('discovery.k8s.io', 'v1')<EndpointSlice>('EndpointSlice', 'endpointslices')
export const podDisruptionBudgets = define('policy', 'v1')<PodDisruptionBudget>('PodDisruptionBudget', 'poddisruptionbudgets')
export const priorityClasses = define('scheduling.k8s.io', 'v1')<PriorityClass>('PriorityClass', 'priorityclasses', false)

const flowControl = define('flowcontrol.apiserver.k8s.io', 'v1')
export const flowSchemas = flowControl<FlowSchema>('FlowSchema', 'flowschemas', false)
export const priorityLevelConfigurations = flowControl<PriorityLevelConfiguration>(
  'PriorityLevelConfiguration',
  'prioritylevelconfigurations',
  false,
)

const rbac = define('rbac.authorization.k8s.io', 'v1')
export const clusterRoles = rbac<ClusterRole>('ClusterRole', 'clusterroles', false)
export const clusterRoleBindings = rbac<ClusterRoleBinding>('ClusterRoleBinding', 'clusterrolebindings', false)
export const roles = rbac<Role>('Role', 'roles')
export const roleBindings = rbac<RoleBinding>('RoleBinding', 'rolebindings')

const networking = 'networking.k8s.io'
export const ingresses = define(networking, 'v1')<Ingress>('Ingress', 'ingresses')
export const ingressClasses = define(networking, 'v1')<IngressClass>('IngressClass', 'ingressclasses', false)
export const ipAddresses = define(networking, 'v1')<IPAddress>('IPAddress', 'ipaddresses', false)
export const serviceCidrs = define(networking, 'v1')<ServiceCIDR>('ServiceCIDR', 'servicecidrs', false)

export const apiServices = define('apiregistration.k8s.io', 'v1')<APIService>('APIService', 'apiservices', false)

const admissionRegistration = define('admissionregistration.k8s.io', 'v1')
export const validatingAdmissionPolicies = admissionRegistration<ValidatingAdmissionPolicy>(
  'ValidatingAdmissionPolicy',
  'validatingadmissionpolicies',
  false,
)
export const validatingAdmissionPolicyBindings = admissionRegistration<ValidatingAdmissionPolicyBinding>(
  'ValidatingAdmissionPolicyBinding',
  'validatingadmissionpolicybindings',
  false,
)
export const mutatingAdmissionPolicies = admissionRegistration<MutatingAdmissionPolicy>(
  'MutatingAdmissionPolicy',
  'mutatingadmissionpolicies',
  false,
)
export const mutatingAdmissionPolicyBindings = admissionRegistration<MutatingAdmissionPolicyBinding>(
  'MutatingAdmissionPolicyBinding',
  'mutatingadmissionpolicybindings',
  false,
)
export const mutatingWebhookConfigurations = admissionRegistration<MutatingWebhookConfiguration>(
  'MutatingWebhookConfiguration',
  'mutatingwebhookconfigurations',
  false,
)
export const validatingWebhookConfigurations = admissionRegistration<ValidatingWebhookConfiguration>(
  'ValidatingWebhookConfiguration',
  'validatingwebhookconfigurations',
  false,
)

const storage = define('storage.k8s.io', 'v1')
export const csiDrivers = storage<CSIDriver>('CSIDriver', 'csidrivers', false)
export const storageClasses = storage<StorageClass>('StorageClass', 'storageclasses', false)
export const volumeAttachments = storage<VolumeAttachment>('VolumeAttachment', 'volumeattachments', false)
export const volumeAttributesClasses = storage<VolumeAttributesClass>('VolumeAttributesClass', 'volumeattributesclasses', false)

export const customResourceDefinitions = define('apiextensions.k8s.io', 'v1')<CustomResourceDefinition>(
  'CustomResourceDefinition',
  'customresourcedefinitions',
  false,
)
export const storageVersionMigrations = define('storagemigration.k8s.io', 'v1beta1')<StorageVersionMigration>(
  'StorageVersionMigration',
  'storageversionmigrations',
  false,
)

export const resourceClaims = define('resource.k8s.io', 'v1')<ResourceClaim>('ResourceClaim', 'resourceclaims')
