import { checkRunsForever, checkTemplate, defaultTemplate } from '../apps/pod-template.ts'
import { checkNotNegative } from '../checks.ts'
import { defineKind } from '../define-kind.ts'
import { matchesLabels, selectorOfLabels } from '../label-selector.ts'
import { invalid, type Problem, required } from '../problem.ts'
import { ageColumn, integerColumn, labelsText, nameColumn, templateColumns, wideColumn } from '../table-columns.ts'
import type { ReplicationController, ReplicationControllerSpec } from '../types/core-v1.ts'
import { templateWarnings } from './pod-warnings.ts'

export const replicationController = defineKind<ReplicationController>({
  group: '',
  kind: 'ReplicationController',
  shortNames: ['rc'],
  categories: ['all'],
  generation: true,
  orphansByDefault: true,
  defaults(draft) {
    const spec = draft.spec as { [field: string]: unknown } & Partial<ReplicationControllerSpec>
    const metadata = draft.metadata as ReplicationController['metadata']
    spec.replicas ??= 1
    // The labels of its pods are those it selects and bears, unless it says otherwise.
    const labels = spec.template?.metadata?.labels
    if (labels) {
      if (Object.keys(spec.selector ?? {}).length === 0) spec.selector = { ...labels }
      if (Object.keys(metadata.labels ?? {}).length === 0) metadata.labels = { ...labels }
    }
    if (spec.template) defaultTemplate(spec)
  },
  validate({ spec }) {
    const found: Problem[] = []
    checkNotNegative(found, 'spec.minReadySeconds', spec.minReadySeconds)
    if (Object.keys(spec.selector ?? {}).length === 0) found.push(required('spec.selector'))
    checkNotNegative(found, 'spec.replicas', spec.replicas)
    const { template, selector } = spec
    if (!template) {
      found.push(required('spec.template'))
      return found
    }
    const labels = template.metadata?.labels
    if (selector && !matchesLabels(selectorOfLabels(selector), labels))
      found.push(invalid('spec.template.metadata.labels', labels ?? null, '`selector` does not match template `labels`'))
    checkTemplate(found, 'spec.template', template)
    checkRunsForever(found, 'spec.template', template, 'ReplicationController')
    return found
  },
  warnings: ({ spec }, old) => templateWarnings('spec.template', spec?.template, old?.spec?.template),
  columns: [
    nameColumn,
    integerColumn('Desired', 'Pods that are wanted.', ({ spec }) => spec.replicas ?? 0),
    integerColumn('Current', 'Pods that exist.', ({ status }) => status?.replicas ?? 0),
    integerColumn('Ready', 'Pods that are ready.', ({ status }) => status?.readyReplicas ?? 0),
    ageColumn,
    ...templateColumns<ReplicationController>(({ spec }) => spec.template?.spec),
    wideColumn('Selector', 'Labels of the pods that are counted.', ({ spec }) => labelsText(spec.selector)),
  ],
  selectableFields: { 'status.replicas': ({ status }) => String(status?.replicas ?? 0) },
})
