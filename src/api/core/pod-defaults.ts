import type { JsonObject } from '../object.ts'
import type { Container, PodSpec, Probe } from '../types/core-v1.ts'

type Draft<T> = { -readonly [Key in keyof T]?: T[Key] }

/** `Always` for a moving tag: none at all, or `latest`. */
export function pullPolicyOf(image: string): 'Always' | 'IfNotPresent' {
  if (image.includes('@')) return 'IfNotPresent'
  const tag = /:([^:/]*)$/.exec(image)?.[1]
  return tag === undefined || tag === 'latest' ? 'Always' : 'IfNotPresent'
}

function defaultProbe(probe: Draft<Probe> | undefined): void {
  if (!probe) return
  probe.timeoutSeconds ??= 1
  probe.periodSeconds ??= 10
  probe.successThreshold ??= 1
  probe.failureThreshold ??= 3
  if (probe.httpGet) probe.httpGet = { ...probe.httpGet, path: probe.httpGet.path ?? '/', scheme: probe.httpGet.scheme ?? 'HTTP' }
}

function defaultContainer(container: Draft<Container>): void {
  container.imagePullPolicy ??= pullPolicyOf(container.image ?? '')
  container.terminationMessagePath ??= '/dev/termination-log'
  container.terminationMessagePolicy ??= 'File'
  container.resources ??= {}
  const { limits, requests } = container.resources
  if (limits) container.resources = { ...container.resources, requests: { ...limits, ...requests } }
  if (container.ports) container.ports = container.ports.map((port) => ({ ...port, protocol: port.protocol ?? 'TCP' }))
  for (const probe of [container.livenessProbe, container.readinessProbe, container.startupProbe]) defaultProbe(probe)
}

/** The defaults of a pod's spec, also of the one in a template. */
export function defaultPodSpec(draft: JsonObject): void {
  const spec: Draft<PodSpec> = draft
  spec.restartPolicy ??= 'Always'
  spec.terminationGracePeriodSeconds ??= 30
  spec.dnsPolicy ??= 'ClusterFirst'
  spec.securityContext ??= {}
  spec.schedulerName ??= 'default-scheduler'
  if (spec.serviceAccountName) spec.serviceAccount ??= spec.serviceAccountName
  for (const container of [...(spec.containers ?? []), ...(spec.initContainers ?? [])]) defaultContainer(container)
  for (const volume of spec.volumes ?? []) {
    if (volume.configMap) volume.configMap.defaultMode ??= 0o644
    if (volume.secret) volume.secret.defaultMode ??= 0o644
    if (volume.projected) volume.projected.defaultMode ??= 0o644
    if (volume.downwardAPI) volume.downwardAPI.defaultMode ??= 0o644
  }
}
