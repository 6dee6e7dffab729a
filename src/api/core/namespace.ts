import { defineKind } from '../define-kind.ts'
import { ageColumn, nameColumn } from '../table-columns.ts'
import type { Namespace } from '../types/core-v1.ts'

/** A namespace is held by its `kubernetes` finalizer until all that lives in it is gone. */
export const namespace = defineKind<Namespace>({
  group: '',
  kind: 'Namespace',
  shortNames: ['ns'],
  defaults(draft) {
    const metadata = draft.metadata as Namespace['metadata']
    // Selectors of network policies and webhooks rely on it.
    if (metadata.name) metadata.labels = { ...metadata.labels, 'kubernetes.io/metadata.name': metadata.name }
  },
  prepareForCreate(draft) {
    draft.spec = { finalizers: ['kubernetes'] }
    draft.status = { phase: 'Active' }
  },
  prepareForUpdate(draft, old, subresource) {
    if (subresource !== 'finalize') draft.spec = old.spec
    if (draft.metadata && old.metadata.deletionTimestamp !== undefined) draft.status = { ...(draft.status as object), phase: 'Terminating' }
  },
  holdsDeletion: (object) => (object.spec.finalizers ?? []).length > 0,
  columns: [nameColumn, { name: 'Status', cell: (object) => object.status?.phase ?? 'Active' }, ageColumn],
  selectableFields: { 'status.phase': ({ status }) => status?.phase ?? '' },
})
