import { jsonEqual } from '../../../api/json-equal.ts'
import { isJsonObject } from '../../../api/merge-patch.ts'
import type { JsonObject, KubeObject } from '../../../api/object.ts'
import { namespaces as namespacesRef, pods as podsRef } from '../../../api/resources.ts'
import type { Namespace, Pod, PodSpec, PodTemplateSpec } from '../../../api/types/core-v1.ts'
import type { ObjectMeta } from '../../../api/types/meta-v1.ts'
import { invalidObject } from '../../invalid-object.ts'
import { kindOf } from '../../kind-of.ts'
import { listPrefix, objectKey } from '../../registry.ts'
import { type AdmissionRequest, forbidden } from '../admission.ts'
import type { AdmissionFactory } from '../standard-admission.ts'
import { isLevel, isStricter, type LevelVersion, modes, noPolicy, type Policy, policyOf, prefix, textOf, versionOf } from './policy.ts'
import { violationsOf } from './standards.ts'
import type { Violation } from './violation.ts'

/** As many of a namespace's pods are looked at when its level becomes stricter. */
const mostPods = 3000
/** Subresources of pods that bring no spec. */
const ignored = new Set(['exec', 'attach', 'binding', 'eviction', 'log', 'portforward', 'proxy', 'status'])
/** Where workloads keep the template of their pods, by `group/plural`. */
const templates: ReadonlyMap<string, (object: JsonObject) => PodTemplateSpec | undefined> = new Map([
  ['/podtemplates', (object: JsonObject) => object.template as PodTemplateSpec | undefined],
  ...['/replicationcontrollers', 'apps/replicasets', 'apps/deployments', 'apps/statefulsets', 'apps/daemonsets', 'batch/jobs'].map(
    (name) => [name, templateIn] as const,
  ),
  ['batch/cronjobs', ({ spec }: JsonObject) => templateIn(((spec as JsonObject | undefined)?.jobTemplate ?? {}) as JsonObject)],
])

function templateIn({ spec }: JsonObject): PodTemplateSpec | undefined {
  return (spec as JsonObject | undefined)?.template as PodTemplateSpec | undefined
}

/** Whom upstream's PodSecurityConfiguration lets do as they like. */
interface Exemptions {
  readonly usernames: ReadonlySet<string>
  readonly namespaces: ReadonlySet<string>
  readonly runtimeClasses: ReadonlySet<string>
}

