import { expect, test } from 'vitest'
import type { ClusterRole } from '../api/types/rbac-v1.ts'
import { gatheredRules } from './cluster-role-aggregation.ts'

const rule = (resource: string) => ({ verbs: ['get'], apiGroups: [''], resources: [resource] })
const role = (name: string, labels: Record<string, string>, ...resources: string[]): ClusterRole => ({
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind: 'ClusterRole',
  metadata: { name, labels },
  rules: resources.map(rule),
})
const gathering = (...labels: Record<string, string>[]): ClusterRole => ({
  ...role('all', { to: 'all' }, 'own'),
  aggregationRule: { clusterRoleSelectors: labels.map((matchLabels) => ({ matchLabels })) },
})

test.each([
  [
    gathering({ to: 'all' }),
    [role('b', { to: 'all' }, 'pods', 'secrets'), role('a', { to: 'all' }, 'nodes', 'pods')],
    ['nodes', 'pods', 'secrets'],
  ],
  [gathering({ to: 'all' }), [role('a', { to: 'other' }, 'nodes')], []],
  [gathering({ to: 'all' }, { to: 'other' }), [role('a', { to: 'other' }, 'nodes'), role('b', { to: 'all' }, 'pods')], ['nodes', 'pods']],
  [gathering({ to: 'all' }), [gathering({ to: 'all' })], []],
])('%#: each rule of the roles selected once, by their names, never its own', (into, others, resources) => {
  expect(gatheredRules(into, others)).toEqual(resources.map(rule))
})
