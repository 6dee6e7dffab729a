import { checkFormat, type Found } from '../checks.ts'
import { checkNodeSelector } from '../core/pod-rules/scheduling-rules.ts'
import { defineKind } from '../define-kind.ts'
import { dnsSubdomainProblems } from '../names.ts'
import { invalid, type Problem, required } from '../problem.ts'
import { checkCsiDriverName } from '../storage/class-rules.ts'
import { ageColumn, column, nameColumn } from '../table-columns.ts'
import type { ResourceSlice, ResourceSliceSpec } from '../types/resource-v1.ts'
import { checkPoolName } from './device-names.ts'
import { checkCounterSets, checkDevices } from './device-rules.ts'

const places = 'exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required'

/** Where the devices are is said in one way. */
function checkPlace(found: Found, { nodeName, nodeSelector, allNodes, perDeviceNodeSelection }: ResourceSliceSpec): void {
  const given: string[] = []
  if (nodeName === '') found.push(invalid('spec.nodeName', nodeName, 'must be either unset or set to a non-empty string'))
  else if (nodeName !== undefined) {
    given.push('`nodeName`')
    checkFormat(found, 'spec.nodeName', nodeName, dnsSubdomainProblems)
  }
  if (nodeSelector) {
    given.push('`nodeSelector`')
    const terms = nodeSelector.nodeSelectorTerms
    checkNodeSelector(found, 'spec.nodeSelector', terms)
    if (terms?.length !== 1)
      found.push(invalid('spec.nodeSelector.nodeSelectorTerms', terms ?? null, 'must have exactly one node selector term'))
  }
  for (const [name, value] of Object.entries({ allNodes, perDeviceNodeSelection })) {
    if (value) given.push(`\`${name}\``)
    else if (value === false) found.push(invalid(`spec.${name}`, false, 'must be either unset or set to true'))
  }
  if (given.length === 0) found.push(required('spec', places))
  else if (given.length > 1) found.push(invalid('spec', `{${given.join(', ')}}`, `${places}, but multiple fields are set`))
}

/** What a driver has on one node, or on several. */
export const resourceSlice = defineKind<ResourceSlice>({
  group: 'resource.k8s.io',
  versions: ['v1', 'v1beta2'],
  kind: 'ResourceSlice',
  generation: true,
  validate({ spec }) {
    const found: Problem[] = []
    const { pool } = spec
    checkCsiDriverName(found, 'spec.driver', spec.driver)
    checkPoolName(found, 'spec.pool.name', pool?.name)
    const { resourceSliceCount = 0, generation = 0 } = pool ?? {}
    if (resourceSliceCount <= 0) found.push(invalid('spec.pool.resourceSliceCount', resourceSliceCount, 'must be greater than zero'))
    if (generation < 0) found.push(invalid('spec.pool.generation', generation, 'must be greater than or equal to zero'))
    checkPlace(found, spec)
    if (spec.sharedCounters && spec.devices) found.push(invalid('spec', '', 'only one of `sharedCounters` or `devices` is allowed'))
    checkDevices(found, 'spec.devices', spec.devices, spec.perDeviceNodeSelection ?? false)
    checkCounterSets(found, 'spec.sharedCounters', spec.sharedCounters)
    return found
  },
  validateUpdate({ spec }, { spec: old }) {
    const pairs = [
      ['spec.pool.name', spec.pool?.name, old.pool?.name],
      ['spec.driver', spec.driver, old.driver],
      ['spec.nodeName', spec.nodeName, old.nodeName],
    ] as const
    return pairs.flatMap(([field, now, before]) => (now === before ? [] : [invalid(field, now ?? null, 'field is immutable')]))
  },
  columns: [
    nameColumn,
    column('Node', 'The node that has them.', ({ spec }) => spec.nodeName ?? ''),
    column('Driver', 'Whose devices they are.', ({ spec }) => spec.driver),
    column('Pool', 'The pool that they are part of.', ({ spec }) => spec.pool.name),
    ageColumn,
  ],
  selectableFields: { 'spec.nodeName': ({ spec }) => spec.nodeName ?? '', 'spec.driver': ({ spec }) => spec.driver },
})
