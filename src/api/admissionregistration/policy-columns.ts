import type { ColumnDefinition } from '../define-kind.ts'
import type { KubeObject } from '../object.ts'
import { ageColumn, column, nameColumn } from '../table-columns.ts'
import type { ParamKind, ParamRef } from '../types/admissionregistration-v1.ts'
import type { LabelSelector } from '../types/meta-v1.ts'

export const paramKindColumn = <T extends { readonly spec: { readonly paramKind?: ParamKind } }>(): ColumnDefinition<T> =>
  column('ParamKind', 'The kind of objects that parametrise it.', ({ spec }) =>
    spec.paramKind ? `${spec.paramKind.apiVersion}/${spec.paramKind.kind}` : '<unset>',
  )

interface Binding extends KubeObject {
  readonly spec: { readonly policyName?: string; readonly paramRef?: ParamRef }
}

/** A selector as Go prints the struct, which upstream shows here. */
function goSelectorText({ matchLabels = {}, matchExpressions = [] }: LabelSelector): string {
  const labels = Object.keys(matchLabels)
    .sort()
    .map((key) => `${key}: ${matchLabels[key]},`)
  const expressions = matchExpressions.map(
    ({ key, operator, values = [] }) => `LabelSelectorRequirement{Key:${key},Operator:${operator},Values:[${values.join(' ')}],},`,
  )
  return `&LabelSelector{MatchLabels:map[string]string{${labels.join('')}},MatchExpressions:[]LabelSelectorRequirement{${expressions.join('')}},}`
}

/** Whether the kind of its parameters has namespaces is not known here. */
function paramText(reference: ParamRef | undefined): string {
  if (reference?.name) return `${reference.namespace || '*'}/${reference.name}`
  return reference?.selector ? goSelectorText(reference.selector) : '<unset>'
}

export const bindingColumns = <T extends Binding>(): ColumnDefinition<T>[] => [
  nameColumn,
  column('PolicyName', 'The policy that it puts to work.', ({ spec }) => spec.policyName ?? ''),
  column('ParamRef', 'The objects that parametrise the policy.', ({ spec }) => paramText(spec.paramRef)),
  ageColumn,
]
