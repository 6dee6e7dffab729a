import type { Found } from '../checks.ts'
import { invalid, required } from '../problem.ts'
import type { PolicyRule } from '../types/rbac-v1.ts'

/** Rules of a role; those of a namespace speak of resources alone. */
export function checkRules(found: Found, rules: readonly PolicyRule[] | undefined, isNamespaced: boolean): void {
  rules?.forEach(({ verbs, apiGroups, resources, resourceNames, nonResourceURLs }, index) => {
    const at = `rules[${index}]`
    if (!verbs?.length) found.push(required(`${at}.verbs`, 'verbs must contain at least one value'))
    if (nonResourceURLs?.length) {
      if (isNamespaced) found.push(invalid(`${at}.nonResourceURLs`, nonResourceURLs, 'namespaced rules cannot apply to non-resource URLs'))
      if (apiGroups?.length || resources?.length || resourceNames?.length)
        found.push(invalid(`${at}.nonResourceURLs`, nonResourceURLs, 'rules cannot apply to both regular resources and non-resource URLs'))
      return
    }
    if (!apiGroups?.length) found.push(required(`${at}.apiGroups`, 'resource rules must supply at least one api group'))
    if (!resources?.length) found.push(required(`${at}.resources`, 'resource rules must supply at least one resource'))
  })
}
