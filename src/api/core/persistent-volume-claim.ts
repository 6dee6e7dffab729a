import { checkLabelSelector, checkOneOf } from '../checks.ts'
import { defineKind } from '../define-kind.ts'
import { jsonEqual } from '../json-equal.ts'
import { forbidden, notSupported, type Problem, required } from '../problem.ts'
import { ageColumn, column, nameColumn, wideColumn } from '../table-columns.ts'
import type { PersistentVolumeClaim, PersistentVolumeClaimSpec } from '../types/core-v1.ts'
import { accessModes, accessModesText } from './access-modes.ts'
import { defaultClaimSpec } from './claim-defaults.ts'
import { compareAmounts } from './pod-rules/resource-rules.ts'
import { isFractional } from './pod-warnings.ts'

const volumeModes = new Set(['Block', 'Filesystem'])
const classAnnotation = 'volume.beta.kubernetes.io/storage-class'

/** The spec with what an update may change as it was. */
function keptSpec(spec: PersistentVolumeClaimSpec, old: PersistentVolumeClaim): object {
  const isBound = old.status?.phase === 'Bound'
  const kept = {
    ...spec,
    // Whoever binds a claim names its volume, once.
    volumeName: old.spec.volumeName ? spec.volumeName : undefined,
    storageClassName: old.spec.storageClassName === undefined ? undefined : spec.storageClassName,
    ...(isBound && { resources: old.spec.resources, volumeAttributesClassName: old.spec.volumeAttributesClassName }),
  }
  return Object.fromEntries(Object.entries(kept).filter(([, value]) => value !== undefined))
}

export const persistentVolumeClaim = defineKind<PersistentVolumeClaim>({
  group: '',
  kind: 'PersistentVolumeClaim',
  shortNames: ['pvc'],
  defaults(draft) {
    defaultClaimSpec(draft.spec as PersistentVolumeClaimSpec)
  },
  prepareForCreate(draft) {
    draft.status = { phase: 'Pending' }
  },
  validate({ spec }) {
    const found: Problem[] = []
    if (!spec.accessModes?.length) found.push(required('spec.accessModes', 'at least 1 access mode is required'))
    checkLabelSelector(found, 'spec.selector', spec.selector)
    for (const mode of spec.accessModes ?? []) if (!accessModes.has(mode)) found.push(notSupported('spec.accessModes', mode, accessModes))
    if (spec.accessModes?.includes('ReadWriteOncePod') && spec.accessModes.length > 1)
      found.push(forbidden('spec.accessModes', 'may not use ReadWriteOncePod with other access modes'))
    const storage = spec.resources?.requests?.storage
    if (storage === undefined) found.push(required('spec.resources[storage]'))
    else if (storage === '0' || storage.startsWith('-'))
      found.push({
        type: 'FieldValueInvalid',
        field: 'spec.resources[storage]',
        message: `Invalid value: "${storage}": must be greater than zero`,
      })
    checkOneOf(found, 'spec.volumeMode', spec.volumeMode, volumeModes)
    return found
  },
  validateUpdate({ spec }, old) {
    const found: Problem[] = []
    const before = Object.fromEntries(Object.entries(old.spec).filter(([, value]) => value !== undefined))
    if (!jsonEqual(keptSpec(spec, old), before))
      found.push(
        forbidden('spec', 'spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims'),
      )
    const [size, oldSize, bound] = [spec.resources?.requests?.storage, old.spec.resources?.requests?.storage, old.status?.capacity?.storage]
    if (size !== undefined && oldSize !== undefined && compareAmounts(size, oldSize) < 0 && compareAmounts(size, bound ?? '0') <= 0)
      found.push(forbidden('spec.resources.requests.storage', 'field can not be less than status.capacity'))
    return found
  },
  warnings({ metadata, spec }) {
    const found: string[] = []
    if (metadata.annotations?.[classAnnotation] !== undefined)
      found.push(`metadata.annotations[${classAnnotation}]: deprecated since v1.8; use "storageClassName" attribute instead`)
    const storage = spec.resources?.requests?.storage
    if (storage !== undefined && isFractional(storage))
      found.push(`spec.resources.requests[storage]: fractional byte value ${JSON.stringify(storage)} is invalid, must be an integer`)
    return found
  },
  columns: [
    nameColumn,
    column('Status', 'Whether it is bound to a volume.', ({ metadata, status }) =>
      metadata.deletionTimestamp === undefined ? (status?.phase ?? '') : 'Terminating',
    ),
    column('Volume', 'The volume that it is bound to.', ({ spec }) => spec.volumeName ?? ''),
    column('Capacity', 'Size of the volume.', ({ spec, status }) => (spec.volumeName ? (status?.capacity?.storage ?? '0') : '')),
    column('Access Modes', 'How it may be mounted.', ({ spec, status }) => (spec.volumeName ? accessModesText(status?.accessModes) : '')),
    column('StorageClass', 'Its class.', ({ metadata, spec }) => metadata.annotations?.[classAnnotation] ?? spec.storageClassName ?? ''),
    column('VolumeAttributesClass', 'The class of its attributes.', ({ spec }) => spec.volumeAttributesClassName ?? '<unset>'),
    ageColumn,
    wideColumn('VolumeMode', 'Whether it has a file system.', ({ spec }) => spec.volumeMode ?? '<unset>'),
  ],
})
