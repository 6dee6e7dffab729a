import { checkEachOnce, checkFormat, checkOneOf, checkRequiredOneOf, type Found } from '../checks.ts'
import { defineKind } from '../define-kind.ts'
import { jsonEqual } from '../json-equal.ts'
import { labelValueProblems, qualifiedNameProblems } from '../names.ts'
import { duplicate, forbidden, invalid, type Problem, required } from '../problem.ts'
import { ageColumn, column } from '../table-columns.ts'
import type { TopologySelectorTerm } from '../types/core-v1.ts'
import type { StorageClass } from '../types/storage-v1.ts'
import { classNameColumn } from './class-name-column.ts'
import { checkDriver, checkParameters } from './class-rules.ts'

const reclaimPolicies = new Set(['Delete', 'Retain'])
const bindingModes = new Set(['Immediate', 'WaitForFirstConsumer'])

function checkTopologies(found: Found, field: string, terms: readonly TopologySelectorTerm[] | undefined): void {
  const seen = new Set<string>()
  terms?.forEach(({ matchLabelExpressions = [] }, index) => {
    const at = `${field}[${index}].matchLabelExpressions`
    const wanted = new Map<string, readonly string[]>()
    matchLabelExpressions.forEach(({ key = '', values = [] }, place) => {
      if (values.length === 0) found.push(required(`${at}[${place}].values`))
      checkEachOnce(found, `${at}[${place}].values`, values)
      values.forEach((value, position) => {
        checkFormat(found, `${at}[${place}].values[${position}]`, value, labelValueProblems)
      })
      checkFormat(found, `${at}[${place}].key`, key, qualifiedNameProblems)
      if (wanted.has(key)) found.push(duplicate(`${at}[${place}].key`, key))
      else wanted.set(key, [...values].sort())
    })
    const term = JSON.stringify([...wanted].sort(([left], [right]) => (left < right ? -1 : 1)))
    if (seen.has(term)) found.push(duplicate(at, ''))
    seen.add(term)
  })
}

export const storageClass = defineKind<StorageClass>({
  group: 'storage.k8s.io',
  kind: 'StorageClass',
  shortNames: ['sc'],
  defaults(draft) {
    draft.reclaimPolicy ??= 'Delete'
    draft.volumeBindingMode ??= 'Immediate'
  },
  validate(object) {
    const found: Problem[] = []
    checkDriver(found, 'provisioner', object.provisioner)
    checkParameters(found, 'parameters', object.parameters)
    if (object.reclaimPolicy) checkOneOf(found, 'reclaimPolicy', object.reclaimPolicy, reclaimPolicies)
    checkRequiredOneOf(found, 'volumeBindingMode', object.volumeBindingMode, bindingModes)
    checkTopologies(found, 'allowedTopologies', object.allowedTopologies)
    return found
  },
  validateUpdate(object, old) {
    const found: Problem[] = []
    if (!jsonEqual(object.parameters, old.parameters)) found.push(forbidden('parameters', 'updates to parameters are forbidden.'))
    if (object.provisioner !== old.provisioner) found.push(forbidden('provisioner', 'updates to provisioner are forbidden.'))
    if (object.reclaimPolicy !== old.reclaimPolicy) found.push(forbidden('reclaimPolicy', 'updates to reclaimPolicy are forbidden.'))
    if (object.volumeBindingMode !== old.volumeBindingMode)
      found.push(invalid('volumeBindingMode', object.volumeBindingMode ?? null, 'field is immutable'))
    return found
  },
  columns: [
    classNameColumn('storageclass.kubernetes.io/is-default-class', 'storageclass.beta.kubernetes.io/is-default-class'),
    column('Provisioner', 'Who makes its volumes.', ({ provisioner }) => provisioner),
    column('ReclaimPolicy', 'What becomes of its volumes when their claims are gone.', ({ reclaimPolicy }) => reclaimPolicy ?? 'Delete'),
    column('VolumeBindingMode', 'When claims are bound.', ({ volumeBindingMode }) => volumeBindingMode ?? 'Immediate'),
    column('AllowVolumeExpansion', 'Whether its volumes may grow.', ({ allowVolumeExpansion }) => allowVolumeExpansion ?? false),
    ageColumn,
  ],
})
