import { checkNotNegative, type Found } from '../checks.ts'
import { templateWarnings } from '../core/pod-warnings.ts'
import { defineKind } from '../define-kind.ts'
import { jsonEqual } from '../json-equal.ts'
import type { JsonObject } from '../object.ts'
import { forbidden, invalid, notSupported, type Problem, required } from '../problem.ts'
import { ageColumn, column, nameColumn, selectorText, templateColumns, wideColumn } from '../table-columns.ts'
import type { Deployment, DeploymentSpec } from '../types/apps-v1.ts'
import { checkRunsForever, checkSelectedTemplate, defaultTemplate } from './pod-template.ts'
import { checkAmount, checkAtMostAll, isZeroAmount } from './rolling-amounts.ts'

function checkStrategy(found: Found, field: string, { type = '', rollingUpdate }: NonNullable<DeploymentSpec['strategy']>): void {
  if (type === 'Recreate') {
    if (rollingUpdate) found.push(forbidden(`${field}.rollingUpdate`, "may not be specified when strategy `type` is 'Recreate'"))
    return
  }
  if (type !== 'RollingUpdate') {
    found.push(notSupported(`${field}.type`, type, ['Recreate', 'RollingUpdate']))
    return
  }
  if (!rollingUpdate) {
    found.push(required(`${field}.rollingUpdate`, 'this should be defaulted and never be nil'))
    return
  }
  const { maxUnavailable, maxSurge } = rollingUpdate
  checkAmount(found, `${field}.rollingUpdate.maxUnavailable`, maxUnavailable)
  checkAmount(found, `${field}.rollingUpdate.maxSurge`, maxSurge)
  if (isZeroAmount(maxUnavailable) && isZeroAmount(maxSurge))
    found.push(invalid(`${field}.rollingUpdate.maxUnavailable`, maxUnavailable ?? 0, 'may not be 0 when `maxSurge` is 0'))
  checkAtMostAll(found, `${field}.rollingUpdate.maxUnavailable`, maxUnavailable)
}

export const deployment = defineKind<Deployment>({
  group: 'apps',
  kind: 'Deployment',
  shortNames: ['deploy'],
  categories: ['all'],
  generation: true,
  defaults(draft) {
    const spec = draft.spec as JsonObject & Partial<DeploymentSpec>
    spec.replicas ??= 1
    spec.strategy ??= {}
    spec.strategy.type ||= 'RollingUpdate'
    if (spec.strategy.type === 'RollingUpdate')
      spec.strategy.rollingUpdate = { maxUnavailable: '25%', maxSurge: '25%', ...spec.strategy.rollingUpdate }
    spec.revisionHistoryLimit ??= 10
    spec.progressDeadlineSeconds ??= 600
    defaultTemplate(spec)
  },
  validate({ spec }) {
    const found: Problem[] = []
    checkNotNegative(found, 'spec.replicas', spec.replicas)
    checkSelectedTemplate(found, 'spec', spec, 'empty selector is invalid for deployment')
    checkRunsForever(found, 'spec.template', spec.template, 'ReplicaSet')
    checkStrategy(found, 'spec.strategy', spec.strategy ?? {})
    checkNotNegative(found, 'spec.minReadySeconds', spec.minReadySeconds)
    checkNotNegative(found, 'spec.revisionHistoryLimit', spec.revisionHistoryLimit)
    checkNotNegative(found, 'spec.progressDeadlineSeconds', spec.progressDeadlineSeconds)
    const deadline = spec.progressDeadlineSeconds
    if (deadline !== undefined && deadline <= (spec.minReadySeconds ?? 0))
      found.push(invalid('spec.progressDeadlineSeconds', deadline, 'must be greater than minReadySeconds'))
    return found
  },
  validateUpdate: ({ spec }, old) =>
    jsonEqual(spec.selector, old.spec.selector) ? [] : [invalid('spec.selector', spec.selector, 'field is immutable')],
  warnings: ({ spec }, old) => templateWarnings('spec.template', spec.template, old?.spec.template),
  columns: [
    nameColumn,
    column('Ready', 'How many of the wanted pods are ready.', ({ spec, status }) => `${status?.readyReplicas ?? 0}/${spec.replicas ?? 0}`),
    column('Up-to-date', 'Pods that have the template as it is now.', ({ status }) => status?.updatedReplicas ?? 0),
    column('Available', 'Pods that have been ready for long enough.', ({ status }) => status?.availableReplicas ?? 0),
    ageColumn,
    ...templateColumns<Deployment>(({ spec }) => spec.template.spec),
    wideColumn('Selector', 'Labels of the pods that are counted.', ({ spec }) => selectorText(spec.selector)),
  ],
})
