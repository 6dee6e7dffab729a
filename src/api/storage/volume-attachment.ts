import { checkFormat, type Found } from '../checks.ts'
import { defineKind } from '../define-kind.ts'
import { jsonEqual } from '../json-equal.ts'
import { dnsSubdomainProblems } from '../names.ts'
import { forbidden, invalid, type Problem, required, tooLong } from '../problem.ts'
import { ageColumn, booleanColumn, column, nameColumn } from '../table-columns.ts'
import type { VolumeAttachment, VolumeAttachmentSource, VolumeError } from '../types/storage-v1.ts'
import { checkCsiDriverName } from './class-rules.ts'

const maxMetadataBytes = 256 << 10
const maxMessageBytes = 1024
const oneSource = 'must specify exactly one of inlineVolumeSpec and persistentVolumeName'

function checkSource(found: Found, { inlineVolumeSpec, persistentVolumeName: name }: VolumeAttachmentSource): void {
  if (inlineVolumeSpec && name !== undefined) found.push(forbidden('spec.source', oneSource))
  else if (!inlineVolumeSpec && name === undefined) found.push(required('spec.source', oneSource))
  else if (name === '') found.push(required('spec.source.persistentVolumeName', 'must specify non empty persistentVolumeName'))
  else if (name !== undefined) checkFormat(found, 'spec.source.persistentVolumeName', name, dnsSubdomainProblems)
}

function checkError(found: Found, field: string, error: VolumeError | undefined): void {
  // The length that is named is upstream's, though a shorter one is asked for.
  if (Buffer.byteLength(error?.message ?? '') > maxMessageBytes) found.push(tooLong(`${field}.message`, maxMetadataBytes))
  if (error?.errorCode !== undefined && error.errorCode < 0)
    found.push(invalid(`${field}.errorCode`, error.errorCode, 'must be between 0 and 2147483647, inclusive'))
}

function checkStatus({ status }: VolumeAttachment): Problem[] {
  const found: Problem[] = []
  const bytes = Object.entries(status?.attachmentMetadata ?? {}).reduce(
    (sum, [key, value]) => sum + Buffer.byteLength(key) + Buffer.byteLength(value),
    0,
  )
  if (bytes > maxMetadataBytes) found.push(tooLong('status.attachmentMetadata', maxMetadataBytes))
  checkError(found, 'status.attachError', status?.attachError)
  checkError(found, 'status.detachError', status?.detachError)
  return found
}

export const volumeAttachment = defineKind<VolumeAttachment>({
  group: 'storage.k8s.io',
  kind: 'VolumeAttachment',
  versionRequired: true,
  validate(object) {
    const { attacher, nodeName, source } = object.spec
    const found: Problem[] = []
    checkCsiDriverName(found, 'spec.attacher', attacher)
    checkSource(found, source ?? {})
    checkFormat(found, 'spec.nodeName', nodeName ?? '', dnsSubdomainProblems)
    return [...found, ...checkStatus(object)]
  },
  validateUpdate: ({ spec }, old) => (jsonEqual(spec, old.spec) ? [] : [invalid('spec', spec, 'field is immutable')]),
  validateSubresource: checkStatus,
  columns: [
    nameColumn,
    { ...column<VolumeAttachment>('Attacher', 'The driver that attaches it.', ({ spec }) => spec.attacher), format: 'name' },
    column('PV', 'The volume.', ({ spec }) => spec.source.persistentVolumeName ?? ''),
    column('Node', 'The node.', ({ spec }) => spec.nodeName),
    booleanColumn('Attached', 'Whether it is attached.', ({ status }) => status?.attached ?? false),
    ageColumn,
  ],
})
