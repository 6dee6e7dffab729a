/** Stands for a value that is no longer there. */
export const gone = '<gone>'

/** What an answer is today in place of what was recorded of 1.20, by JSON pointer, and why. */
export interface Changed {
  readonly why: string
  readonly now: Readonly<Record<string, unknown>>
}

interface Cause {
  readonly reason: string
  readonly message: string
  readonly field: string
}

/** An object that is refused: the sentence that tells all causes, and the causes. */
const refused = (what: string, ...causes: readonly Cause[]) => {
  const sentences = causes.map(({ field, message }) => `${field}: ${message}`)
  return {
    '/body/message': `${what} is invalid: ${sentences.length === 1 ? sentences[0] : `[${sentences.join(', ')}]`}`,
    '/body/details/causes': causes,
  }
}
const invalid = (field: string, message: string): Cause => ({ reason: 'FieldValueInvalid', message: `Invalid value: ${message}`, field })
const unsupported = (field: string, message: string): Cause => ({
  reason: 'FieldValueNotSupported',
  message: `Unsupported value: ${message}`,
  field,
})
const required = (field: string, why = ''): Cause => ({
  reason: 'FieldValueRequired',
  message: why === '' ? 'Required value' : `Required value: ${why}`,
  field,
})

/** A table's columns, `*` before those of `-o wide`. */
const columns = (...names: readonly string[]) =>
  names.map((name) => ({
    name: name.replace(/^\*|:.*$/g, ''),
    type: name.split(':')[1] ?? 'string',
    format: name === 'Name' ? 'name' : '',
    priority: name.startsWith('*') ? 1 : 0,
  }))

const status = (code: number, reason: string, message: string) => ({
  kind: 'Status',
  apiVersion: 'v1',
  metadata: {},
  status: 'Failure',
  message,
  reason,
  details: {},
  code,
})

const label = `a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')`
const counted = 'Pods count their generations by now (KEP-5067)'
const shownAsJson = 'Values in problems are shown as JSON by now, not as Go writes its own'
const decoder = 'Since 1.23 bodies are decoded by another library (KEP-2885), whose words these are'
const dualStack = 'Services know their families since 1.23 (KEP-563) and where internal traffic goes since 1.26 (KEP-2086)'
const removed = 'Removed: PodSecurityPolicy in 1.25, Ingress in extensions in 1.22'

const ownedEmpty = 'An empty map that is applied is owned since 1.21 (KEP-2155)'
/** An entry of who owns what in a config map's data. */
const ownsData = (manager: string, fields: object, operation = 'Apply') => ({
  manager,
  operation,
  apiVersion: 'v1',
  fieldsType: 'FieldsV1',
  fieldsV1: { 'f:data': fields },
})

