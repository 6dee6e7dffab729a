import { checkNotNegative, checkOneOf, checkRequiredOneOf, type Found } from '../checks.ts'
import { defaultClaimSpec } from '../core/claim-defaults.ts'
import { templateWarnings } from '../core/pod-warnings.ts'
import { defineKind } from '../define-kind.ts'
import { jsonEqual } from '../json-equal.ts'
import type { JsonObject } from '../object.ts'
import { forbidden, invalid, notSupported, type Problem, required } from '../problem.ts'
import { ageColumn, column, nameColumn, templateColumns } from '../table-columns.ts'
import type { StatefulSet, StatefulSetSpec } from '../types/apps-v1.ts'
import { checkRunsForever, checkSelectedTemplate, defaultTemplate } from './pod-template.ts'
import { checkAmount, checkAtMostAll, isZeroAmount } from './rolling-amounts.ts'

const managementPolicies = new Set(['OrderedReady', 'Parallel'])
const retentions = new Set(['Delete', 'Retain'])
const updatable = [
  'replicas',
  'ordinals',
  'template',
  'updateStrategy',
  'revisionHistoryLimit',
  'persistentVolumeClaimRetentionPolicy',
  'minReadySeconds',
]

function checkStrategy(found: Found, field: string, { type = '', rollingUpdate }: NonNullable<StatefulSetSpec['updateStrategy']>): void {
  if (type === '') found.push(required(`${field}.type`))
  else if (type === 'OnDelete') {
    if (rollingUpdate) found.push(invalid(`${field}.rollingUpdate`, rollingUpdate, "only allowed for updateStrategy 'RollingUpdate'"))
  } else if (type !== 'RollingUpdate') found.push(notSupported(`${field}.type`, type, ['RollingUpdate', 'OnDelete']))
  else if (rollingUpdate) {
    checkNotNegative(found, `${field}.rollingUpdate.partition`, rollingUpdate.partition)
    const { maxUnavailable } = rollingUpdate
    if (maxUnavailable === undefined) return
    checkAmount(found, `${field}.rollingUpdate.maxUnavailable`, maxUnavailable)
    checkAtMostAll(found, `${field}.rollingUpdate.maxUnavailable`, maxUnavailable)
    if (isZeroAmount(maxUnavailable)) found.push(invalid(`${field}.rollingUpdate.maxUnavailable`, maxUnavailable, 'cannot be 0'))
  }
}

export const statefulSet = defineKind<StatefulSet>({
  group: 'apps',
  kind: 'StatefulSet',
  shortNames: ['sts'],
  categories: ['all'],
  generation: true,
  defaults(draft) {
    const spec = draft.spec as JsonObject & Partial<StatefulSetSpec>
    spec.podManagementPolicy ||= 'OrderedReady'
    spec.updateStrategy ??= {}
    if (!spec.updateStrategy.type) {
      spec.updateStrategy.type = 'RollingUpdate'
      spec.updateStrategy.rollingUpdate ??= {}
    }
    if (spec.updateStrategy.type === 'RollingUpdate' && spec.updateStrategy.rollingUpdate) spec.updateStrategy.rollingUpdate.partition ??= 0
    spec.persistentVolumeClaimRetentionPolicy ??= {}
    spec.persistentVolumeClaimRetentionPolicy.whenDeleted ||= 'Retain'
    spec.persistentVolumeClaimRetentionPolicy.whenScaled ||= 'Retain'
    spec.replicas ??= 1
    spec.revisionHistoryLimit ??= 10
    for (const claim of spec.volumeClaimTemplates ?? []) {
      claim.apiVersion ||= 'v1'
      claim.kind ||= 'PersistentVolumeClaim'
      claim.spec ??= {}
      defaultClaimSpec(claim.spec)
      claim.status = { phase: 'Pending', ...claim.status }
    }
    defaultTemplate(spec)
  },
  validate({ spec }) {
    const found: Problem[] = []
    checkRequiredOneOf(found, 'spec.podManagementPolicy', spec.podManagementPolicy, managementPolicies)
    checkStrategy(found, 'spec.updateStrategy', spec.updateStrategy ?? {})
    const retention = spec.persistentVolumeClaimRetentionPolicy
    checkOneOf(found, 'spec.persistentVolumeClaimRetentionPolicy.whenDeleted', retention?.whenDeleted, retentions)
    checkOneOf(found, 'spec.persistentVolumeClaimRetentionPolicy.whenScaled', retention?.whenScaled, retentions)
    checkNotNegative(found, 'spec.replicas', spec.replicas)
    checkNotNegative(found, 'spec.minReadySeconds', spec.minReadySeconds)
    checkNotNegative(found, 'spec.ordinals.start', spec.ordinals?.start)
    checkSelectedTemplate(found, 'spec', spec, 'empty selector is invalid for statefulset')
    checkRunsForever(found, 'spec.template', spec.template, 'StatefulSet')
    return found
  },
  validateUpdate({ spec }, old) {
    const fixed = (of: StatefulSetSpec) => Object.fromEntries(Object.entries(of).filter(([name]) => !updatable.includes(name)))
    if (jsonEqual(fixed(spec), fixed(old.spec))) return []
    const names = updatable.map((name) => `'${name}'`)
    return [
      forbidden(
        'spec',
        `updates to statefulset spec for fields other than ${names.slice(0, -1).join(', ')} and ${names.at(-1)} are forbidden`,
      ),
    ]
  },
  warnings: ({ spec }, old) => templateWarnings('spec.template', spec.template, old?.spec.template),
  columns: [
    nameColumn,
    column('Ready', 'How many of the wanted pods are ready.', ({ spec, status }) => `${status?.readyReplicas ?? 0}/${spec.replicas ?? 0}`),
    ageColumn,
    ...templateColumns<StatefulSet>(({ spec }) => spec.template.spec),
  ],
})
