import type { JsonObject } from '../object.ts'
import type { Container, LifecycleHandler, Pod, PodSpec, Probe, ResourceRequirements, Volume } from '../types/core-v1.ts'

type Draft<T> = { -readonly [Key in keyof T]?: T[Key] }
type HttpGet = NonNullable<Probe['httpGet']>

/** `Always` for a moving tag: none at all, or `latest`. */
export function pullPolicyOf(image: string): 'Always' | 'IfNotPresent' {
  if (image.includes('@')) return 'IfNotPresent'
  const colon = image.lastIndexOf(':')
  const tag = colon > image.lastIndexOf('/') ? image.slice(colon + 1) : undefined
  return tag === undefined || tag === 'latest' ? 'Always' : 'IfNotPresent'
}

/** The defaults of a pod's spec, also of the one in a template. */
export function defaultPodSpec(draft: JsonObject): void {
  const spec: Draft<PodSpec> = draft
  spec.restartPolicy ??= 'Always'
  spec.terminationGracePeriodSeconds ??= 30
  spec.dnsPolicy ??= 'ClusterFirst'
  spec.securityContext ??= {}
  spec.schedulerName ??= 'default-scheduler'
  defaultServiceAccount(spec)
  spec.containers?.forEach(defaultContainer)
  spec.initContainers?.forEach(defaultContainer)
  spec.ephemeralContainers?.forEach(defaultContainer)
  spec.volumes?.forEach(defaultVolume)
}

/** What pods get beside the defaults that a template has, too: a template's own would change what its hash is made of. */
export function defaultPod(draft: Draft<Pod>): void {
  draft.spec ??= { containers: [] }
  const spec: Draft<PodSpec> = draft.spec
  defaultPodSpec(draft.spec as unknown as JsonObject)
  spec.enableServiceLinks ??= true
  for (const container of spec.containers ?? []) defaultRequests(container)
  for (const container of spec.initContainers ?? []) defaultRequests(container)
  if (spec.resources) defaultPodRequests(spec, spec.resources)
  if (spec.hostNetwork) {
    for (const container of spec.containers ?? []) defaultHostPorts(container)
    for (const container of spec.initContainers ?? []) defaultHostPorts(container)
  }
}

/** Two names of one field; the newer one wins. */
function defaultServiceAccount(spec: Draft<PodSpec>): void {
  const name = spec.serviceAccountName || spec.serviceAccount
  if (!name) return
  spec.serviceAccountName = name
  spec.serviceAccount = name
}

function defaultContainer(container: Draft<Container>): void {
  container.imagePullPolicy ??= pullPolicyOf(container.image ?? '')
  container.terminationMessagePath ??= '/dev/termination-log'
  container.terminationMessagePolicy ??= 'File'
  container.resources ??= {}
  for (const port of container.ports ?? []) port.protocol ||= 'TCP'
  for (const variable of container.env ?? []) {
    if (variable.valueFrom?.fieldRef) variable.valueFrom.fieldRef.apiVersion ||= 'v1'
    if (variable.valueFrom?.fileKeyRef) variable.valueFrom.fileKeyRef.optional ??= false
    if (variable.valueFrom?.resourceFieldRef) variable.valueFrom.resourceFieldRef.divisor ??= '0'
  }
  defaultProbe(container.livenessProbe)
  defaultProbe(container.readinessProbe)
  defaultProbe(container.startupProbe)
  defaultHandler(container.lifecycle?.postStart)
  defaultHandler(container.lifecycle?.preStop)
}

function defaultProbe(probe: Draft<Probe> | undefined): void {
  if (!probe) return
  probe.timeoutSeconds ||= 1
  probe.periodSeconds ||= 10
  probe.successThreshold ||= 1
  probe.failureThreshold ||= 3
  if (probe.httpGet) defaultHttpGet(probe.httpGet)
  if (probe.grpc) probe.grpc.service ??= ''
}

function defaultHandler(handler: LifecycleHandler | undefined): void {
  if (handler?.httpGet) defaultHttpGet(handler.httpGet)
}

function defaultHttpGet(get: HttpGet): void {
  get.path ||= '/'
  get.scheme ||= 'HTTP'
}

const fileMode = 0o644

function defaultVolume(volume: Draft<Volume>): void {
  if (Object.keys(volume).length <= 1) volume.emptyDir = {}
  if (volume.configMap) volume.configMap.defaultMode ??= fileMode
  if (volume.secret) volume.secret.defaultMode ??= fileMode
  if (volume.hostPath) volume.hostPath.type ??= ''
  if (volume.downwardAPI) {
    volume.downwardAPI.defaultMode ??= fileMode
    volume.downwardAPI.items?.forEach(defaultDownwardItem)
  }
  if (volume.projected) {
    volume.projected.defaultMode ??= fileMode
    for (const { serviceAccountToken, downwardAPI } of volume.projected.sources ?? []) {
      if (serviceAccountToken) serviceAccountToken.expirationSeconds ??= 3600
      downwardAPI?.items?.forEach(defaultDownwardItem)
    }
  }
  if (volume.image) volume.image.pullPolicy ||= pullPolicyOf(volume.image.reference ?? '')
  if (volume.ephemeral?.volumeClaimTemplate) volume.ephemeral.volumeClaimTemplate.spec.volumeMode ??= 'Filesystem'
  if (volume.iscsi) volume.iscsi.iscsiInterface ||= 'default'
}

function defaultDownwardItem({
  fieldRef,
  resourceFieldRef,
}: {
  fieldRef?: { apiVersion?: string }
  resourceFieldRef?: { divisor?: string }
}): void {
  if (fieldRef) fieldRef.apiVersion ||= 'v1'
  if (resourceFieldRef) resourceFieldRef.divisor ??= '0'
}

/** What is limited and not requested is requested as far as it is limited. */
function defaultRequests({ resources }: Container): void {
  if (resources?.limits) resources.requests = { ...resources.limits, ...resources.requests }
}

/** A pod-level limit is requested, too, unless the containers ask for the resource themselves. */
function defaultPodRequests(spec: Draft<PodSpec>, resources: ResourceRequirements): void {
  const requests = { ...resources.requests }
  for (const [name, limit] of Object.entries(resources.limits ?? {})) {
    const isAsked = [...(spec.containers ?? []), ...(spec.initContainers ?? [])].some(
      (each) => each.resources?.requests?.[name] !== undefined,
    )
    if (requests[name] === undefined && !isAsked) requests[name] = limit
  }
  if (Object.keys(requests).length > 0) resources.requests = requests
}

function defaultHostPorts({ ports }: Container): void {
  for (const port of ports ?? []) port.hostPort ||= port.containerPort
}