export const changed: Readonly<Record<string, Changed>> = {
  'defaulting/Pod/pod': { why: counted, now: { '/body/metadata/generation': 1 } },
  'defaulting/Pod/full': { why: counted, now: { '/body/metadata/generation': 1 } },
  'errors/field-selector': { why: counted, now: { '/body/items/0/metadata/generation': 1 } },
  'defaulting/Service/service': {
    why: dualStack,
    now: { '/body/spec/internalTrafficPolicy': 'Cluster', '/body/spec/ipFamilyPolicy': 'SingleStack', '/body/spec/ipFamilies': ['IPv4'] },
  },
  'defaulting/Service/np': {
    why: dualStack,
    now: { '/body/spec/internalTrafficPolicy': 'Cluster', '/body/spec/ipFamilyPolicy': 'SingleStack', '/body/spec/ipFamilies': ['IPv4'] },
  },
  'defaulting/Service/hl': {
    why: `${dualStack}; one without selector and address takes both`,
    now: {
      '/body/spec/internalTrafficPolicy': 'Cluster',
      '/body/spec/ipFamilyPolicy': 'RequireDualStack',
      '/body/spec/ipFamilies': ['IPv4', 'IPv6'],
    },
  },
  'defaulting/Namespace/namespace': {
    why: 'Namespaces have a label of their name since 1.21 (KEP-2161)',
    now: { '/body/metadata/labels': { 'kubernetes.io/metadata.name': 'namespace' } },
  },
  'errors/limit': {
    why: 'Namespaces have a label of their name since 1.21 (KEP-2161)',
    now: {
      '/body/items/0/metadata/labels': { 'kubernetes.io/metadata.name': 'b' },
      '/body/items/1/metadata/labels': { 'kubernetes.io/metadata.name': 'default' },
    },
  },
  'defaulting/StatefulSet/statefulset': {
    why: 'What becomes of volume claims is said since 1.27 (KEP-1847)',
    now: { '/body/spec/persistentVolumeClaimRetentionPolicy': { whenDeleted: 'Retain', whenScaled: 'Retain' } },
  },
  'defaulting/DaemonSet/daemonset': {
    why: 'Daemon sets surge since 1.25 (KEP-1591)',
    now: { '/body/spec/updateStrategy/rollingUpdate/maxSurge': 0 },
  },
  'defaulting/Job/job': {
    why: 'Generations and labels with a prefix by now; completion mode and suspension since 1.24 (KEP-2214, KEP-2232), replacement policy since 1.34 (KEP-3939)',
    now: {
      '/body/metadata/generation': 1,
      '/body/metadata/labels/batch.kubernetes.io~1controller-uid': '<uid>',
      '/body/metadata/labels/batch.kubernetes.io~1job-name': 'job',
      '/body/spec/selector/matchLabels/controller-uid': gone,
      '/body/spec/selector/matchLabels/batch.kubernetes.io~1controller-uid': '<uid>',
      '/body/spec/template/metadata/labels/batch.kubernetes.io~1controller-uid': '<uid>',
      '/body/spec/template/metadata/labels/batch.kubernetes.io~1job-name': 'job',
      '/body/spec/completionMode': 'NonIndexed',
      '/body/spec/suspend': false,
      '/body/spec/manualSelector': false,
      '/body/spec/podReplacementPolicy': 'TerminatingOrFailed',
    },
  },
  'defaulting/CSIDriver/csidriver': {
    why: 'Capacity since 1.24 (KEP-1472), republishing since 1.22 (KEP-1855), SELinux mounts by now (KEP-1710)',
    now: { '/body/spec/storageCapacity': false, '/body/spec/requiresRepublish': false, '/body/spec/seLinuxMount': false },
  },
  'errors/container-bad': {
    why: 'What all kinds of containers share is checked before what is theirs by now, and limits are named',
    now: refused(
      'Pod "x"',
      invalid('spec.containers[0].name', `"C": ${label}`),
      required('spec.containers[0].image'),
      invalid('spec.containers[1].name', `"C": ${label}`),
      invalid('spec.containers[1].ports[0].containerPort', '70000: must be between 1 and 65535, inclusive'),
      unsupported('spec.containers[1].ports[0].protocol', '"tcp": supported values: "SCTP", "TCP", "UDP"'),
      { reason: 'FieldValueNotFound', message: 'Not found: "nope"', field: 'spec.containers[1].volumeMounts[0].name' },
      required('spec.containers[1].volumeMounts[0].mountPath'),
      unsupported('spec.containers[1].imagePullPolicy', '"Maybe": supported values: "Always", "IfNotPresent", "Never"'),
      invalid('spec.containers[1].resources.requests', '"2": must be less than or equal to cpu limit of 1'),
      { reason: 'FieldValueDuplicate', message: 'Duplicate value: "C"', field: 'spec.containers[1].name' },
      required('spec.containers[1].livenessProbe', 'must specify a handler type'),
      invalid('spec.containers[1].livenessProbe.periodSeconds', '-1: must be greater than or equal to 0'),
      unsupported('spec.restartPolicy', '"Sometimes": supported values: "Always", "OnFailure", "Never"'),
      invalid('spec.containers[1].image', '" x": must not have leading or trailing whitespace'),
    ),
  },
  'errors/wrong-type': {
    why: decoder,
    now: {
      '/body/message':
        'Deployment in version "v1" cannot be handled as a Deployment: json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32',
    },
  },
  'errors/quantity-bad': {
    why: decoder,
    now: {
      '/body/message': `ResourceQuota in version "v1" cannot be handled as a ResourceQuota: quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'`,
    },
  },
  'errors/secret-base64': {
    why: decoder,
    now: { '/body/message': 'Secret in version "v1" cannot be handled as a Secret: illegal base64 data at input byte 0' },
  },
  'yaml-in': {
    why: decoder,
    now: {
      '/body/message':
        'ConfigMap in version "v1" cannot be handled as a ConfigMap: json: cannot unmarshal bool into Go struct field ObjectMeta.metadata.name of type string',
    },
  },
  'errors/selector-mismatch': {
    why: shownAsJson,
    now: refused('Deployment.apps "x"', invalid('spec.template.metadata.labels', '{"a":"b"}: `selector` does not match template `labels`')),
  },
  'errors/rolling-zero': {
    why: shownAsJson,
    now: refused('Deployment.apps "x"', invalid('spec.strategy.rollingUpdate.maxUnavailable', '0: may not be 0 when `maxSurge` is 0')),
  },
  'errors/dry-run-bad': {
    why: shownAsJson,
    now: refused('CreateOptions.meta.k8s.io ""', unsupported('dryRun', '["Some"]: supported values: "All"')),
  },
  'errors/clusterip-taken': {
    why: `${shownAsJson}; the sentence was mended`,
    now: refused(
      'Service "y"',
      invalid('spec.clusterIPs', '["10.96.0.1"]: failed to allocate IP 10.96.0.1: provided IP is already allocated'),
    ),
  },
  'errors/rv-bad': {
    why: 'A list whose revision is none is a bad request since lists are served from the cache throughout (KEP-2340)',
    now: {
      '/status': 400,
      '/body/code': 400,
      '/body/reason': 'BadRequest',
      '/body/message': 'invalid resource version: resourceVersion: Invalid value: "abc": strconv.ParseUint: parsing "abc": invalid syntax',
    },
  },
  'errors/rv-future': {
    why: "The recorded words are etcd's own; here the cache answers for every store, as upstream's does for NotOlderThan",
    now: {
      '/status': 504,
      '/body/code': 504,
      '/body/reason': 'Timeout',
      '/body/message': 'Timeout: Too large resource version: 99999999, current: <revision>',
      '/body/details': {
        causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
        retryAfterSeconds: 1,
      },
    },
  },
  'errors/watch-old': {
    why: 'A cache knows what came after it was made: the recorded one began with an empty store, this one when it was first asked for',
    now: {
      '/body': {
        type: 'ERROR',
        object: {
          kind: 'Status',
          apiVersion: 'v1',
          metadata: {},
          status: 'Failure',
          message: 'too old resource version: 1 (<revision>)',
          reason: 'Expired',
          code: 410,
        },
      },
    },
  },
  'errors/not-acceptable': {
    why: 'The router names what there is by now',
    now: {
      '/body/message':
        '406: Not Acceptable\n\nAvailable representations: application/json, application/yaml, application/vnd.kubernetes.protobuf, application/json;stream=watch, application/vnd.kubernetes.protobuf;stream=watch',
    },
  },
  'patch/json-not-a-list': {
    why: 'Patches are decoded strictly first since 1.25 (KEP-2885)',
    now: {
      '/body/message': 'error decoding patch: json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp',
    },
  },
  'apply/remove': {
    why: ownedEmpty,
    now: { '/body/metadata/managedFields': [ownsData('one', {}), ownsData('two', { 'f:a': {} })] },
  },
  'apply/update-takes-ownership': {
    why: ownedEmpty,
    now: { '/body/metadata/managedFields': [ownsData('one', {}), ownsData('three', { 'f:a': {} }, 'Update')] },
  },
  'table//api/v1/componentstatuses': {
    why: 'The recorded server asked ports that components gave up in 1.23; here nobody is asked',
    now: { '/body/cells': gone },
  },
  'table//api/v1/persistentvolumeclaims': {
    why: 'Attributes classes are shown by now (KEP-3751)',
    now: {
      '/body/columns': columns(
        'Name',
        'Status',
        'Volume',
        'Capacity',
        'Access Modes',
        'StorageClass',
        'VolumeAttributesClass',
        'Age',
        '*VolumeMode',
      ),
      '/body/cells': ['persistentvolumeclaim', 'Pending', '', '', '', '', '<unset>', '<age>', 'Filesystem'],
    },
  },
  'table//api/v1/persistentvolumes': {
    why: 'Attributes classes are shown by now (KEP-3751)',
    now: {
      '/body/columns': columns(
        'Name',
        'Capacity',
        'Access Modes',
        'Reclaim Policy',
        'Status',
        'Claim',
        'StorageClass',
        'VolumeAttributesClass',
        'Reason',
        'Age',
        '*VolumeMode',
      ),
      '/body/cells': ['persistentvolume', '1Gi', 'RWO', 'Retain', 'Pending', '', '', '<unset>', '', '<age>', 'Filesystem'],
    },
  },
  'table//api/v1/pods': {
    why: 'Restarts are a text since 1.22, which tells when the last one was',
    now: { '/body/columns/3/type': 'string', '/body/cells/3': '0' },
  },
  'table//api/v1/resourcequotas': {
    why: 'The age stands last by now',
    now: { '/body/columns': columns('Name', 'Request', 'Limit', 'Age'), '/body/cells': ['resourcequota', '', '', '<age>'] },
  },
  'table//apis/autoscaling/v1/horizontalpodautoscalers': {
    why: 'Targets are named by their metric by now',
    now: { '/body/cells/2': 'cpu: <unknown>/80%' },
  },
  'table//apis/batch/v1/jobs': {
    why: 'The status has a column by now, and the selector its prefix',
    now: {
      '/body/columns': columns('Name', 'Status', 'Completions', 'Duration', 'Age', '*Containers', '*Images', '*Selector'),
      '/body/cells': ['job', 'Running', '0/1', '', '<age>', 'c', 'x', 'batch.kubernetes.io/controller-uid=<uid>'],
    },
  },
  'table//apis/certificates.k8s.io/v1/certificatesigningrequests': {
    why: 'A duration may be asked for since 1.22 (KEP-2784)',
    now: { '/body/columns': columns('Name', 'Age', 'SignerName', 'Requestor', 'RequestedDuration', 'Condition') },
  },
  'table//apis/storage.k8s.io/v1/csidrivers': {
    why: 'Capacity, tokens and republishing have columns by now',
    now: {
      '/body/columns': columns(
        'Name',
        'AttachRequired:boolean',
        'PodInfoOnMount:boolean',
        'StorageCapacity:boolean',
        'TokenRequests',
        'RequiresRepublish:boolean',
        'Modes',
        'Age',
      ),
      '/body/cells': ['csidriver', true, false, false, '<unset>', false, 'Persistent', '<age>'],
    },
  },
  'table//apis/scheduling.k8s.io/v1/priorityclasses': {
    why: 'The preemption policy has a column by now',
    now: {
      '/body/columns': columns('Name', 'Value:integer', 'Global-Default:boolean', 'Age', 'PreemptionPolicy'),
      '/body/cells/4': 'PreemptLowerPriority',
    },
  },
  'table//apis/flowcontrol.apiserver.k8s.io/v1beta1/prioritylevelconfigurations': {
    why: 'Shares were renamed in v1beta3, and v1 shows them so',
    now: { '/body/columns/2/name': 'NominalConcurrencyShares' },
  },
  'defaulting/CustomResourceDefinition/foos.x.io': {
    why: 'Lists that are null are left out, as null says nothing to those who read it',
    now: { '/body/status/conditions': gone },
  },
  'table//apis/extensions/v1beta1/ingresses': { why: removed, now: { '/status': 404, '/body': '404 page not found\n' } },
  'table//apis/policy/v1beta1/podsecuritypolicies': {
    why: removed,
    now: { '/status': 404, '/body': status(404, 'NotFound', 'the server could not find the requested resource') },
  },
}

/** Where a resource is served today whose version was removed. */
export const moved: Readonly<Record<string, { readonly to: string; readonly why: string }>> = {
  'table//apis/policy/v1beta1/poddisruptionbudgets': { to: '/apis/policy/v1/poddisruptionbudgets', why: 'Removed in 1.25' },
  'table//apis/discovery.k8s.io/v1beta1/endpointslices': { to: '/apis/discovery.k8s.io/v1/endpointslices', why: 'Removed in 1.25' },
  'table//apis/flowcontrol.apiserver.k8s.io/v1beta1/flowschemas': {
    to: '/apis/flowcontrol.apiserver.k8s.io/v1/flowschemas',
    why: 'Removed in 1.26',
  },
  'table//apis/flowcontrol.apiserver.k8s.io/v1beta1/prioritylevelconfigurations': {
    to: '/apis/flowcontrol.apiserver.k8s.io/v1/prioritylevelconfigurations',
    why: 'Removed in 1.26',
  },
}

/** What this server does not do so far: by case, what it lacks. */
export const notYet: ReadonlyMap<string, string> = new Map()
