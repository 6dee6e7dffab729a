import { checkFormat, checkLabelSelector, checkOneOf, checkRequiredOneOf, type Found } from '../../checks.ts'
import { dnsLabelProblems, dnsSubdomainProblems, labelValueProblems, qualifiedNameProblems } from '../../names.ts'
import { duplicate, forbidden, invalid, notSupported, required } from '../../problem.ts'
import type {
  Affinity,
  NodeSelectorRequirement,
  NodeSelectorTerm,
  PodAffinityTerm,
  Toleration,
  TopologySpreadConstraint,
} from '../../types/core-v1.ts'

/** Effects of taints, which tolerations name, too. */
export const taintEffects = ['NoSchedule', 'PreferNoSchedule', 'NoExecute']
const tolerationOperators = ['Equal', 'Exists']
const inclusions = new Set(['Honor', 'Ignore'])
const unsatisfiable = new Set(['DoNotSchedule', 'ScheduleAnyway'])

export function checkTolerations(found: Found, field: string, tolerations: readonly Toleration[] | undefined): void {
  tolerations?.forEach(({ key = '', operator = '', value = '', effect = '', tolerationSeconds }, index) => {
    const at = `${field}[${index}]`
    if (key !== '') checkFormat(found, `${at}.key`, key, qualifiedNameProblems)
    else if (operator !== 'Exists')
      found.push(
        invalid(`${at}.operator`, operator, 'operator must be Exists when `key` is empty, which means "match all values and all keys"'),
      )
    if (tolerationSeconds !== undefined && effect !== 'NoExecute')
      found.push(invalid(`${at}.effect`, effect, "effect must be 'NoExecute' when `tolerationSeconds` is set"))
    if (operator === '' || operator === 'Equal') {
      const problems = labelValueProblems(value)
      if (problems.length > 0) found.push(invalid(`${at}.operator`, value, problems.join(';')))
    } else if (operator !== 'Exists') found.push(notSupported(`${at}.operator`, operator, tolerationOperators))
    else if (value !== '') found.push(invalid(`${at}.operator`, value, "value must be empty when `operator` is 'Exists'"))
    if (effect !== '') checkOneOf(found, `${at}.effect`, effect, taintEffects)
  })
}

export function checkAffinity(found: Found, field: string, affinity: Affinity | undefined): void {
  if (!affinity) return
  const { nodeAffinity, podAffinity, podAntiAffinity } = affinity
  const requiredTerms = nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution
  if (requiredTerms)
    checkNodeSelector(found, `${field}.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution`, requiredTerms.nodeSelectorTerms)
  nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution?.forEach(({ weight, preference }, index) => {
    const at = `${field}.nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution[${index}]`
    checkWeight(found, at, weight)
    // A value that no label can have is let through where it only expresses a wish.
    checkNodeTerm(found, `${at}.preference`, preference, true)
  })
  for (const [name, group] of [
    ['podAffinity', podAffinity],
    ['podAntiAffinity', podAntiAffinity],
  ] as const) {
    group?.requiredDuringSchedulingIgnoredDuringExecution?.forEach((term, index) => {
      checkPodTerm(found, `${field}.${name}.requiredDuringSchedulingIgnoredDuringExecution[${index}]`, term)
    })
    group?.preferredDuringSchedulingIgnoredDuringExecution?.forEach(({ weight, podAffinityTerm }, index) => {
      const at = `${field}.${name}.preferredDuringSchedulingIgnoredDuringExecution[${index}]`
      checkWeight(found, at, weight)
      checkPodTerm(found, `${at}.podAffinityTerm`, podAffinityTerm)
    })
  }
}

function checkWeight(found: Found, field: string, weight: number): void {
  if (!(weight > 0 && weight <= 100)) found.push(invalid(`${field}.weight`, weight ?? 0, 'must be in the range 1-100'))
}

/** Terms of which one must hold; also those of a volume's node affinity. */
export function checkNodeSelector(found: Found, field: string, terms: readonly NodeSelectorTerm[] | undefined): void {
  if (!terms?.length) found.push(required(`${field}.nodeSelectorTerms`, 'must have at least one node selector term'))
  terms?.forEach((term, index) => {
    checkNodeTerm(found, `${field}.nodeSelectorTerms[${index}]`, term, false)
  })
}

