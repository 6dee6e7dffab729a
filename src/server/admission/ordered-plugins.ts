import { mutatingWebhookAdmission, validatingWebhookAdmission } from '../webhooks/webhook-admission.ts'
import { alwaysPullImages } from './always-pull-images.ts'
import { certificateApproval, certificateSigning, certificateSubjectRestriction, clusterTrustBundleAttest } from './certificate-signers.ts'
import { defaultIngressClass } from './default-ingress-class.ts'
import { defaultStorageClass } from './default-storage-class.ts'
import { defaultTolerationSeconds } from './default-toleration-seconds.ts'
import { denyServiceExternalIps } from './deny-service-external-ips.ts'
import { eventRateLimit } from './event-rate-limit.ts'
import { extendedResourceToleration } from './extended-resource-toleration.ts'
import { limitPodHardAntiAffinityTopology } from './limit-pod-hard-anti-affinity-topology.ts'
import { limitRanger } from './limit-ranger.ts'
import { namespaceAutoProvision } from './namespace-auto-provision.ts'
import { namespaceExists } from './namespace-exists.ts'
import { namespaceLifecycle } from './namespace-lifecycle.ts'
import { nodeRestriction } from './node-restriction.ts'
import { ownerReferencesPermissionEnforcement } from './owner-references-permission-enforcement.ts'
import { persistentVolumeClaimResize } from './persistent-volume-claim-resize.ts'
import { podNodeSelector } from './pod-node-selector.ts'
import { podSecurity } from './pod-security/pod-security.ts'
import { podTolerationRestriction } from './pod-toleration-restriction.ts'
import { podTopologyLabels } from './pod-topology-labels.ts'
import { mutatingPolicyAdmission, validatingPolicyAdmission } from './policies/policy-admission.ts'
import { priority } from './priority.ts'
import { resourceQuota } from './resource-quota.ts'
import { runtimeClass } from './runtime-class.ts'
import { serviceAccount } from './service-account.ts'
import type { AdmissionFactory } from './standard-admission.ts'
import { storageObjectInUseProtection } from './storage-object-in-use-protection.ts'
import { taintNodesByCondition } from './taint-nodes-by-condition.ts'

/** A plug-in by upstream's name for it. */
export interface OrderedPlugin {
  readonly name: string
  readonly make: AdmissionFactory
  /** Whether it runs unless it is turned off. */
  readonly isDefault: boolean
}

const standard = (name: string, make: AdmissionFactory): OrderedPlugin => ({ name, make, isDefault: true })
const onRequest = (name: string, make: AdmissionFactory): OrderedPlugin => ({ name, make, isDefault: false })

/** Every plug-in in the order in which upstream runs them, whatever the order in which they are named. */
export const orderedPlugins: readonly OrderedPlugin[] = [
  onRequest('NamespaceAutoProvision', namespaceAutoProvision),
  standard('NamespaceLifecycle', namespaceLifecycle),
  onRequest('NamespaceExists', namespaceExists),
  onRequest('LimitPodHardAntiAffinityTopology', () => limitPodHardAntiAffinityTopology),
  standard('LimitRanger', limitRanger),
  standard('ServiceAccount', serviceAccount),
  // Upstream's own default is to leave it out; whoever sets up clusters turns it on with the Node mode, which is on here.
  standard('NodeRestriction', nodeRestriction),
  standard('TaintNodesByCondition', () => taintNodesByCondition),
  onRequest('AlwaysPullImages', () => alwaysPullImages),
  standard('PodSecurity', podSecurity),
  onRequest('PodNodeSelector', podNodeSelector),
  standard('Priority', priority),
  standard('DefaultTolerationSeconds', () => defaultTolerationSeconds),
  onRequest('PodTolerationRestriction', podTolerationRestriction),
  onRequest('EventRateLimit', eventRateLimit),
  onRequest('ExtendedResourceToleration', () => extendedResourceToleration),
  standard('DefaultStorageClass', defaultStorageClass),
  standard('StorageObjectInUseProtection', () => storageObjectInUseProtection),
  onRequest('OwnerReferencesPermissionEnforcement', ownerReferencesPermissionEnforcement),
  standard('PersistentVolumeClaimResize', persistentVolumeClaimResize),
  standard('RuntimeClass', runtimeClass),
  standard('CertificateApproval', certificateApproval),
  standard('CertificateSigning', certificateSigning),
  standard('ClusterTrustBundleAttest', clusterTrustBundleAttest),
  standard('CertificateSubjectRestriction', certificateSubjectRestriction),
  standard('DefaultIngressClass', defaultIngressClass),
  onRequest('DenyServiceExternalIPs', () => denyServiceExternalIps),
  standard('PodTopologyLabels', podTopologyLabels),
  standard('MutatingAdmissionPolicy', mutatingPolicyAdmission),
  standard('MutatingAdmissionWebhook', mutatingWebhookAdmission),
  standard('ValidatingAdmissionPolicy', validatingPolicyAdmission),
  standard('ValidatingAdmissionWebhook', validatingWebhookAdmission),
  // Last, so that nothing is charged that is refused.
  standard('ResourceQuota', resourceQuota),
]
