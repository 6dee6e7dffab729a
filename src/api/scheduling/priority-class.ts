import { checkOneOf } from '../checks.ts'
import { defineKind } from '../define-kind.ts'
import type { JsonObject } from '../object.ts'
import { forbidden, invalid, type Problem } from '../problem.ts'
import { ageColumn, booleanColumn, column, integerColumn, nameColumn } from '../table-columns.ts'
import type { PriorityClass } from '../types/scheduling-v1.ts'

/** What the system itself needs, and its priorities, which are above all others. */
const systemClasses: ReadonlyMap<string, number> = new Map([
  ['system-node-critical', 2_000_001_000],
  ['system-cluster-critical', 2_000_000_000],
])
const highestOfUsers = 1_000_000_000
const preemptionPolicies = new Set(['Never', 'PreemptLowerPriority'])

/** Why an object with a reserved name is not the class of that name; undefined when it is. */
function notSystemClass({ metadata: { name }, value = 0, globalDefault = false }: PriorityClass): string | undefined {
  const wanted = systemClasses.get(name)
  if (wanted === undefined) return `${name} is not a known system priority class`
  if (value !== wanted) return `value of ${name} PriorityClass must be ${wanted}`
  return globalDefault ? `globalDefault of ${name} PriorityClass must be false` : undefined
}

export const priorityClass = defineKind<PriorityClass>({
  group: 'scheduling.k8s.io',
  kind: 'PriorityClass',
  shortNames: ['pc'],
  defaults(draft) {
    draft.preemptionPolicy ??= 'PreemptLowerPriority'
  },
  prepareForCreate(draft) {
    // It has the first generation, and no change that it may have makes another.
    ;(draft.metadata as JsonObject).generation = 1
  },
  validate(object) {
    const found: Problem[] = []
    const { value = 0, preemptionPolicy } = object
    if (object.metadata.name.startsWith('system-')) {
      const why = notSystemClass(object)
      if (why !== undefined)
        found.push(forbidden('metadata.name', `priority class names with 'system-' prefix are reserved for system use only. error: ${why}`))
    } else if (value > highestOfUsers)
      found.push(forbidden('value', `maximum allowed value of a user defined priority is ${highestOfUsers}`))
    checkOneOf(found, 'preemptionPolicy', preemptionPolicy, preemptionPolicies)
    return found
  },
  validateUpdate(object, old) {
    const found: Problem[] = []
    if ((object.value ?? 0) !== (old.value ?? 0)) found.push(forbidden('value', 'may not be changed in an update.'))
    if (object.preemptionPolicy !== (old.preemptionPolicy ?? 'PreemptLowerPriority'))
      found.push(invalid('preemptionPolicy', object.preemptionPolicy ?? null, 'field is immutable'))
    return found
  },
  columns: [
    nameColumn,
    integerColumn('Value', 'The priority of its pods.', ({ value }) => value ?? 0),
    booleanColumn('Global-Default', 'Whether it is that of pods which name none.', ({ globalDefault }) => globalDefault ?? false),
    ageColumn,
    column('PreemptionPolicy', 'Whether its pods drive others away.', ({ preemptionPolicy }) => preemptionPolicy ?? ''),
  ],
})
