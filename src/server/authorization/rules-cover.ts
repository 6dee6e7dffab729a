import type { PolicyRule } from '../../api/types/rbac-v1.ts'
import { includesValue } from '../../base/includes-value.ts'
import { coversResource, holds, pathCovers } from './rule-allows.ts'

/** Permissions into which rules are broken up at most; a role that means more is not held by anybody. */
const maxPermissions = 20_000
/** Paths of one held rule that are compared: they are compared one by one, since each may stand for many. */
const maxPaths = 100

/**
 * What of the wanted rules the held ones do not allow, each as one verb on one resource (and name) or path; empty when all
 * is held. Wanted stars are held by stars alone.
 */
export function missingRules(held: readonly PolicyRule[], wanted: readonly PolicyRule[]): PolicyRule[] {
  const missing: PolicyRule[] = []
  let permissions = 0
  for (const rule of wanted) {
    // Mostly one rule holds another whole: nothing is broken up then.
    if (held.some((each) => coversWhole(each, rule))) continue
    permissions += permissionsIn(rule)
    if (permissions > maxPermissions) missing.push(rule)
    else missing.push(...missingOf(held, rule))
  }
  return missing
}

const sizeOf = (values: readonly string[] | undefined) => values?.length ?? 0

function permissionsIn({ verbs, apiGroups, resources, resourceNames, nonResourceURLs }: PolicyRule): number {
  return sizeOf(verbs) * (sizeOf(apiGroups) * sizeOf(resources) * Math.max(1, sizeOf(resourceNames)) + sizeOf(nonResourceURLs))
}

function coversWhole(held: PolicyRule, wanted: PolicyRule): boolean {
  return (
    (wanted.verbs ?? []).every((verb) => coversVerb(held, verb)) &&
    (wanted.apiGroups ?? []).every((group) => coversGroup(held, group)) &&
    (wanted.resources ?? []).every((resource) => coversResourceOf(held, resource)) &&
    (wanted.nonResourceURLs ?? []).every((url) => coversPath(held, url)) &&
    coversNames(held, wanted.resourceNames)
  )
}

/** Narrowed group by group, resource by resource: what is left to compare is small. */
function missingOf(held: readonly PolicyRule[], wanted: PolicyRule): PolicyRule[] {
  const missing: PolicyRule[] = []
  for (const group of wanted.apiGroups ?? []) {
    const ofGroup = held.filter((rule) => coversGroup(rule, group))
    for (const resource of wanted.resources ?? []) {
      const ofResource = ofGroup.filter((rule) => coversResourceOf(rule, resource))
      for (const verb of wanted.verbs ?? []) {
        const ofVerb = ofResource.filter((rule) => coversVerb(rule, verb))
        const names = wanted.resourceNames?.length ? wanted.resourceNames : [undefined]
        for (const name of names) {
          const resourceNames = name === undefined ? undefined : [name]
          if (ofVerb.some((rule) => coversNames(rule, resourceNames))) continue
          missing.push({ apiGroups: [group], resources: [resource], ...(resourceNames && { resourceNames }), verbs: [verb] })
        }
      }
    }
  }
  for (const url of wanted.nonResourceURLs ?? []) {
    const ofUrl = held.filter((rule) => coversPath(rule, url))
    for (const verb of wanted.verbs ?? [])
      if (!ofUrl.some((rule) => coversVerb(rule, verb))) missing.push({ nonResourceURLs: [url], verbs: [verb] })
  }
  return missing
}

const coversVerb = ({ verbs }: PolicyRule, verb: string) => holds(verbs, verb)
const coversGroup = ({ apiGroups }: PolicyRule, group: string) => holds(apiGroups, group)
const coversPath = ({ nonResourceURLs = [] }: PolicyRule, url: string) =>
  includesValue(nonResourceURLs, '*') || nonResourceURLs.slice(0, maxPaths).some((each) => pathCovers(each, url))

function coversResourceOf({ resources }: PolicyRule, wanted: string): boolean {
  const slash = wanted.indexOf('/')
  return slash < 0 ? coversResource(resources, wanted, '') : coversResource(resources, wanted.slice(0, slash), wanted.slice(slash + 1))
}

/** Who may touch some names may not give away all. */
const coversNames = ({ resourceNames: held }: PolicyRule, wanted: readonly string[] | undefined) =>
  !held?.length || (wanted !== undefined && wanted.length > 0 && wanted.every((name) => includesValue(held, name)))

/** As upstream shows them: permissions on one resource together, each rule a line, in order. */
export function describedRules(rules: readonly PolicyRule[]): string[] {
  const together = new Map<string, PolicyRule>()
  for (const rule of rules) {
    const { apiGroups, resources, resourceNames, nonResourceURLs, verbs } = rule
    const isSimple = !nonResourceURLs?.length && apiGroups?.length === 1 && resources?.length === 1 && sizeOf(resourceNames) <= 1
    const key = isSimple ? JSON.stringify([apiGroups, resources, resourceNames]) : JSON.stringify(rule)
    const before = together.get(key)
    together.set(key, before && isSimple ? { ...before, verbs: [...before.verbs, ...verbs] } : rule)
  }
  return [...new Set([...together.values()].map(describedRule))].sort()
}

function describedRule({ apiGroups, resources, nonResourceURLs, resourceNames, verbs }: PolicyRule): string {
  const parts = { APIGroups: apiGroups, Resources: resources, NonResourceURLs: nonResourceURLs, ResourceNames: resourceNames, Verbs: verbs }
  const shown = Object.entries(parts).flatMap(([name, values]) => (values?.length ? [`${name}:${quotedList(values)}`] : []))
  return `{${shown.join(', ')}}`
}

/** As Go prints a list of quoted strings. */
export const quotedList = (values: readonly string[]): string => `[${values.map((value) => JSON.stringify(value)).join(' ')}]`
