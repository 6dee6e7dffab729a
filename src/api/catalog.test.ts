import { expect, test } from 'vitest'
import { builtinCatalog } from './catalog.ts'
import { kindDefinitions } from './kinds.ts'

const catalog = builtinCatalog()

test('serves stable versions only, unless asked', () => {
  expect(catalog.kinds.filter((kind) => /alpha|beta/.test(kind.version))).toEqual([])
  expect(catalog.byResource('resource.k8s.io', 'v1beta2', 'deviceclasses')).toBeUndefined()
})

test.each([
  [{ 'resource.k8s.io/v1beta2': true }, 'resource.k8s.io', 'v1beta2', 'deviceclasses', true],
  [{ 'api/beta': true }, 'resource.k8s.io', 'v1beta2', 'deviceclasses', true],
  [{ 'api/alpha': true }, 'resource.k8s.io', 'v1beta2', 'deviceclasses', false],
  [{ 'api/all': true, 'resource.k8s.io/v1beta2': false }, 'resource.k8s.io', 'v1beta2', 'deviceclasses', false],
  [{ 'batch/v1': false }, 'batch', 'v1', 'jobs', false],
  [{ v1: false }, '', 'v1', 'pods', false],
  [{ 'api/all': false, v1: true }, '', 'v1', 'pods', true],
])('%j serves %s/%s %s: %s', (config, group, version, plural, isServed) => {
  const { byResource } = builtinCatalog(new Map(Object.entries(config) as [string, boolean][]))
  expect(byResource(group, version, plural) !== undefined).toBe(isServed)
})

test('knows resources by plural and by kind, with their subresources', () => {
  const pods = catalog.byResource('', 'v1', 'pods')
  expect(pods).toMatchObject({ kind: 'Pod', listKind: 'PodList', namespaced: true, singular: 'pod' })
  expect(pods?.subresources.get('eviction')?.kind).toEqual({ group: 'policy', version: 'v1', kind: 'Eviction' })
  expect(catalog.byKind('apps', 'v1', 'StatefulSet')).toMatchObject({ plural: 'statefulsets', shortNames: ['sts'], categories: ['all'] })
  expect(catalog.byResource('', 'v1', 'nodes')?.namespaced).toBe(false)
})

test('resolves schemas with list keys, patch keys and scalars', () => {
  const schema = catalog.byResource('', 'v1', 'pods')?.schema
  if (schema?.type !== 'object') throw new Error('no object')
  const spec = schema.fields.get('spec')?.schema()
  if (spec?.type !== 'object') throw new Error('no spec')
  const containers = spec.fields.get('containers')
  expect(containers).toMatchObject({ patchMergeKey: 'name', patchStrategy: ['merge'] })
  expect(containers?.schema()).toMatchObject({ type: 'list', list: 'map', keys: ['name'] })
  expect(spec.fields.get('overhead')?.schema()).toMatchObject({ type: 'map' })
  const overhead = spec.fields.get('overhead')?.schema()
  expect(overhead?.type === 'map' && overhead.value()).toEqual({ type: 'quantity' })
  expect(spec.fields.get('nodeSelector')?.schema()).toMatchObject({ type: 'map', atomic: true })
})

test('every kind that is described exists in the facts', () => {
  const everything = builtinCatalog(new Map([['api/all', true]])).kinds
  const missing = kindDefinitions.filter(({ group, kind }) => !everything.some((known) => known.group === group && known.kind === kind))
  expect(missing.map(({ kind }) => kind)).toEqual([])
})

test('is made in a few milliseconds', () => {
  const startMs = performance.now()
  builtinCatalog()
  expect(performance.now() - startMs).toBeLessThan(100)
})

test('an update of the object keeps status, an update of status keeps the rest', () => {
  const strategy = catalog.byResource('apps', 'v1', 'statefulsets')?.strategy
  const old = { apiVersion: 'apps/v1', kind: 'StatefulSet', metadata: { name: 'a' }, spec: { replicas: 1 }, status: { replicas: 1 } }
  const main: Record<string, unknown> = { ...old, spec: { replicas: 2 }, status: { replicas: 9 } }
  strategy?.prepareForUpdate(main, old, '')
  expect(main).toMatchObject({ spec: { replicas: 2 }, status: { replicas: 1 } })
  const status: Record<string, unknown> = { ...old, spec: { replicas: 2 }, status: { replicas: 9 } }
  strategy?.prepareForUpdate(status, old, 'status')
  expect(status).toMatchObject({ spec: { replicas: 1 }, status: { replicas: 9 } })
  const created: Record<string, unknown> = { ...old }
  strategy?.prepareForCreate(created)
  expect(created).toHaveProperty('status', { replicas: 0 })
})
