import { controllerOf } from '../controller-of.ts'
import { defineKind } from '../define-kind.ts'
import { jsonEqual } from '../json-equal.ts'
import { invalid, type Problem } from '../problem.ts'
import { ageColumn, column, nameColumn } from '../table-columns.ts'
import type { ControllerRevision } from '../types/apps-v1.ts'

/** What a workload was at some time; never changes. */
export const controllerRevision = defineKind<ControllerRevision>({
  group: 'apps',
  kind: 'ControllerRevision',
  validate(object) {
    const found: Problem[] = []
    if (object.revision < 0) found.push(invalid('revision', object.revision, 'must be greater than or equal to 0'))
    return found
  },
  validateUpdate: (object, old) => (jsonEqual(object.data, old.data) ? [] : [invalid('data', object.data, 'field is immutable')]),
  columns: [
    nameColumn,
    column('Controller', 'The workload that it is a revision of.', (revision) => {
      const owner = controllerOf(revision)
      if (!owner) return '<none>'
      const slash = owner.apiVersion.indexOf('/')
      const group = slash < 0 ? '' : `.${owner.apiVersion.slice(0, slash)}`
      return `${owner.kind.toLowerCase()}${group}/${owner.name}`
    }),
    column('Revision', 'Its number.', ({ revision }) => revision),
    ageColumn,
  ],
})
