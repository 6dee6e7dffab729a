import { checkFormat, checkLabelSelector } from '../checks.ts'
import { defineKind } from '../define-kind.ts'
import { jsonEqual } from '../json-equal.ts'
import { dnsSubdomainProblems } from '../names.ts'
import { invalid, type Problem } from '../problem.ts'
import { column, nameColumn } from '../table-columns.ts'
import type { CSIStorageCapacity } from '../types/storage-v1.ts'

/** How much room there is for volumes of a class where the topology selects. */
export const csiStorageCapacity = defineKind<CSIStorageCapacity>({
  group: 'storage.k8s.io',
  kind: 'CSIStorageCapacity',
  versionRequired: true,
  validate({ nodeTopology, storageClassName, capacity }) {
    const found: Problem[] = []
    checkLabelSelector(found, 'nodeTopology', nodeTopology)
    checkFormat(found, 'storageClassName', storageClassName ?? '', dnsSubdomainProblems)
    if (capacity?.startsWith('-')) found.push(invalid('capacity', capacity, 'must be greater than or equal to 0'))
    return found
  },
  validateUpdate(object, old) {
    const found: Problem[] = []
    for (const field of ['nodeTopology', 'storageClassName'] as const)
      if (!jsonEqual(object[field], old[field])) found.push(invalid(field, object[field] ?? null, 'field is immutable'))
    return found
  },
  columns: [
    nameColumn,
    column('StorageClassName', 'The class of the volumes.', ({ storageClassName }) => storageClassName),
    column('Capacity', 'How much there is.', ({ capacity }) => capacity ?? '<unset>'),
  ],
})
