import { labelOf, matchesLabels, type Requirement, type Selector, selectorOf } from '../api/label-selector.ts'
import type { Pod, PodAffinityTerm } from '../api/types/core-v1.ts'

type Labels = Readonly<Record<string, string>> | undefined

/** A term of pod affinity, read once for the pod that has it. */
export interface AffinityTerm {
  readonly topologyKey: string
  /** Undefined matches no pod. */
  readonly selector: Selector | undefined
  readonly namespaces: ReadonlySet<string>
  /** Further namespaces, by their labels. */
  readonly namespaceSelector: Selector | undefined
  /** 1 for required terms. */
  readonly weight: number
}

export function affinityTerm(pod: Pod, term: PodAffinityTerm, weight = 1): AffinityTerm {
  const namespaces = term.namespaces ?? []
  const isOwnNamespace = namespaces.length === 0 && term.namespaceSelector === undefined
  const selector = selectorOf(term.labelSelector)
  return {
    topologyKey: term.topologyKey,
    selector: selector && [
      ...selector,
      ...sameLabels(pod, term.matchLabelKeys, 'In', selector),
      ...sameLabels(pod, term.mismatchLabelKeys, 'NotIn', selector),
    ],
    namespaces: new Set(isOwnNamespace ? [pod.metadata.namespace ?? ''] : namespaces),
    namespaceSelector: selectorOf(term.namespaceSelector),
    weight,
  }
}

/** Requirements on the pod's own values of these labels (KEP-3633); the server may have merged them into the selector already. */
export function sameLabels(
  { metadata }: Pod,
  keys: readonly string[] | undefined,
  operator: 'In' | 'NotIn',
  known: Selector = [],
): Requirement[] {
  return (keys ?? []).flatMap((key) => {
    const value = labelOf(metadata.labels, key)
    const isKnown = known.some((other) => other.key === key && other.operator === operator && other.values[0] === value)
    return value === undefined || isKnown ? [] : [{ key, operator, values: [value] }]
  })
}

export function matchesAffinity(term: AffinityTerm, pod: Pod, namespaceLabels: (namespace: string) => Labels): boolean {
  const namespace = pod.metadata.namespace ?? ''
  const isInReach =
    term.namespaces.has(namespace) ||
    (term.namespaceSelector !== undefined && matchesLabels(term.namespaceSelector, namespaceLabels(namespace)))
  return isInReach && term.selector !== undefined && matchesLabels(term.selector, pod.metadata.labels)
}
