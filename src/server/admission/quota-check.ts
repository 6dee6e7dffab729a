import type { KubeObject } from '../../api/object.ts'
import { addAll, type Quantities, quantitiesOf, zeroQuantity } from '../../api/quantities.ts'
import { compareQuantities, formatQuantity, type Quantity } from '../../api/quantity.ts'
import { isIn, isWithin, scopesOf } from '../../api/quota/scopes.ts'
import { type Counted, canUse, computeUsage, usageOf } from '../../api/quota/usage.ts'
import type { Container, Pod, ResourceQuota, ResourceRequirements, ScopedResourceSelectorRequirement } from '../../api/types/core-v1.ts'

/** What a write would use, beside what the object used before. */
export interface Charge {
  readonly counted: Counted
  readonly object: KubeObject
  /** What is there now; undefined for a create. */
  readonly old: KubeObject | undefined
}

/** A resource that nobody may use without a quota for it, as upstream's configuration of the plug-in says. */
export interface LimitedResource {
  readonly apiGroup?: string
  readonly resource: string
  readonly matchContains?: readonly string[]
  readonly matchScopes?: readonly ScopedResourceSelectorRequirement[]
}

/** What of a namespace's quotas is used by now, or why a write is refused. */
export type Charged =
  | { readonly type: 'allowed'; readonly used: ReadonlyMap<ResourceQuota, Quantities> }
  | { readonly type: 'refused'; readonly why: string }

const refused = (why: string): Charged => ({ type: 'refused', why })

/** Whether a quota says anything of a write: most writes in a namespace with quotas are none of theirs. */
export function concerns({ status, spec }: ResourceQuota, { counted, object }: Charge): boolean {
  return Object.keys(status?.hard ?? {}).some((name) => canUse(counted, name)) && isWithin(counted, object, scopesOf(spec))
}

/** Charges a write to every quota that it concerns, or to none. `used` is what was used before it. */
export function charge(
  quotas: readonly ResourceQuota[],
  used: ReadonlyMap<ResourceQuota, Quantities>,
  write: Charge,
  limited: readonly LimitedResource[],
  nowMs: number,
): Charged {
  const { counted, object, old } = write
  const concerned = quotas.filter((quota) => concerns(quota, write))
  for (const quota of concerned) {
    const names = Object.keys(quota.status?.hard ?? {}).filter((name) => canUse(counted, name))
    const missing = missingIn(counted, object, names)
    if (missing !== '') return refused(`failed quota: ${quota.metadata.name}: must specify ${missing}`)
    if (names.some((name) => quota.status?.used?.[name] === undefined))
      return refused(`status unknown for quota: ${quota.metadata.name}, resources: ${[...names].sort().join(',')}`)
  }
  const usage = usageOf(counted, object, nowMs)
  const negative = [...usage].filter(([, amount]) => amount.nanos < 0n).map(([name]) => name)
  if (negative.length > 0) return refused(`quota usage is negative for resource(s): ${negative.sort().join(',')}`)
  const more = withoutZeros(old ? minus(usage, usageOf(counted, old, nowMs)) : usage)
  if (more.size === 0) return { type: 'allowed', used }
  const uncovered = uncoveredBy(concerned, write, more, limited)
  if (uncovered !== '') return refused(uncovered)
  const after = new Map(used)
  for (const quota of concerned) {
    const before = used.get(quota) ?? new Map<string, Quantity>()
    const hard = quantitiesOf(quota.status?.hard)
    const requested = new Map([...more].filter(([name]) => hard.has(name)))
    const total = addAll(new Map(before), requested)
    const exceeded = [...requested].flatMap(([name, { nanos }]) =>
      nanos > 0n && compareQuantities(total.get(name) ?? zeroQuantity, hard.get(name) ?? zeroQuantity) > 0 ? [name] : [],
    )
    if (exceeded.length > 0)
      return refused(
        `exceeded quota: ${quota.metadata.name}, requested: ${shown(requested, exceeded)}, used: ${shown(before, exceeded)}, limited: ${shown(hard, exceeded)}`,
      )
    after.set(quota, total)
  }
  return { type: 'allowed', used: after }
}

const withoutZeros = (amounts: Quantities): Quantities => new Map([...amounts].filter(([, { nanos }]) => nanos !== 0n))

function minus(amounts: Quantities, less: Quantities): Quantities {
  const negated = new Map([...less].map(([name, { nanos, format }]) => [name, { nanos: -nanos, format }]))
  return addAll(new Map(amounts), negated)
}

const shown = (amounts: Quantities, names: readonly string[]): string =>
  [...names]
    .sort()
    .map((name) => `${name}=${formatQuantity(amounts.get(name) ?? zeroQuantity)}`)
    .join(',')

/** Where cpu or memory is limited every container says how much it needs, for else nobody could count. */
const mustBeSaid = new Set(['cpu', 'memory', 'requests.cpu', 'requests.memory', 'limits.cpu', 'limits.memory'])

function missingIn({ group, plural }: Counted, object: KubeObject, names: readonly string[]): string {
  if (group !== '' || plural !== 'pods') return ''
  const required = names.filter((name) => mustBeSaid.has(name)).sort()
  if (required.length === 0) return ''
  const { spec } = object as Pod
  const containers: readonly Container[] = [...(spec.containers ?? []), ...(spec.initContainers ?? [])]
  const silentAbout = (wanted: string): string[] => {
    const whole = said(spec.resources)
    return containers.filter(({ resources }) => !whole.has(wanted) && !said(resources).has(wanted)).map(({ name }) => name)
  }
  return required
    .map((name) => ({ name, silent: silentAbout(name) }))
    .filter(({ silent }) => silent.length > 0)
    .map(({ name, silent }) => `${name} for: ${[...new Set(silent)].sort().join(',')}`)
    .join('; ')
}

const said = (resources: ResourceRequirements | undefined): Quantities =>
  computeUsage(quantitiesOf(resources?.requests), quantitiesOf(resources?.limits))

/** What of a write no quota covers though it has to be covered, in upstream's words; '' for nothing. */
function uncoveredBy(
  concerned: readonly ResourceQuota[],
  { counted, object }: Charge,
  more: Quantities,
  limited: readonly LimitedResource[],
): string {
  const rules = limited.filter(({ apiGroup = '', resource }) => apiGroup === counted.group && resource === counted.plural)
  if (rules.length === 0) return ''
  const covered = new Set(concerned.flatMap(({ status }) => Object.keys(status?.hard ?? {})))
  const names = [...more.keys()].filter((name) => rules.some(({ matchContains = [] }) => matchContains.some((part) => name.includes(part))))
  const free = names.filter((name) => !covered.has(name))
  if (free.length > 0) return `insufficient quota to consume: ${free.sort().join(',')}`
  const scopes = rules.flatMap(({ matchScopes = [] }) => matchScopes).filter((scope) => isIn(counted, object, scope))
  const coveredScopes = new Set(concerned.flatMap(({ spec }) => scopesOf(spec)).map(({ scopeName }) => scopeName))
  const freeScopes = scopes.filter(({ scopeName }) => !coveredScopes.has(scopeName))
  if (freeScopes.length === 0) return ''
  const words = freeScopes.map(({ scopeName, operator, values = [] }) => `{${scopeName} ${operator} [${values.join(' ')}]}`)
  return `insufficient quota to match these scopes: [${words.join(' ')}]`
}
