import { checkTemplate, defaultTemplate } from '../apps/pod-template.ts'
import { defineKind } from '../define-kind.ts'
import type { Problem } from '../problem.ts'
import { column, labelsText, nameColumn, templateColumns } from '../table-columns.ts'
import type { PodTemplate } from '../types/core-v1.ts'
import { templateWarnings } from './pod-warnings.ts'

export const podTemplate = defineKind<PodTemplate>({
  group: '',
  kind: 'PodTemplate',
  generation: true,
  defaults: defaultTemplate,
  validate({ template }) {
    const found: Problem[] = []
    checkTemplate(found, 'template', template)
    return found
  },
  warnings: ({ template }, old) => templateWarnings('template', template, old?.template),
  columns: [
    nameColumn,
    ...templateColumns<PodTemplate>(({ template }) => template?.spec).map((each) => ({ ...each, priority: 0 })),
    column('Pod Labels', 'The labels for the pod template.', ({ template }) => labelsText(template?.metadata?.labels)),
  ],
})
