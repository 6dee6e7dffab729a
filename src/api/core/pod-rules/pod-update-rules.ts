import type { Found } from '../../checks.ts'
import { jsonEqual } from '../../json-equal.ts'
import { forbidden, invalid, required } from '../../problem.ts'
import type { Container, Pod, PodSpec, Toleration } from '../../types/core-v1.ts'
import { checkImageSpace } from './container-rules.ts'
import { checkTolerations } from './scheduling-rules.ts'

const updatable = [
  '`spec.containers[*].image`',
  '`spec.initContainers[*].image`',
  '`spec.activeDeadlineSeconds`',
  '`spec.tolerations` (only additions to existing tolerations)',
  '`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)',
]
const maxSeconds = 2_147_483_647

/** What of a pod's spec an update may change; everything else is given for the pod's life. */
export function checkPodUpdate(found: Found, pod: Pod, old: Pod): void {
  const [spec, before] = [pod.spec, old.spec]
  if (!checkContainerUpdates(found, 'spec.containers', spec.containers, before.containers)) return
  if (!checkContainerUpdates(found, 'spec.initContainers', spec.initContainers ?? [], before.initContainers ?? [])) return
  if (!checkDeadline(found, spec.activeDeadlineSeconds, before.activeDeadlineSeconds)) return
  checkAddedTolerations(found, spec.tolerations ?? [], before.tolerations ?? [])
  const gates = new Set(before.schedulingGates?.map(({ name }) => name))
  spec.schedulingGates?.forEach(({ name }, index) => {
    if (!gates.has(name))
      found.push(forbidden(`spec.schedulingGates[${index}].name`, `only deletion is allowed, but found new scheduling gate '${name}'`))
  })
  if (jsonEqual(spec, before)) return
  const kept = keptSpec(spec, before)
  if (gates.size > 0) {
    // While nothing schedules it, a pod may still be told more narrowly where to run.
    checkNarrowed(found, spec, before)
    kept.nodeSelector = before.nodeSelector
    if (onlyNodeAffinityDiffers(spec, before)) kept.affinity = before.affinity
  }
  if (!jsonEqual(plain(kept), before))
    found.push(
      forbidden(
        'spec',
        `pod updates may not change fields other than ${updatable.join(',')}\n${difference('', before, plain(kept)).join('\n')}`,
      ),
    )
}

function checkContainerUpdates(found: Found, field: string, containers: readonly Container[], before: readonly Container[]): boolean {
  if (containers.length !== before.length) {
    found.push(forbidden(field, 'pod updates may not add or remove containers'))
    return false
  }
  containers.forEach((container, index) => {
    if (!container.image) found.push(required(`${field}[${index}].image`))
    checkImageSpace(found, `${field}[${index}]`, container)
  })
  return true
}

/** A deadline may be set and shortened. */
function checkDeadline(found: Found, seconds: number | undefined, before: number | undefined): boolean {
  const field = 'spec.activeDeadlineSeconds'
  if (seconds === undefined) {
    if (before !== undefined) found.push(invalid(field, null, 'must not update from a positive integer to nil value'))
    return true
  }
  if (seconds < 0 || seconds > maxSeconds) found.push(invalid(field, seconds, `must be between 0 and ${maxSeconds}, inclusive`))
  else if (before !== undefined && before < seconds) found.push(invalid(field, seconds, 'must be less than or equal to previous value'))
  else return true
  return false
}

function checkAddedTolerations(found: Found, tolerations: readonly Toleration[], before: readonly Toleration[]): void {
  const withoutSeconds = ({ tolerationSeconds: _, ...rest }: Toleration) => rest
  const isKept = (old: Toleration) => tolerations.some((each) => jsonEqual(withoutSeconds(each), withoutSeconds(old)))
  if (before.every(isKept)) checkTolerations(found, 'spec.tolerations', tolerations)
  else found.push(forbidden('spec.tolerations', 'existing toleration can not be modified except its tolerationSeconds'))
}

/** The new spec with the old values of what may change. */
function keptSpec(spec: PodSpec, before: PodSpec): { -readonly [Key in keyof PodSpec]: PodSpec[Key] | undefined } {
  const withImages = (containers: readonly Container[] | undefined, old: readonly Container[] | undefined) =>
    containers?.map((container, index) => withImage(container, old?.[index]?.image))
  const grace = (before.terminationGracePeriodSeconds ?? 0) < 0 && spec.terminationGracePeriodSeconds === 1
  return {
    ...spec,
    containers: withImages(spec.containers, before.containers) ?? [],
    initContainers: withImages(spec.initContainers, before.initContainers),
    activeDeadlineSeconds: before.activeDeadlineSeconds,
    tolerations: before.tolerations,
    schedulingGates: before.schedulingGates,
    terminationGracePeriodSeconds: grace ? before.terminationGracePeriodSeconds : spec.terminationGracePeriodSeconds,
  }
}

const withImage = ({ image: _, ...rest }: Container, image: string | undefined): Container => ({
  ...rest,
  ...(image !== undefined && { image }),
})

function checkNarrowed(found: Found, spec: PodSpec, before: PodSpec): void {
  for (const [key, value] of Object.entries(before.nodeSelector ?? {}))
    if (spec.nodeSelector?.[key] !== value) {
      found.push(invalid('spec.nodeSelector', spec.nodeSelector, 'only additions are allowed (no mutations or deletions)'))
      return
    }
  const terms = before.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms
  const now = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms
  const field = 'spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms'
  if (!terms) return
  if (terms.length !== now?.length) {
    found.push(invalid(field, now, 'no additions/deletions to non-empty NodeSelectorTerms list are allowed'))
    return
  }
  terms.forEach((term, index) => {
    const narrowed = (['matchExpressions', 'matchFields'] as const).every((name) => {
      const [old, current] = [term[name] ?? [], now[index]?.[name] ?? []]
      return old.length <= current.length && old.every((each, place) => jsonEqual(each, current[place]))
    })
    if (!narrowed) found.push(invalid(`${field}[${index}]`, now[index], 'only additions are allowed (no mutations or deletions)'))
  })
}

function onlyNodeAffinityDiffers(spec: PodSpec, before: PodSpec): boolean {
  const others = ({ affinity = {} }: PodSpec) => ({ podAffinity: affinity.podAffinity, podAntiAffinity: affinity.podAntiAffinity })
  return jsonEqual(others(spec), others(before))
}

/** Without fields that are undefined, which JSON does not have. */
const plain = (value: object): object => Object.fromEntries(Object.entries(value).filter(([, each]) => each !== undefined))

/** A line for every value that went away or came. */
function difference(path: string, before: unknown, now: unknown): string[] {
  if (jsonEqual(before, now)) return []
  const isContainer = (value: unknown): value is object => typeof value === 'object' && value !== null
  if (!isContainer(before) || !isContainer(now) || Array.isArray(before) !== Array.isArray(now)) {
    const line = (sign: string, value: unknown) => (value === undefined ? [] : [`${sign} ${path}: ${JSON.stringify(value)}`])
    return [...line('-', before), ...line('+', now)]
  }
  const [left, right] = [before as Record<string, unknown>, now as Record<string, unknown>]
  const step = (name: string) => (Array.isArray(before) ? `${path}[${name}]` : path === '' ? name : `${path}.${name}`)
  return [...new Set([...Object.keys(left), ...Object.keys(right)])].flatMap((name) => difference(step(name), left[name], right[name]))
}
