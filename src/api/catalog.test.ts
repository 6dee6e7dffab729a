import { expect, test } from 'vitest'
import { builtinCatalog } from './catalog.ts'
import { kindDefinitions } from './kinds.ts'

const catalog = builtinCatalog()

test('serves stable versions only, unless asked', () => {
  expect(catalog.kinds.filter((kind) => /alpha|beta/.test(kind.version))).toEqual([])
  expect(catalog.byResource('resource.k8s.io', 'v1beta2', 'deviceclasses')).toBeUndefined()
  expect(builtinCatalog(new Set(['resource.k8s.io/v1beta2'])).byResource('resource.k8s.io', 'v1beta2', 'deviceclasses')?.kind).toBe(
    'DeviceClass',
  )
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
  const beta = [
    'certificates.k8s.io/v1beta1',
    'coordination.k8s.io/v1beta1',
    'internal.apiserver.k8s.io/v1alpha1',
    'storagemigration.k8s.io/v1beta1',
  ]
  const everything = builtinCatalog(new Set(beta)).kinds
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
