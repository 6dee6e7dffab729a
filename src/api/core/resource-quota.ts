import { checkOneOf } from '../checks.ts'
import { defineKind } from '../define-kind.ts'
import { jsonEqual } from '../json-equal.ts'
import { invalid, type Problem } from '../problem.ts'
import { ageColumn, column, nameColumn } from '../table-columns.ts'
import type { ResourceQuota } from '../types/core-v1.ts'

const scopes = new Set([
  'BestEffort',
  'CrossNamespacePodAffinity',
  'NotBestEffort',
  'NotTerminating',
  'PriorityClass',
  'Terminating',
  'VolumeAttributesClass',
])

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
    for (const [name, amount] of Object.entries(spec.hard ?? {}))
      if (amount.startsWith('-')) found.push(invalid(`spec.hard[${name}]`, amount, 'must be greater than or equal to 0'))
    spec.scopes?.forEach((scope) => {
      checkOneOf(found, 'spec.scopes', scope, scopes)
    })
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
