import { type LabelOperator, labelOf, matchesLabels, type Selector } from './label-selector.ts'
import type { Node, NodeSelector, NodeSelectorRequirement, NodeSelectorTerm, Pod } from './types/core-v1.ts'

/** A term of a node selector, read once. */
export interface NodeTerm {
  readonly labels: Selector
  readonly fields: Selector
}

const requirementsOf = (requirements: readonly NodeSelectorRequirement[] | undefined): Selector =>
  (requirements ?? []).map(({ key, operator, values }) => ({ key, operator: operator as LabelOperator, values: values ?? [] }))

/** Undefined when the term is empty: such a term matches nothing. */
export function nodeTerm({ matchExpressions, matchFields }: NodeSelectorTerm): NodeTerm | undefined {
  const term = { labels: requirementsOf(matchExpressions), fields: requirementsOf(matchFields) }
  return term.labels.length + term.fields.length === 0 ? undefined : term
}

/** The one field that terms may ask for is the node's name. */
export const matchesTerm = ({ labels, fields }: NodeTerm, { metadata }: Node): boolean =>
  matchesLabels(labels, metadata.labels) && matchesLabels(fields, { 'metadata.name': metadata.name })

export const nodeTerms = (selector: NodeSelector): readonly NodeTerm[] =>
  selector.nodeSelectorTerms.map(nodeTerm).filter((term) => term !== undefined)

/** Whether the pod's `nodeSelector` and required node affinity accept a node. */
export function requiredNodes({ spec }: Pod): (node: Node) => boolean {
  const selector = Object.entries(spec?.nodeSelector ?? {})
  const required = spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution
  const terms = required && nodeTerms(required)
  return (node) =>
    selector.every(([key, value]) => labelOf(node.metadata.labels, key) === value) &&
    (terms === undefined || terms.some((term) => matchesTerm(term, node)))
}
