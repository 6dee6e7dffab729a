import { timestamp } from '../api/timestamp.ts'
import type { NamespaceCondition } from '../api/types/core-v1.ts'

/** What is left of a namespace's content. */
export interface LeftContent {
  /** By resource (`pods.`, `deployments.apps`): how many. */
  readonly counts: ReadonlyMap<string, number>
  /** By finalizer: on how many objects. */
  readonly finalizers: ReadonlyMap<string, number>
  /** Group versions of which nobody can tell what they have. */
  readonly undiscovered: readonly string[]
  /** What went wrong while deleting. */
  readonly failures: readonly string[]
}

/** Upstream's five conditions, in its words; pure. One that says the same keeps its time. */
export function namespaceConditions(before: readonly NamespaceCondition[], left: LeftContent, nowMs: number): NamespaceCondition[] {
  const remaining = [...left.counts].sort().map(([resource, count]) => `${resource} has ${count} resource instances`)
  const held = [...left.finalizers].sort().map(([finalizer, count]) => `${finalizer} in ${count} resource instances`)
  const found = [
    left.undiscovered.length > 0
      ? says(
          'NamespaceDeletionDiscoveryFailure',
          true,
          'DiscoveryFailed',
          `Discovery failed for some groups, ${left.undiscovered.length} failing: unable to retrieve the complete list of server APIs: ${left.undiscovered.join(', ')}`,
        )
      : says('NamespaceDeletionDiscoveryFailure', false, 'ResourcesDiscovered', 'All resources successfully discovered'),
    says('NamespaceDeletionGroupVersionParsingFailure', false, 'ParsedGroupVersions', 'All legacy kube types successfully parsed'),
    left.failures.length > 0
      ? says(
          'NamespaceDeletionContentFailure',
          true,
          'ContentDeletionFailed',
          `Failed to delete all resource types, ${left.failures.length} remaining: ${[...left.failures].sort().join(', ')}`,
        )
      : says(
          'NamespaceDeletionContentFailure',
          false,
          'ContentDeleted',
          'All content successfully deleted, may be waiting on finalization',
        ),
    remaining.length > 0
      ? says('NamespaceContentRemaining', true, 'SomeResourcesRemain', `Some resources are remaining: ${remaining.join(', ')}`)
      : says('NamespaceContentRemaining', false, 'ContentRemoved', 'All content successfully removed'),
    held.length > 0
      ? says(
          'NamespaceFinalizersRemaining',
          true,
          'SomeFinalizersRemain',
          `Some content in the namespace has finalizers remaining: ${held.join(', ')}`,
        )
      : says('NamespaceFinalizersRemaining', false, 'ContentHasNoFinalizers', 'All content-preserving finalizers finished'),
  ]
  const types = new Set(found.map(({ type }) => type))
  return [...before.filter(({ type }) => !types.has(type)), ...found.map((condition) => timed(condition, before, nowMs))]
}

const says = (type: string, isTrue: boolean, reason: string, message: string) => ({
  type,
  status: isTrue ? 'True' : 'False',
  reason,
  message,
})

function timed(condition: ReturnType<typeof says>, before: readonly NamespaceCondition[], nowMs: number): NamespaceCondition {
  const known = before.find(({ type }) => type === condition.type)
  const since = known?.status === condition.status ? known.lastTransitionTime : undefined
  return { ...condition, lastTransitionTime: since ?? timestamp(nowMs) }
}
