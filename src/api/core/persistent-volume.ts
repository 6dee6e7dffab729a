import { checkOneOf, type Found } from '../checks.ts'
import { defineKind } from '../define-kind.ts'
import { jsonEqual } from '../json-equal.ts'
import { forbidden, invalid, notSupported, type Problem, required } from '../problem.ts'
import { ageColumn, column, nameColumn, wideColumn } from '../table-columns.ts'
import type { PersistentVolume, PersistentVolumeSpec } from '../types/core-v1.ts'
import { accessModes, accessModesText } from './access-modes.ts'
import { checkNodeSelector } from './pod-rules/scheduling-rules.ts'
import { goneSources } from './pod-warnings.ts'

const reclaimPolicies = new Set(['Delete', 'Recycle', 'Retain'])
const volumeModes = new Set(['Block', 'Filesystem'])
const optionsAnnotation = 'volume.beta.kubernetes.io/mount-options'
const classAnnotation = 'volume.beta.kubernetes.io/storage-class'
/** What stands beside the source of a volume. */
const settings = new Set([
  'accessModes',
  'capacity',
  'claimRef',
  'mountOptions',
  'nodeAffinity',
  'persistentVolumeReclaimPolicy',
  'storageClassName',
  'volumeAttributesClassName',
  'volumeMode',
])

const sourceOf = (spec: PersistentVolumeSpec) => Object.fromEntries(Object.entries(spec).filter(([name]) => !settings.has(name)))

function checkSource(found: Found, spec: PersistentVolumeSpec): void {
  const sources = Object.keys(sourceOf(spec))
  if (sources.length === 0) found.push(required('spec', 'must specify a volume type'))
  for (const extra of sources.slice(1)) found.push(forbidden(`spec.${extra}`, 'may not specify more than 1 volume type'))
  if (spec.hostPath && !spec.hostPath.path) found.push(required('spec.hostPath.path'))
  if (spec.local && !spec.local.path) found.push(required('spec.local.path'))
  if (spec.local && !spec.nodeAffinity) found.push(required('spec.nodeAffinity', 'Local volume requires node affinity'))
  if (spec.hostPath?.path === '/' && spec.persistentVolumeReclaimPolicy === 'Recycle')
    found.push(forbidden('spec.persistentVolumeReclaimPolicy', "may not be 'recycle' for a hostPath mount of '/'"))
}

export const persistentVolume = defineKind<PersistentVolume>({
  group: '',
  kind: 'PersistentVolume',
  shortNames: ['pv'],
  defaults(draft) {
    const spec = draft.spec as PersistentVolumeSpec
    spec.persistentVolumeReclaimPolicy ||= 'Retain'
    spec.volumeMode ??= 'Filesystem'
    if (spec.hostPath) spec.hostPath.type ??= ''
  },
  prepareForCreate(draft) {
    draft.status = { phase: 'Pending' }
  },
  validate({ spec }) {
    const found: Problem[] = []
    if (!spec.accessModes?.length) found.push(required('spec.accessModes'))
    for (const mode of spec.accessModes ?? []) if (!accessModes.has(mode)) found.push(notSupported('spec.accessModes', mode, accessModes))
    if (spec.accessModes?.includes('ReadWriteOncePod') && spec.accessModes.length > 1)
      found.push(forbidden('spec.accessModes', 'may not use ReadWriteOncePod with other access modes'))
    const names = Object.keys(spec.capacity ?? {})
    if (names.length === 0) found.push(required('spec.capacity'))
    else if (names.length > 1 || names[0] !== 'storage') found.push(notSupported('spec.capacity', spec.capacity, ['storage']))
    else if (/^-|^0$/.test(spec.capacity?.storage ?? '0'))
      found.push(invalid('spec.capacity[storage]', spec.capacity?.storage, 'must be greater than zero'))
    checkOneOf(found, 'spec.persistentVolumeReclaimPolicy', spec.persistentVolumeReclaimPolicy, reclaimPolicies)
    if (spec.nodeAffinity) {
      if (spec.nodeAffinity.required) checkNodeSelector(found, 'spec.nodeAffinity.required', spec.nodeAffinity.required.nodeSelectorTerms)
      else found.push(required('spec.nodeAffinity.required', 'must specify required node constraints'))
    }
    checkSource(found, spec)
    checkOneOf(found, 'spec.volumeMode', spec.volumeMode, volumeModes)
    return found
  },
  validateUpdate({ spec }, { spec: old }) {
    const found: Problem[] = []
    if (!jsonEqual(sourceOf(spec), sourceOf(old)))
      found.push(forbidden('spec.persistentvolumesource', 'spec.persistentvolumesource is immutable after creation'))
    if (spec.volumeMode !== old.volumeMode) found.push(invalid('volumeMode', spec.volumeMode ?? null, 'field is immutable'))
    if (old.nodeAffinity && !jsonEqual(spec.nodeAffinity, old.nodeAffinity))
      found.push(invalid('spec.nodeAffinity', spec.nodeAffinity ?? null, 'field is immutable'))
    return found
  },
  warnings({ metadata, spec }) {
    const found: string[] = []
    const annotations = metadata.annotations ?? {}
    if (annotations[classAnnotation] !== undefined)
      found.push(`metadata.annotations[${classAnnotation}]: deprecated since v1.8; use "storageClassName" attribute instead`)
    if (annotations[optionsAnnotation] !== undefined)
      found.push(`metadata.annotations[${optionsAnnotation}]: deprecated since v1.31; use "mountOptions" attribute instead`)
    if (spec.persistentVolumeReclaimPolicy === 'Recycle')
      found.push(
        'spec.persistentVolumeReclaimPolicy: The Recycle reclaim policy is deprecated. Instead, the recommended approach is to use dynamic provisioning.',
      )
    for (const [source, why] of Object.entries(goneSources))
      if (spec[source as keyof PersistentVolumeSpec] !== undefined) found.push(`spec.${source}: ${why}`)
    return found
  },
  columns: [
    nameColumn,
    column('Capacity', 'Its size.', ({ spec }) => spec.capacity?.storage ?? '0'),
    column('Access Modes', 'How it may be mounted.', ({ spec }) => accessModesText(spec.accessModes)),
    column('Reclaim Policy', 'What becomes of it when its claim is gone.', ({ spec }) => spec.persistentVolumeReclaimPolicy ?? ''),
    column('Status', 'Whether it is bound to a claim.', ({ metadata, status }) =>
      metadata.deletionTimestamp === undefined ? (status?.phase ?? '') : 'Terminating',
    ),
    column('Claim', 'The claim that it is bound to.', ({ spec }) =>
      spec.claimRef ? `${spec.claimRef.namespace ?? ''}/${spec.claimRef.name ?? ''}` : '',
    ),
    column('StorageClass', 'Its class.', ({ metadata, spec }) => metadata.annotations?.[classAnnotation] ?? spec.storageClassName ?? ''),
    column('VolumeAttributesClass', 'The class of its attributes.', ({ spec }) => spec.volumeAttributesClassName ?? '<unset>'),
    column('Reason', 'Why it is in its state.', ({ status }) => status?.reason ?? ''),
    ageColumn,
    wideColumn('VolumeMode', 'Whether it has a file system.', ({ spec }) => spec.volumeMode ?? '<unset>'),
  ],
})
