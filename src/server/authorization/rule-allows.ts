import type { PolicyRule } from '../../api/types/rbac-v1.ts'
import { includesValue } from '../../base/includes-value.ts'
import type { RequestAttributes } from '../request-attributes.ts'

/**
 * Whether a rule of a role covers a request. A star stands for all, before a slash for every resource's subresource of that
 * name, at the end of a path for all that begin like it. Without resourceNames a rule covers all names; with them it never
 * covers what has no name (a list, a create).
 */
export function ruleAllows(rule: PolicyRule, attributes: RequestAttributes): boolean {
  if (!holds(rule.verbs, attributes.verb)) return false
  if (attributes.type === 'path') return rule.nonResourceURLs?.some((url) => pathCovers(url, attributes.path)) ?? false
  const { group, resource, subresource, name } = attributes
  return (
    holds(rule.apiGroups, group) &&
    coversResource(rule.resources, resource, subresource) &&
    (!rule.resourceNames?.length || includesValue(rule.resourceNames, name))
  )
}

/** Whether a rule's verbs or groups have this one, or all. */
export const holds = (values: readonly string[] | undefined, wanted: string): boolean =>
  values !== undefined && (includesValue(values, wanted) || includesValue(values, '*'))

/** Whether a rule's resources have this one, whose subresource may be ''. */
export function coversResource(resources: readonly string[] | undefined, resource: string, subresource: string): boolean {
  if (!resources) return false
  if (subresource === '') return holds(resources, resource)
  return holds(resources, `${resource}/${subresource}`) || includesValue(resources, `*/${subresource}`)
}

/** Whether a rule's path means this one. */
export function pathCovers(covering: string, path: string): boolean {
  if (covering === path) return true
  let end = covering.length
  while (covering[end - 1] === '*') end--
  return end < covering.length && path.startsWith(covering.slice(0, end))
}
