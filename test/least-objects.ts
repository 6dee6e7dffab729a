const container = { name: 'c', image: 'i:1' }
const selector = { matchLabels: { app: 'a' } }
const template = { metadata: { labels: { app: 'a' } }, spec: { containers: [container] } }
const jobTemplate = { spec: { template: { spec: { restartPolicy: 'Never', containers: [container] } } } }
const service = { namespace: 'default', name: 'hook' }
const webhook = {
  name: 'hook.example.org',
  clientConfig: { service },
  sideEffects: 'None',
  admissionReviewVersions: ['v1'],
  rules: [{ apiGroups: ['never.example.org'], apiVersions: ['v1'], resources: ['things'], operations: ['CREATE'] }],
}
const matchConstraints = {
  resourceRules: [{ apiGroups: ['never.example.org'], apiVersions: ['v1'], resources: ['things'], operations: ['CREATE'] }],
}
const role = { rules: [{ apiGroups: [''], resources: ['pods'], verbs: ['get'] }] }
const subjects = [{ kind: 'User', name: 'u', apiGroup: 'rbac.authorization.k8s.io' }]
const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'view' }
const accessModes = ['ReadWriteOnce']

/** The least that a user writes of each kind that is kept, beside its metadata, by `group/Kind`. */
export const leastObjects: Readonly<Record<string, object>> = {
  '/ConfigMap': {},
  '/Endpoints': {},
  '/Event': { involvedObject: { kind: 'Pod', namespace: 'default', name: 'p' } },
  '/LimitRange': { spec: { limits: [{ type: 'Container', max: { cpu: '1' } }] } },
  '/Namespace': {},
  '/Node': {},
  '/PersistentVolumeClaim': { spec: { accessModes, resources: { requests: { storage: '1Gi' } } } },
  '/PersistentVolume': { spec: { accessModes, capacity: { storage: '1Gi' }, hostPath: { path: '/x' } } },
  '/Pod': { spec: { containers: [container] } },
  '/PodTemplate': { template },
  '/ReplicationController': { spec: { selector: { app: 'a' }, template } },
  '/ResourceQuota': { spec: { hard: { pods: '100' } } },
  '/Secret': {},
  '/ServiceAccount': {},
  '/Service': { spec: { ports: [{ port: 80 }] } },
  'admissionregistration.k8s.io/MutatingAdmissionPolicy': {
    spec: {
      matchConstraints,
      reinvocationPolicy: 'Never',
      mutations: [
        { patchType: 'ApplyConfiguration', applyConfiguration: { expression: 'Object{metadata: Object.metadata{labels: {"a": "b"}}}' } },
      ],
    },
  },
  'admissionregistration.k8s.io/MutatingAdmissionPolicyBinding': { spec: { policyName: 'p' } },
  'admissionregistration.k8s.io/MutatingWebhookConfiguration': { webhooks: [webhook] },
  'admissionregistration.k8s.io/ValidatingAdmissionPolicy': { spec: { matchConstraints, validations: [{ expression: 'true' }] } },
  'admissionregistration.k8s.io/ValidatingAdmissionPolicyBinding': { spec: { policyName: 'p', validationActions: ['Deny'] } },
  'admissionregistration.k8s.io/ValidatingWebhookConfiguration': { webhooks: [webhook] },
  'apiextensions.k8s.io/CustomResourceDefinition': {
    spec: {
      group: 'example.org',
      scope: 'Namespaced',
      names: { plural: 'things', kind: 'Thing' },
      versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object' } } }],
    },
  },
  'apiregistration.k8s.io/APIService': {
    spec: { group: 'example.org', version: 'v1', groupPriorityMinimum: 100, versionPriority: 10, service, insecureSkipTLSVerify: true },
  },
  'apps/ControllerRevision': { revision: 1, data: { a: 'b' } },
  'apps/DaemonSet': { spec: { selector, template } },
  'apps/Deployment': { spec: { selector, template } },
  'apps/ReplicaSet': { spec: { selector, template } },
  'apps/StatefulSet': { spec: { selector, template, serviceName: 's' } },
  'autoscaling/HorizontalPodAutoscaler': {
    spec: { maxReplicas: 3, scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'd' } },
  },
  'batch/CronJob': { spec: { schedule: '0 0 * * *', jobTemplate } },
  'batch/Job': jobTemplate,
  'certificates.k8s.io/CertificateSigningRequest': {
    spec: {
      signerName: 'example.org/signer',
      usages: ['client auth'],
      // Of an Ed25519 key, for CN=someone.
      request:
        'LS0tLS1CRUdJTiBDRVJUSUZJQ0FURSBSRVFVRVNULS0tLS0KTUlHUk1FVUNBUUF3RWpFUU1BNEdBMVVFQXd3SGMyOXRaVzl1WlRBcU1BVUdBeXRsY0FNaEFQTmVZTTZlVi91dgppWEE3dHYxeWV1Qy9BVkV5U2wvVFpvRmZIK3R3SnJub29BQXdCUVlESzJWd0EwRUF1VWNqRWZ3dDg0R3pscDBDCkptTS9GWmg3by9BKzRubXZUMjNyL3dNTm5taE02Q1haZEhxT256QndHSkZtV2VEczdNd2dDY0w5N1RyQzZZZGUKbEdBdENRPT0KLS0tLS1FTkQgQ0VSVElGSUNBVEUgUkVRVUVTVC0tLS0tCg==',
    },
  },
  'coordination.k8s.io/Lease': {},
  'discovery.k8s.io/EndpointSlice': { addressType: 'IPv4', endpoints: [] },
  'events.k8s.io/Event': {
    eventTime: '2026-01-01T00:00:00.000000Z',
    reportingController: 'c',
    reportingInstance: 'i',
    action: 'a',
    reason: 'r',
    type: 'Normal',
    regarding: { kind: 'Pod', namespace: 'default', name: 'p' },
  },
  'flowcontrol.apiserver.k8s.io/FlowSchema': { spec: { priorityLevelConfiguration: { name: 'global-default' } } },
  'flowcontrol.apiserver.k8s.io/PriorityLevelConfiguration': { spec: { type: 'Limited', limited: { limitResponse: { type: 'Reject' } } } },
  'networking.k8s.io/IngressClass': { spec: { controller: 'example.org/c' } },
  'networking.k8s.io/Ingress': { spec: { defaultBackend: { service: { name: 's', port: { number: 80 } } } } },
  'networking.k8s.io/IPAddress': { spec: { parentRef: { resource: 'services', namespace: 'default', name: 's' } } },
  'networking.k8s.io/NetworkPolicy': { spec: { podSelector: {} } },
  'networking.k8s.io/ServiceCIDR': { spec: { cidrs: ['10.99.0.0/24'] } },
  'node.k8s.io/RuntimeClass': { handler: 'h' },
  'policy/PodDisruptionBudget': { spec: { selector, minAvailable: 1 } },
  'rbac.authorization.k8s.io/ClusterRoleBinding': { roleRef, subjects },
  'rbac.authorization.k8s.io/ClusterRole': role,
  'rbac.authorization.k8s.io/RoleBinding': { roleRef, subjects },
  'rbac.authorization.k8s.io/Role': role,
  'resource.k8s.io/DeviceClass': { spec: {} },
  'resource.k8s.io/ResourceClaim': { spec: { devices: { requests: [{ name: 'r', exactly: { deviceClassName: 'c' } }] } } },
  'resource.k8s.io/ResourceClaimTemplate': {
    spec: { spec: { devices: { requests: [{ name: 'r', exactly: { deviceClassName: 'c' } }] } } },
  },
  'resource.k8s.io/ResourceSlice': {
    spec: { driver: 'd.example.org', nodeName: 'n', pool: { name: 'n', generation: 1, resourceSliceCount: 1 }, devices: [{ name: 'gpu' }] },
  },
  'scheduling.k8s.io/PriorityClass': { value: 1 },
  'storage.k8s.io/CSIDriver': { spec: {} },
  'storage.k8s.io/CSINode': { spec: { drivers: [] } },
  'storage.k8s.io/CSIStorageCapacity': { storageClassName: 's', capacity: '1Gi' },
  'storage.k8s.io/StorageClass': { provisioner: 'example.org/p' },
  'storage.k8s.io/VolumeAttachment': { spec: { attacher: 'a.example.org', nodeName: 'n', source: { persistentVolumeName: 'pv' } } },
  'storage.k8s.io/VolumeAttributesClass': { driverName: 'd.example.org', parameters: { a: 'b' } },
}
