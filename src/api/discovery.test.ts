import { expect, test } from 'vitest'
import { builtinCatalog } from './catalog.ts'
import { aggregatedDiscovery, apiGroup, apiGroupList, apiResourceList, compareVersions } from './discovery.ts'

const catalog = builtinCatalog()

test.each([
  ['v1', 'v1beta1', -1],
  ['v2', 'v1', -1],
  ['v1beta2', 'v1beta1', -1],
  ['v1alpha1', 'v1beta1', 1],
  ['foo', 'v1alpha1', 1],
])('%s against %s', (a, b, sign) => {
  expect(Math.sign(compareVersions(a, b))).toBe(sign)
})

test('groups come in the order of upstream, stable versions only', () => {
  const groups = apiGroupList(catalog).groups
  expect(groups.slice(0, 3).map(({ name }) => name)).toEqual(['apiregistration.k8s.io', 'apps', 'events.k8s.io'])
  expect(groups.find(({ name }) => name === 'autoscaling')).toEqual({
    name: 'autoscaling',
    versions: [
      { groupVersion: 'autoscaling/v2', version: 'v2' },
      { groupVersion: 'autoscaling/v1', version: 'v1' },
    ],
    preferredVersion: { groupVersion: 'autoscaling/v2', version: 'v2' },
  })
  expect(apiGroup(catalog, 'nothing.example')).toBeUndefined()
})

test('resources and subresources of a group version', () => {
  const entries = apiResourceList(catalog, '', 'v1')?.resources ?? []
  expect(entries.find(({ name }) => name === 'pods/exec')).toEqual({
    name: 'pods/exec',
    singularName: '',
    namespaced: true,
    kind: 'PodExecOptions',
    verbs: ['create', 'get'],
  })
  expect(entries.find(({ name }) => name === 'pods/eviction')).toMatchObject({ group: 'policy', version: 'v1', kind: 'Eviction' })
  expect(entries.find(({ name }) => name === 'configmaps')).toMatchObject({ singularName: 'configmap', namespaced: true })
  expect(apiResourceList(catalog, 'apps', 'v2')).toBeUndefined()
})

test('aggregated discovery splits the core group from the others', () => {
  expect(aggregatedDiscovery(catalog, 'core').items.map(({ metadata }) => metadata.name)).toEqual([''])
  const apps = aggregatedDiscovery(catalog, 'named').items.find(({ metadata }) => metadata.name === 'apps')
  const statefulSets = apps?.versions[0]?.resources.find(({ resource }) => resource === 'statefulsets')
  expect(statefulSets).toMatchObject({
    scope: 'Namespaced',
    shortNames: ['sts'],
    responseKind: { group: 'apps', version: 'v1', kind: 'StatefulSet' },
  })
})
