import type { Found } from '../checks.ts'
import { defineKind } from '../define-kind.ts'
import { jsonEqual } from '../json-equal.ts'
import { invalid, type Problem, required } from '../problem.ts'
import { ageColumn, column, nameColumn } from '../table-columns.ts'
import type { ResourceQuota, ResourceQuotaSpec } from '../types/core-v1.ts'
import { checkQuotaResource, isInScope, quotaScopes } from './quota-resources.ts'

const opposites = [
  ['BestEffort', 'NotBestEffort'],
  ['Terminating', 'NotTerminating'],
] as const
/** Scopes that a pod is in or not, whatever its values. */
const plainScopes = new Set(['BestEffort', 'NotBestEffort', 'Terminating', 'NotTerminating', 'CrossNamespacePodAffinity'])
const onlyExists =
  "must be 'Exist' when scope is any of ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity"

/** Each rule is broken once, however many scopes break it: a problem shows them all. */
function checkScopes(found: Found, { scopes = [], hard = {} }: ResourceQuotaSpec): void {
  if (scopes.some((scope) => !quotaScopes.has(scope))) found.push(invalid('spec.scopes', scopes, 'unsupported scope'))
  if (countOthers(scopes, hard)) found.push(invalid('spec.scopes', scopes, 'unsupported scope applied to resource'))
  if (areOpposed(scopes)) found.push(invalid('spec.scopes', scopes, 'conflicting scopes'))
}

/** Whether one of the scopes does not know one of the resources. */
const countOthers = (scopes: readonly string[], hard: Readonly<Record<string, string>>): boolean =>
  [...quotaScopes.intersection(new Set(scopes))].some((scope) => Object.keys(hard).some((resource) => !isInScope(scope, resource)))

const areOpposed = (scopes: readonly string[]) => opposites.some((pair) => pair.every((scope) => scopes.includes(scope)))

function checkSelector(found: Found, { scopeSelector, hard = {} }: ResourceQuotaSpec): void {
  const field = 'spec.scopeSelector.matchExpressions'
  const expressions = scopeSelector?.matchExpressions ?? []
  for (const { scopeName = '', operator = '', values = [] } of expressions) {
    if (!quotaScopes.has(scopeName)) found.push(invalid(`${field}.scopeName`, scopeName, 'unsupported scope'))
    if (plainScopes.has(scopeName) && operator !== 'Exists') found.push(invalid(`${field}.operator`, operator, onlyExists))
    switch (operator) {
      case 'In':
      case 'NotIn':
        if (values.length === 0)
          found.push(required(`${field}.values`, "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector"))
        break
      case 'Exists':
      case 'DoesNotExist':
        if (values.length > 0)
          found.push(invalid(`${field}.values`, values, "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector"))
        break
      default:
        found.push(invalid(`${field}.operator`, operator, 'not a valid selector operator'))
    }
  }
  const names = expressions.map(({ scopeName }) => scopeName)
  if (countOthers(names, hard)) found.push(invalid(field, scopeSelector, 'unsupported scope applied to resource'))
  if (areOpposed(names)) found.push(invalid(field, scopeSelector, 'conflicting scopes'))
}

/** What is used of what may be used, of limits or of everything else. */
function usedText({ status }: ResourceQuota, isLimit: boolean): string {
  const names = Object.keys(status?.hard ?? {}).filter((name) => name.startsWith('limits.') === isLimit)
  return names
    .sort()
    .map((name) => `${name}: ${status?.used?.[name] ?? '0'}/${status?.hard?.[name]}`)
    .join(', ')
}

export const resourceQuota = defineKind<ResourceQuota>({
  group: '',
  kind: 'ResourceQuota',
  shortNames: ['quota'],
  validate({ spec }) {
    const found: Problem[] = []
    for (const [name, amount] of Object.entries(spec.hard ?? {})) checkQuotaResource(found, `spec.hard[${name}]`, name, amount)
    checkScopes(found, spec)
    checkSelector(found, spec)
    return found
  },
  validateUpdate: ({ spec }, old) =>
    jsonEqual(spec.scopes, old.spec.scopes) ? [] : [invalid('spec.scopes', spec.scopes ?? null, 'field is immutable')],
  columns: [
    nameColumn,
    column('Request', 'How much of it is requested.', (object) => usedText(object, false)),
    column('Limit', 'How much of it is limited.', (object) => usedText(object, true)),
    ageColumn,
  ],
})
