import { defineKind } from '../define-kind.ts'
import { jsonEqual } from '../json-equal.ts'
import { forbidden, type Problem, required } from '../problem.ts'
import { ageColumn, column } from '../table-columns.ts'
import type { VolumeAttributesClass } from '../types/storage-v1.ts'
import { classNameColumn } from './class-name-column.ts'
import { checkDriver, checkParameters } from './class-rules.ts'

export const volumeAttributesClass = defineKind<VolumeAttributesClass>({
  group: 'storage.k8s.io',
  kind: 'VolumeAttributesClass',
  shortNames: ['vac'],
  validate({ driverName, parameters }) {
    const found: Problem[] = []
    checkDriver(found, 'driverName', driverName)
    checkParameters(found, 'parameters', parameters)
    if (Object.keys(parameters ?? {}).length === 0) found.push(required('parameters', 'must contain at least one key/value pair'))
    return found
  },
  validateUpdate(object, old) {
    const found: Problem[] = []
    if (object.driverName !== old.driverName) found.push(forbidden('driverName', 'updates to driverName are forbidden.'))
    if (!jsonEqual(object.parameters, old.parameters)) found.push(forbidden('parameters', 'updates to parameters are forbidden.'))
    return found
  },
  columns: [
    classNameColumn('volumeattributesclass.alpha.kubernetes.io/is-default-class'),
    column('DriverName', 'The driver whose volumes have the attributes.', ({ driverName }) => driverName),
    ageColumn,
  ],
})