function checkNodeTerm(found: Found, field: string, term: NodeSelectorTerm | undefined, anyValue: boolean): void {
  term?.matchExpressions?.forEach((requirement, index) => {
    checkNodeRequirement(found, `${field}.matchExpressions[${index}]`, requirement, anyValue)
  })
  term?.matchFields?.forEach(({ key, operator, values = [] }, index) => {
    const at = `${field}.matchFields[${index}]`
    if (operator !== 'In' && operator !== 'NotIn') found.push(invalid(`${at}.operator`, operator ?? '', 'not a valid selector operator'))
    else if (values.length !== 1)
      found.push(required(`${at}.values`, "must be only one value when `operator` is 'In' or 'NotIn' for node field selector"))
    if (key !== 'metadata.name') found.push(invalid(`${at}.key`, key ?? '', 'not a valid field selector key'))
    else
      values.forEach((value, place) => {
        checkFormat(found, `${at}.values[${place}]`, value, dnsSubdomainProblems)
      })
  })
}

function checkNodeRequirement(
  found: Found,
  field: string,
  { key, operator, values = [] }: NodeSelectorRequirement,
  anyValue: boolean,
): void {
  switch (operator) {
    case 'In':
    case 'NotIn':
      if (values.length === 0) found.push(required(`${field}.values`, "must be specified when `operator` is 'In' or 'NotIn'"))
      break
    case 'Exists':
    case 'DoesNotExist':
      if (values.length > 0) found.push(forbidden(`${field}.values`, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"))
      break
    case 'Gt':
    case 'Lt':
      if (values.length !== 1) found.push(required(`${field}.values`, "must be specified single value when `operator` is 'Lt' or 'Gt'"))
      break
    default:
      found.push(invalid(`${field}.operator`, operator ?? '', 'not a valid selector operator'))
  }
  checkFormat(found, `${field}.key`, key ?? '', qualifiedNameProblems)
  if (!anyValue)
    values.forEach((value, index) => {
      checkFormat(found, `${field}.values[${index}]`, value, labelValueProblems)
    })
}

function checkPodTerm(found: Found, field: string, term: PodAffinityTerm | undefined): void {
  const { labelSelector, namespaceSelector, namespaces, topologyKey = '', matchLabelKeys, mismatchLabelKeys } = term ?? { topologyKey: '' }
  checkLabelSelector(found, `${field}.labelSelector`, labelSelector)
  checkLabelSelector(found, `${field}.namespaceSelector`, namespaceSelector)
  for (const namespace of namespaces ?? []) checkFormat(found, `${field}.namespace`, namespace, dnsLabelProblems)
  if ((matchLabelKeys?.length || mismatchLabelKeys?.length) && !labelSelector)
    found.push(
      forbidden(
        `${field}.${matchLabelKeys?.length ? 'matchLabelKeys' : 'mismatchLabelKeys'}`,
        'must not be specified when labelSelector is not set',
      ),
    )
  if (topologyKey === '') found.push(required(`${field}.topologyKey`, 'can not be empty'))
  checkFormat(found, `${field}.topologyKey`, topologyKey, qualifiedNameProblems)
}

export function checkSpreading(found: Found, field: string, constraints: readonly TopologySpreadConstraint[] | undefined): void {
  const seen = new Set<string>()
  constraints?.forEach((constraint, index) => {
    const at = `${field}[${index}]`
    const { maxSkew, topologyKey, whenUnsatisfiable, minDomains, labelSelector, matchLabelKeys } = constraint
    if (!(maxSkew > 0)) found.push(invalid(`${at}.maxSkew`, maxSkew ?? 0, 'must be greater than zero'))
    if (!topologyKey) found.push(required(`${at}.topologyKey`, 'can not be empty'))
    else checkFormat(found, `${at}.topologyKey`, topologyKey, qualifiedNameProblems)
    checkRequiredOneOf(found, `${at}.whenUnsatisfiable`, whenUnsatisfiable, unsatisfiable)
    const pair = `{${topologyKey}, ${whenUnsatisfiable}}`
    if (seen.has(pair)) found.push(duplicate(`${at}.{topologyKey, whenUnsatisfiable}`, pair))
    seen.add(pair)
    if (minDomains !== undefined) {
      if (minDomains <= 0) found.push(invalid(`${at}.minDomains`, minDomains, 'must be greater than zero'))
      else if (whenUnsatisfiable !== 'DoNotSchedule')
        found.push(
          invalid(`${at}.minDomains`, minDomains, `can only use minDomains if whenUnsatisfiable=DoNotSchedule, not ${whenUnsatisfiable}`),
        )
    }
    checkOneOf(found, `${at}.nodeAffinityPolicy`, constraint.nodeAffinityPolicy, inclusions)
    checkOneOf(found, `${at}.nodeTaintsPolicy`, constraint.nodeTaintsPolicy, inclusions)
    matchLabelKeys?.forEach((key, place) => {
      checkFormat(found, `${at}.matchLabelKeys[${place}]`, key, qualifiedNameProblems)
    })
    if (matchLabelKeys?.length && !labelSelector)
      found.push(forbidden(`${at}.matchLabelKeys`, 'must not be specified when labelSelector is not set'))
    checkLabelSelector(found, `${at}.labelSelector`, labelSelector)
  })
}
