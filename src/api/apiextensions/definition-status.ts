import { isTrue } from '../conditions.ts'
import type { CustomResourceDefinition, CustomResourceDefinitionNames, CustomResourceDefinitionStatus } from '../types/apiextensions-v1.ts'
import { type Approval, approvalField, approvalOf, approvalProblem, belongsToKubernetes } from './api-approval.ts'
import { type Stated, withCondition } from './definition-conditions.ts'

/**
 * What the server says of a definition: which of the names that it asks for are its own, and whether it is served. The
 * definitions of one group share its names; who came first keeps them. Once established it stays so. `others` are the
 * group's other definitions.
 */
export function statusOf(
  definition: CustomResourceDefinition,
  others: readonly CustomResourceDefinition[],
  time: string,
): CustomResourceDefinitionStatus {
  const { spec, status } = definition
  const { names, accepted } = decideNames(spec.names, status?.acceptedNames, takenBy(others))
  let conditions = withCondition(status?.conditions ?? [], accepted, time)
  if (!isTrue(status, 'Established')) conditions = withCondition(conditions, accepted.status === 'True' ? established : notAccepted, time)
  if (belongsToKubernetes(spec.group)) conditions = withCondition(conditions, approvalCondition(definition), time)
  return { ...status, acceptedNames: names, conditions }
}

const established: Stated = {
  type: 'Established',
  status: 'True',
  reason: 'InitialNamesAccepted',
  message: 'the initial names have been accepted',
}

const notAccepted: Stated = { type: 'Established', status: 'False', reason: 'NotAccepted', message: 'not all names are accepted' }

interface Taken {
  readonly resources: ReadonlySet<string>
  readonly kinds: ReadonlySet<string>
}

function takenBy(others: readonly CustomResourceDefinition[]): Taken {
  const all = others.flatMap(({ status }) => (status?.acceptedNames ? [status.acceptedNames] : []))
  const given = (names: readonly (string | undefined)[]) => new Set(names.filter((name) => name !== undefined && name !== ''))
  return {
    resources: given(all.flatMap(({ plural, singular, shortNames = [] }) => [plural, singular, ...shortNames])) as Set<string>,
    kinds: given(all.flatMap(({ kind, listKind }) => [kind, listKind])) as Set<string>,
  }
}

type Names = CustomResourceDefinitionNames

/** Each name by itself: one that is taken leaves what was accepted before. */
function decideNames(asked: Names, before: Names | undefined, { resources, kinds }: Taken): { names: Names; accepted: Stated } {
  const names: Names = { ...(before ?? { plural: '', kind: '' }) }
  let accepted: Stated = { type: 'NamesAccepted', status: 'True', reason: 'NoConflicts', message: 'no conflicts found' }
  const conflict = (reason: string, message: string) => {
    accepted = { type: 'NamesAccepted', status: 'False', reason, message }
  }
  const inUse = (name: string) => `${JSON.stringify(name)} is already in use`
  const decide = (key: 'plural' | 'singular' | 'kind' | 'listKind', reason: string, taken: ReadonlySet<string>) => {
    const name = asked[key]
    if (name === undefined) return
    if (name !== before?.[key] && taken.has(name)) conflict(reason, inUse(name))
    else names[key] = name
  }
  decide('plural', 'PluralConflict', resources)
  decide('singular', 'SingularConflict', resources)
  const doubled = (asked.shortNames ?? []).filter((name) => !before?.shortNames?.includes(name) && resources.has(name))
  if (doubled.length > 0)
    conflict('ShortNamesConflict', doubled.length === 1 ? inUse(doubled[0] ?? '') : `[${doubled.map(inUse).join(', ')}]`)
  else if (asked.shortNames) names.shortNames = asked.shortNames
  else delete names.shortNames
  decide('kind', 'KindConflict', kinds)
  decide('listKind', 'ListKindConflict', kinds)
  if (asked.categories) names.categories = asked.categories
  else delete names.categories
  return { names, accepted }
}

function approvalCondition(definition: CustomResourceDefinition): Stated {
  const text = definition.metadata.annotations?.[approvalField] ?? ''
  const told: Record<Approval, Omit<Stated, 'type'>> = {
    missing: { status: 'False', reason: 'MissingAnnotation', message: approvalProblem.missing },
    invalid: { status: 'False', reason: 'InvalidAnnotation', message: approvalProblem.invalid },
    approved: { status: 'True', reason: 'ApprovedAnnotation', message: `approved in ${text}` },
    bypassed: { status: 'False', reason: 'UnapprovedAnnotation', message: `not approved: ${JSON.stringify(text)}` },
  }
  return { type: 'KubernetesAPIApprovalPolicyConformant', ...told[approvalOf(definition)] }
}
