import { checkNotNegative, type Found } from '../checks.ts'
import { templateWarnings } from '../core/pod-warnings.ts'
import { defineKind } from '../define-kind.ts'
import { jsonEqual } from '../json-equal.ts'
import type { JsonObject } from '../object.ts'
import { invalid, notSupported, type Problem, required } from '../problem.ts'
import {
  ageColumn,
  column,
  integerColumn,
  labelSelectorText,
  labelsText,
  nameColumn,
  templateColumns,
  wideColumn,
} from '../table-columns.ts'
import type { DaemonSet, DaemonSetSpec } from '../types/apps-v1.ts'
import { checkRunsForever, checkSelectedTemplate, defaultTemplate } from './pod-template.ts'
import { checkAmount, checkAtMostAll, isZeroAmount } from './rolling-amounts.ts'

/** Counts the templates, as an annotation since the field that did is gone. */
const generationAnnotation = 'deprecated.daemonset.template.generation'

function checkStrategy(found: Found, field: string, { type = '', rollingUpdate }: NonNullable<DaemonSetSpec['updateStrategy']>): void {
  if (type === 'OnDelete') return
  if (type !== 'RollingUpdate') {
    found.push(notSupported(`${field}.type`, type, ['RollingUpdate', 'OnDelete']))
    return
  }
  if (!rollingUpdate) {
    found.push(required(`${field}.rollingUpdate`))
    return
  }
  const { maxUnavailable, maxSurge } = rollingUpdate
  const at = `${field}.rollingUpdate`
  checkAmount(found, `${at}.maxUnavailable`, maxUnavailable)
  checkAmount(found, `${at}.maxSurge`, maxSurge)
  const [hasUnavailable, hasSurge] = [!isZeroAmount(maxUnavailable), !isZeroAmount(maxSurge)]
  if (hasUnavailable && hasSurge) found.push(invalid(`${at}.maxSurge`, maxSurge, 'may not be set when maxUnavailable is non-zero'))
  if (!hasUnavailable && !hasSurge) found.push(required(`${at}.maxUnavailable`, 'cannot be 0 when maxSurge is 0'))
  checkAtMostAll(found, `${at}.maxUnavailable`, maxUnavailable)
  checkAtMostAll(found, `${at}.maxSurge`, maxSurge)
}

export const daemonSet = defineKind<DaemonSet>({
  group: 'apps',
  kind: 'DaemonSet',
  shortNames: ['ds'],
  categories: ['all'],
  generation: true,
  defaults(draft) {
    const spec = draft.spec as JsonObject & Partial<DaemonSetSpec>
    spec.updateStrategy ??= {}
    spec.updateStrategy.type ||= 'RollingUpdate'
    if (spec.updateStrategy.type === 'RollingUpdate') {
      spec.updateStrategy.rollingUpdate = { maxUnavailable: 1, maxSurge: 0, ...spec.updateStrategy.rollingUpdate }
    }
    spec.revisionHistoryLimit ??= 10
    defaultTemplate(spec)
  },
  prepareForCreate(draft) {
    const metadata = draft.metadata as DaemonSet['metadata']
    metadata.annotations = { ...metadata.annotations, [generationAnnotation]: '1' }
  },
  prepareForUpdate(draft, old, subresource) {
    if (subresource !== '') return
    const metadata = draft.metadata as DaemonSet['metadata']
    const before = Number(old.metadata.annotations?.[generationAnnotation] ?? 1)
    const isSame = jsonEqual((draft.spec as DaemonSetSpec).template, old.spec.template)
    metadata.annotations = { ...metadata.annotations, [generationAnnotation]: String(isSame ? before : before + 1) }
  },
  validate({ spec }) {
    const found: Problem[] = []
    checkSelectedTemplate(found, 'spec', spec, 'empty selector is invalid for daemonset')
    checkRunsForever(found, 'spec.template', spec.template, 'DaemonSet')
    checkNotNegative(found, 'spec.minReadySeconds', spec.minReadySeconds)
    checkStrategy(found, 'spec.updateStrategy', spec.updateStrategy ?? {})
    checkNotNegative(found, 'spec.revisionHistoryLimit', spec.revisionHistoryLimit)
    return found
  },
  validateUpdate: ({ spec }, old) =>
    jsonEqual(spec.selector, old.spec.selector) ? [] : [invalid('spec.selector', spec.selector, 'field is immutable')],
  warnings: ({ spec }, old) => templateWarnings('spec.template', spec.template, old?.spec.template),
  columns: [
    nameColumn,
    integerColumn('Desired', 'Nodes that should run the pod.', ({ status }) => status?.desiredNumberScheduled ?? 0),
    integerColumn('Current', 'Nodes that should and do.', ({ status }) => status?.currentNumberScheduled ?? 0),
    integerColumn('Ready', 'Nodes whose pod is ready.', ({ status }) => status?.numberReady ?? 0),
    integerColumn('Up-to-date', 'Nodes whose pod has the template as it is now.', ({ status }) => status?.updatedNumberScheduled ?? 0),
    integerColumn('Available', 'Nodes whose pod has been ready for long enough.', ({ status }) => status?.numberAvailable ?? 0),
    column('Node Selector', 'Labels of the nodes that run the pod.', ({ spec }) => labelsText(spec.template.spec?.nodeSelector)),
    ageColumn,
    ...templateColumns<DaemonSet>(({ spec }) => spec.template.spec),
    wideColumn('Selector', 'Labels of the pods that are counted.', ({ spec }) => labelSelectorText(spec.selector)),
  ],
})