/** Pods keep the standards that the labels of their namespace name; templates of pods are warned of and audited only. */
export const podSecurity: AdmissionFactory = async ({ catalog, caches, configuration }) => {
  const namespaceKind = kindOf(catalog, namespacesRef)
  const podKind = kindOf(catalog, podsRef)
  const [namespaces, pods] = await Promise.all([caches.load(namespaceKind), caches.load(podKind)])
  const { defaults, exempt } = readConfiguration(configuration)
  /** By the labels' own object, which is shared by all requests that see the same namespace. */
  const policies = new WeakMap<object, ReturnType<typeof policyOf>>()

  return {
    name: 'PodSecurity',
    validate(request) {
      const { kind, operation, draft, subresource } = request
      if (!draft || operation === 'DELETE') return
      if (kind === namespaceKind) {
        if (subresource === '') checkNamespace(request, draft as unknown as Namespace)
        return
      }
      if (kind === podKind) {
        if (!ignored.has(subresource)) checkPod(request, draft as unknown as Pod)
        return
      }
      const templateOf = subresource === '' ? templates.get(`${kind.group}/${kind.plural}`) : undefined
      if (templateOf) checkTemplate(request, templateOf(draft))
    },
  }

  function policyIn(namespace: string | undefined) {
    const entry =
      namespace === undefined ? undefined : namespaces.get(objectKey({ kind: namespaceKind, namespace: undefined, name: namespace }))
    const labels = entry?.object.metadata.labels
    if (!labels) return { policy: defaults, problems: [] }
    const read = policies.get(labels) ?? policyOf(labels, defaults)
    policies.set(labels, read)
    return read
  }

  function checkPod(request: AdmissionRequest, pod: Pod): void {
    const { operation, old, namespace } = request
    const { policy, problems } = policyIn(namespace)
    if (problems.length === 0 && modes.every((mode) => policy[mode].level === 'privileged')) return
    if (isExempt(request) || (operation === 'UPDATE' && old && !isSignificant(pod, old as Pod))) return
    evaluate(request, policy, pod.metadata, pod.spec, true)
  }

  function checkTemplate(request: AdmissionRequest, template: PodTemplateSpec | undefined): void {
    const { policy, problems } = policyIn(request.namespace)
    if (problems.length === 0 && policy.audit.level === 'privileged' && policy.warn.level === 'privileged') return
    if (!template?.spec || isExempt(request)) return
    evaluate(request, policy, template.metadata ?? {}, template.spec, false)
  }

  function isExempt({ namespace = '', user, notes }: AdmissionRequest): boolean {
    const why = exempt.namespaces.has(namespace) ? 'namespace' : exempt.usernames.has(user.name) ? 'user' : undefined
    if (why) notes?.annotate(`${prefix}exempt`, why)
    return why !== undefined
  }

  function evaluate(request: AdmissionRequest, policy: Policy, metadata: Partial<ObjectMeta>, spec: PodSpec, isPod: boolean): void {
    const { notes } = request
    if (spec.runtimeClassName && exempt.runtimeClasses.has(spec.runtimeClassName)) {
      notes?.annotate(`${prefix}exempt`, 'runtimeClass')
      return
    }
    const found = new Map<string, readonly Violation[]>()
    const violations = (standard: LevelVersion) => {
      const key = textOf(standard)
      const known = found.get(key) ?? violationsOf(standard, metadata, spec)
      found.set(key, known)
      return known
    }
    const audited = violations(policy.audit)
    if (audited.length > 0) notes?.annotate(`${prefix}audit-violations`, wouldViolate(policy.audit, audited))
    if (isPod) {
      notes?.annotate(`${prefix}enforce-policy`, textOf(policy.enforce))
      const enforced = violations(policy.enforce)
      if (enforced.length > 0) throw forbidden(request, `violates PodSecurity "${textOf(policy.enforce)}": ${detailsOf(enforced)}`)
    }
    const warned = violations(policy.warn)
    if (warned.length > 0) notes?.warn(wouldViolate(policy.warn, warned))
  }

  /** Labels that cannot be read are refused where they are new; a stricter level tells of pods that it would not let in. */
  function checkNamespace({ kind, name, old, notes }: AdmissionRequest, { metadata }: Namespace): void {
    if (!metadata.labels && !old?.metadata.labels) return
    const { policy, problems } = policyOf(metadata.labels, defaults)
    const before = old && policyOf(old.metadata.labels, defaults)
    if (problems.length > 0 && !(before && jsonEqual(problems, before.problems))) throw invalidObject(kind, name, problems)
    if (!before || exempt.namespaces.has(name)) return
    const [now, then] = [policy.enforce, before.policy.enforce]
    const isLooser = now.version === then.version && !isStricter(now.level, then.level)
    if (now.level === 'privileged' || isLooser) return
    for (const warning of podWarnings(name, now)) notes?.warn(warning)
  }

  function podWarnings(namespace: string, standard: LevelVersion): string[] {
    const groups = new Map<string, { readonly first: string; count: number }>()
    let looked = 0
    for (const entry of pods.range(listPrefix(podKind, namespace))) {
      if (looked++ >= mostPods) break
      const { metadata, spec } = entry.glance() as Pod
      if (spec.runtimeClassName && exempt.runtimeClasses.has(spec.runtimeClassName)) continue
      const reasons = violationsOf(standard, metadata, spec)
        .map(({ reason }) => reason)
        .join(', ')
      if (reasons === '') continue
      const group = groups.get(reasons) ?? { first: metadata.name, count: 0 }
      group.count++
      groups.set(reasons, group)
    }
    if (groups.size === 0) return []
    const all = pods.count(listPrefix(podKind, namespace))
    const lines = [...groups].map(([reasons, { first, count }]) => {
      const others = count === 1 ? '' : count === 2 ? ' (and 1 other pod)' : ` (and ${count - 1} other pods)`
      return `${first}${others}: ${reasons}`
    })
    return [
      ...(all > mostPods ? [`new PodSecurity enforce level only checked against the first ${mostPods} of ${all} existing pods`] : []),
      `existing pods in namespace "${namespace}" violate the new PodSecurity enforce level "${textOf(standard)}"`,
      ...lines.sort(),
    ]
  }
}

const detailsOf = (violations: readonly Violation[]) => violations.map(({ reason, detail }) => `${reason} (${detail})`).join(', ')
const wouldViolate = (standard: LevelVersion, violations: readonly Violation[]) =>
  `would violate PodSecurity "${textOf(standard)}": ${detailsOf(violations)}`

const profileAnnotation = /^(container\.(seccomp|apparmor)\.security\.|seccomp\.security\.alpha\.)/

/** Whether an update changes what standards look at: most of a pod's spec never changes. */
function isSignificant(pod: Pod, old: Pod): boolean {
  const profiles = ({ metadata }: KubeObject) => Object.entries(metadata.annotations ?? {}).filter(([name]) => profileAnnotation.test(name))
  return (
    pod.spec.containers.length !== old.spec.containers.length ||
    (pod.spec.initContainers ?? []).length !== (old.spec.initContainers ?? []).length ||
    !jsonEqual(pod.spec.ephemeralContainers ?? [], old.spec.ephemeralContainers ?? []) ||
    !jsonEqual(profiles(pod), profiles(old))
  )
}

/** Throws words for a configuration that says what there is not. */
function readConfiguration(configuration: JsonObject | undefined): { defaults: Policy; exempt: Exemptions } {
  const given = isJsonObject(configuration?.defaults) ? configuration.defaults : {}
  const exemptions = isJsonObject(configuration?.exemptions) ? configuration.exemptions : {}
  const names = (field: string): ReadonlySet<string> => new Set(Array.isArray(exemptions[field]) ? exemptions[field].map(String) : [])
  const standard = (mode: (typeof modes)[number]): LevelVersion => {
    const level = String(given[mode] ?? noPolicy[mode].level)
    const version = versionOf(String(given[`${mode}-version`] ?? 'latest'))
    if (!isLevel(level) || version === undefined)
      throw new Error(
        `The configuration of PodSecurity has no level and version for ${mode}: ${level}, ${String(given[`${mode}-version`])}`,
      )
    return { level, version }
  }
  return {
    defaults: { enforce: standard('enforce'), audit: standard('audit'), warn: standard('warn') },
    exempt: { usernames: names('usernames'), namespaces: names('namespaces'), runtimeClasses: names('runtimeClasses') },
  }
}
