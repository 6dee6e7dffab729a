import { checkOneOf, type Found } from '../checks.ts'
import { invalid, notSupported, required } from '../problem.ts'
import type { RuleWithOperations } from '../types/admissionregistration-v1.ts'

const operations = new Set(['*', 'CONNECT', 'CREATE', 'DELETE', 'UPDATE'])
const scopes = new Set(['*', 'Cluster', 'Namespaced'])
const all = '*'

/** A rule is about both scopes unless it says otherwise. */
export function defaultRule(rule: RuleWithOperations): void {
  rule.scope ??= all
}

/** What is done to which resources. */
export function checkRule(found: Found, field: string, rule: RuleWithOperations): void {
  const given = rule.operations ?? []
  if (given.length === 0) found.push(required(`${field}.operations`))
  checkAlone(found, `${field}.operations`, given, 'other operations')
  given.forEach((operation, index) => {
    if (!operations.has(operation)) found.push(notSupported(`${field}.operations[${index}]`, operation, operations))
  })
  if (!rule.apiGroups?.length) found.push(required(`${field}.apiGroups`))
  checkAlone(found, `${field}.apiGroups`, rule.apiGroups, 'other API groups')
  if (!rule.apiVersions?.length) found.push(required(`${field}.apiVersions`))
  checkAlone(found, `${field}.apiVersions`, rule.apiVersions, 'other API versions')
  rule.apiVersions?.forEach((version, index) => {
    if (version === '') found.push(required(`${field}.apiVersions[${index}]`))
  })
  checkResources(found, `${field}.resources`, rule.resources ?? [])
  checkOneOf(found, `${field}.scope`, rule.scope, scopes)
}

/** What stands for all stands alone. */
function checkAlone(found: Found, field: string, values: readonly string[] = [], others: string): void {
  if (values.length > 1 && values.includes(all)) found.push(invalid(field, values, `if '*' is present, must not specify ${others}`))
}

/** `pods`, `pods/status`, `pods/*`, `*\/status`, `*` and `*\/*`, none of which may cover another. */
function checkResources(found: Found, field: string, resources: readonly string[]): void {
  if (resources.length === 0) found.push(required(field))
  const allBelow = new Set<string>()
  const below = new Set<string>()
  let hasPlain = false
  resources.forEach((text, index) => {
    const at = `${field}[${index}]`
    if (text === '') {
      found.push(required(at))
      return
    }
    const slash = text.indexOf('/')
    if (slash < 0) {
      // As upstream's, the last one counts.
      hasPlain = text !== all
      return
    }
    const [resource, subresource] = [text.slice(0, slash), text.slice(slash + 1)]
    if (allBelow.has(resource)) found.push(invalid(at, text, `if '${resource}/*' is present, must not specify ${text}`))
    if (below.has(subresource)) found.push(invalid(at, text, `if '*/${subresource}' is present, must not specify ${text}`))
    if (subresource === all) allBelow.add(resource)
    if (resource === all) below.add(subresource)
  })
  if (resources.length > 1 && resources.includes('*/*'))
    found.push(invalid(field, resources, "if '*/*' is present, must not specify other resources"))
  if (resources.includes(all) && hasPlain)
    found.push(invalid(field, resources, "if '*' is present, must not specify other resources without subresources"))
}
