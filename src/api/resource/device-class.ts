import { defineKind } from '../define-kind.ts'
import { qualifiedNameProblems } from '../names.ts'
import { invalid, type Problem } from '../problem.ts'
import { ageColumn, nameColumn } from '../table-columns.ts'
import type { DeviceClass } from '../types/resource-v1.ts'
import { checkConfiguration, checkSelectors, maxConfigurations } from './device-claim.ts'
import { checkList } from './list-rules.ts'

/** A resource of somebody's own domain, which a quota can also name. */
const isExtendedResource = (name: string) =>
  name.includes('/') &&
  !/(?:^|\.)kubernetes\.io\//.test(name) &&
  !name.startsWith('requests.') &&
  qualifiedNameProblems(`requests.${name}`).length === 0

export const deviceClass = defineKind<DeviceClass>({
  group: 'resource.k8s.io',
  kind: 'DeviceClass',
  generation: true,
  validate({ spec }) {
    const found: Problem[] = []
    checkSelectors(found, 'spec.selectors', spec.selectors)
    checkList(found, 'spec.config', spec.config, maxConfigurations, (at, { opaque }) => {
      checkConfiguration(found, at, opaque)
    })
    const name = spec.extendedResourceName
    if (name !== undefined && !isExtendedResource(name))
      found.push(invalid('spec.extendedResourceName', name, 'must be a valid extended resource name'))
    return found
  },
  columns: [nameColumn, ageColumn],
})
