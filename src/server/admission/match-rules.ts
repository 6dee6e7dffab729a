import type { Catalog } from '../../api/catalog.ts'
import type { Kind } from '../../api/kind.ts'

/** Which requests a webhook or a policy wants to see, as every configuration says it. */
export interface OperationRule {
  readonly operations?: readonly string[]
  readonly apiGroups?: readonly string[]
  readonly apiVersions?: readonly string[]
  readonly resources?: readonly string[]
  readonly scope?: string
}

export interface Matched {
  readonly operation: string
  readonly kind: Pick<Kind, 'group' | 'version' | 'plural' | 'namespaced'>
  /** '' for the object itself. */
  readonly subresource: string
}

export function ruleMatches({ operations, apiGroups, apiVersions, resources, scope = '*' }: OperationRule, matched: Matched): boolean {
  const { operation, kind, subresource } = matched
  if (!includesOrAll(operations, operation) || !includesOrAll(apiGroups, kind.group) || !includesOrAll(apiVersions, kind.version))
    return false
  if (scope === 'Namespaced' && !kind.namespaced) return false
  if (scope === 'Cluster' && kind.namespaced) return false
  return resources?.some((resource) => resourceMatches(resource, kind.plural, subresource)) ?? false
}

// `pods`, `pods/status`, `pods/*`, `*`, `*/status`, `*/*`.
function resourceMatches(wanted: string, plural: string, subresource: string): boolean {
  const [resource = '', below = ''] = wanted.split('/', 2)
  return (resource === '*' || resource === plural) && (below === '*' || below === subresource)
}

const includesOrAll = (values: readonly string[] | undefined, value: string): boolean =>
  values?.some((wanted) => wanted === '*' || wanted === value) ?? false

/**
 * In which version a request is to be shown to whom these rules are of: the one asked for where a rule names it, else,
 * with `matchPolicy: Equivalent`, one that shows the same objects and is named. Undefined: the request is none of theirs.
 */
export function matchedKind(
  rules: readonly OperationRule[],
  { requested, stored, subresource, operation }: { requested: Kind; stored: Kind; subresource: string; operation: string },
  matchPolicy: string | undefined,
  catalog: Catalog,
): Kind | undefined {
  if (rules.some((rule) => ruleMatches(rule, { operation, kind: requested, subresource }))) return requested
  if (matchPolicy === 'Exact') return undefined
  const equivalents = catalog.kinds.filter(
    (kind) => kind !== requested && kind.storage.group === stored.storage.group && kind.storage.plural === stored.storage.plural,
  )
  for (const rule of rules) {
    const found = equivalents.find((kind) => ruleMatches(rule, { operation, kind, subresource }))
    if (found) return found
  }
  return undefined
}
