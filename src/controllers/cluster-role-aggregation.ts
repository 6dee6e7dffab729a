import { jsonEqual } from '../api/json-equal.ts'
import { matchesLabels, type Selector, selectorOf } from '../api/label-selector.ts'
import { clusterRoles } from '../api/resources.ts'
import type { ClusterRole, PolicyRule } from '../api/types/rbac-v1.ts'
import type { Caches } from '../client/client.ts'
import { unlessGone } from './api-errors.ts'
import { type Controller, watchOf } from './controller.ts'

/** What a role gathers from the others that its selectors find: each rule once, by the roles' names; pure. */
export function gatheredRules(role: ClusterRole, all: readonly ClusterRole[]): PolicyRule[] {
  const selectors = selectorsOf(role)
  const found = all.filter((other) => other.metadata.name !== role.metadata.name && isSelected(selectors, other))
  found.sort((left, right) => (left.metadata.name < right.metadata.name ? -1 : 1))
  const rules = new Map<string, PolicyRule>()
  for (const rule of found.flatMap((each) => each.rules ?? [])) rules.set(JSON.stringify(rule), rule)
  return [...rules.values()]
}

/** Fills the cluster roles that are made of others, such as `view`, whenever one of those changes. */
export function clusterRoleAggregationController({ caches }: { caches: Caches }): Controller<ClusterRole> {
  const primary = caches.cache(clusterRoles)
  /** The roles that gather, so that a change of any other is matched against these few alone. */
  const gathering = 'gathering'
  primary.addIndex(gathering, ({ aggregationRule }) => (aggregationRule ? [''] : []))
  return {
    name: 'clusterrole-aggregation',
    primary,
    matters: (before, after) => Boolean((after ?? before)?.aggregationRule),
    watches: [
      watchOf(primary, (before, after) => {
        if (before && after && jsonEqual(before.rules, after.rules) && jsonEqual(before.metadata.labels, after.metadata.labels)) return []
        return primary
          .byIndex(gathering, '')
          .filter((role) => [before, after].some((other) => other && isSelected(selectorsOf(role), other)))
          .map(({ metadata }) => metadata.name)
      }),
    ],
    async reconcile(role, { cause }) {
      if (!role.aggregationRule) return undefined
      const rules = gatheredRules(role, primary.list())
      if (jsonEqual(rules, role.rules ?? [])) return undefined
      await unlessGone(caches.client.resource(clusterRoles).update({ ...role, rules }, { cause }))
      return undefined
    },
  }
}

const selectorsOf = ({ aggregationRule }: ClusterRole): (Selector | undefined)[] =>
  (aggregationRule?.clusterRoleSelectors ?? []).map(selectorOf)

const isSelected = (selectors: readonly (Selector | undefined)[], { metadata }: ClusterRole) =>
  selectors.some((selector) => selector && matchesLabels(selector, metadata.labels))
