import { checkFormat, checkNotNegative, type Found, repeats } from '../checks.ts'
import { defineKind } from '../define-kind.ts'
import { jsonEqual } from '../json-equal.ts'
import { qualifiedNameProblems } from '../names.ts'
import { duplicate, invalid, type Problem, required } from '../problem.ts'
import { ageColumn, integerColumn, nameColumn } from '../table-columns.ts'
import type { CSINode, CSINodeDriver } from '../types/storage-v1.ts'
import { checkCsiDriverName } from './class-rules.ts'

const maxNodeId = 256

function checkDriver(found: Found, field: string, { name, nodeID = '', allocatable, topologyKeys = [] }: CSINodeDriver): void {
  checkCsiDriverName(found, `${field}.name`, name)
  if (nodeID === '') found.push(required(`${field}.nodeID`))
  if (nodeID.length > maxNodeId) found.push(invalid(`${field}.nodeID`, nodeID, `must be ${maxNodeId} characters or less`))
  checkNotNegative(found, `${field}.allocatable.count`, allocatable?.count)
  const repeated = repeats(topologyKeys)
  topologyKeys.forEach((key, index) => {
    if (key === '') found.push(required(field))
    if (repeated.has(index)) found.push(duplicate(field, key))
    checkFormat(found, field, key, qualifiedNameProblems)
  })
}

/** What the kubelet knows of the drivers on its node; the name is the node's. */
export const csiNode = defineKind<CSINode>({
  group: 'storage.k8s.io',
  kind: 'CSINode',
  versionRequired: true,
  validate({ spec }) {
    const found: Problem[] = []
    const seen = new Set<string>()
    spec.drivers?.forEach((driver, index) => {
      checkDriver(found, `spec.drivers[${index}]`, driver)
      if (seen.has(driver.name)) found.push(duplicate(`spec.drivers[${index}].name`, driver.name))
      seen.add(driver.name)
    })
    return found
  },
  validateUpdate({ spec }, old) {
    const known = new Map(old.spec.drivers?.map(({ allocatable: _, ...driver }) => [driver.name, driver]))
    return (spec.drivers ?? []).flatMap(({ allocatable: _, ...driver }) => {
      const before = known.get(driver.name)
      return before && !jsonEqual(before, driver) ? [invalid('spec.drivers', driver, 'field is immutable')] : []
    })
  },
  columns: [nameColumn, integerColumn('Drivers', 'How many drivers the node has.', ({ spec }) => spec.drivers?.length ?? 0), ageColumn],
})
