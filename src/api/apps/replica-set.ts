import { checkNotNegative } from '../checks.ts'
import { templateWarnings } from '../core/pod-warnings.ts'
import { defineKind } from '../define-kind.ts'
import { jsonEqual } from '../json-equal.ts'
import type { JsonObject } from '../object.ts'
import { invalid, type Problem } from '../problem.ts'
import { ageColumn, integerColumn, labelSelectorText, nameColumn, templateColumns, wideColumn } from '../table-columns.ts'
import type { ReplicaSet, ReplicaSetSpec } from '../types/apps-v1.ts'
import { checkRunsForever, checkSelectedTemplate, defaultTemplate } from './pod-template.ts'

export const replicaSet = defineKind<ReplicaSet>({
  group: 'apps',
  kind: 'ReplicaSet',
  shortNames: ['rs'],
  categories: ['all'],
  generation: true,
  defaults(draft) {
    const spec = draft.spec as JsonObject & Partial<ReplicaSetSpec>
    spec.replicas ??= 1
    defaultTemplate(spec)
  },
  validate({ spec }) {
    const found: Problem[] = []
    checkNotNegative(found, 'spec.replicas', spec.replicas)
    checkNotNegative(found, 'spec.minReadySeconds', spec.minReadySeconds)
    // The words are those of deployments, which replica sets share their rule with.
    checkSelectedTemplate(found, 'spec', spec, 'empty selector is invalid for deployment')
    checkRunsForever(found, 'spec.template', spec.template, 'ReplicaSet')
    return found
  },
  validateUpdate: ({ spec }, old) =>
    jsonEqual(spec.selector, old.spec.selector) ? [] : [invalid('spec.selector', spec.selector, 'field is immutable')],
  warnings: ({ spec }, old) => templateWarnings('spec.template', spec.template, old?.spec.template),
  columns: [
    nameColumn,
    integerColumn('Desired', 'Pods that are wanted.', ({ spec }) => spec.replicas ?? 0),
    integerColumn('Current', 'Pods that exist.', ({ status }) => status?.replicas ?? 0),
    integerColumn('Ready', 'Pods that are ready.', ({ status }) => status?.readyReplicas ?? 0),
    ageColumn,
    ...templateColumns<ReplicaSet>(({ spec }) => spec.template?.spec),
    wideColumn('Selector', 'Labels of the pods that are counted.', ({ spec }) => labelSelectorText(spec.selector)),
  ],
  selectableFields: { 'status.replicas': ({ status }) => String(status?.replicas ?? 0) },
})
