import { beforeEach, expect, test } from 'vitest'
import type { JsonObject } from '../api/object.ts'
import { type ServerUnderTest, serverUnderTest } from './server-under-test.ts'

let api: ServerUnderTest

beforeEach(async () => {
  api = await serverUnderTest()
  await send('POST', '/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'b' } })
})

const send = (method: string, url: string, body: unknown, type = 'application/json') =>
  api.send(method, url, body, { 'content-type': type })

interface Owned {
  [manager: string]: unknown
}

/** What each manager owns, by `manager/operation[/subresource]`. */
function owners({ metadata }: { metadata: JsonObject }): Owned {
  const entries = (metadata.managedFields ?? []) as { manager: string; operation: string; subresource?: string; fieldsV1: unknown }[]
  return Object.fromEntries(
    entries.map(({ manager, operation, subresource, fieldsV1 }) => [[manager, operation, subresource].filter(Boolean).join('/'), fieldsV1]),
  )
}

const applyType = 'application/apply-patch+yaml'
const apply = (url: string, manager: string, body: unknown, more = '') =>
  send('PATCH', `${url}?fieldManager=${manager}${more}`, body, applyType)
const configMaps = '/api/v1/namespaces/b/configmaps'
const deployments = '/apis/apps/v1/namespaces/b/deployments'
const configMap = (data: JsonObject | undefined, metadata: JsonObject = {}) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'a', ...metadata },
  ...(data && { data }),
})

test('who creates an object owns what it set, and each struct that it brought', async () => {
  const spec = {
    replicas: 1,
    selector: { matchLabels: { a: 'b' } },
    template: {
      metadata: { labels: { a: 'b' } },
      spec: { containers: [{ name: 'c', image: 'x', resources: { limits: { cpu: '1' } }, ports: [{ containerPort: 80 }] }] },
    },
  }
  const { object } = await send('POST', deployments, {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'd', labels: { a: 'b' } },
    spec,
  })
  expect(owners(object)).toMatchObject({
    'tester/Update': {
      'f:metadata': { 'f:labels': { '.': {}, 'f:a': {} } },
      'f:spec': {
        'f:replicas': {},
        'f:selector': {},
        'f:template': {
          'f:metadata': { 'f:labels': { '.': {}, 'f:a': {} } },
          'f:spec': {
            'f:containers': {
              'k:{"name":"c"}': {
                '.': {},
                'f:name': {},
                'f:image': {},
                'f:resources': { '.': {}, 'f:limits': { '.': {}, 'f:cpu': {} } },
                'f:ports': { '.': {}, 'k:{"containerPort":80,"protocol":"TCP"}': { '.': {}, 'f:containerPort': {} } },
              },
            },
          },
        },
      },
    },
  })
  const { 'tester/Update': owned } = owners(object) as { 'tester/Update': { 'f:spec': JsonObject; 'f:metadata': JsonObject } }
  for (const struct of [owned['f:metadata'], owned['f:spec'], owned['f:spec']['f:template']]) expect(struct).not.toHaveProperty(['.'])
  expect(owned).not.toHaveProperty('f:apiVersion')
  expect(owned['f:metadata']).not.toHaveProperty('f:name')
})

test('an update takes over what it changes, and a removal leaves nobody', async () => {
  await send('POST', `${configMaps}?fieldManager=one`, configMap({ a: '1', b: '1', c: '1' }))
  const { object } = await send('PUT', `${configMaps}/a?fieldManager=two`, configMap({ a: '2', b: '1' }))
  expect(owners(object)).toEqual({ 'one/Update': { 'f:data': { '.': {}, 'f:b': {} } }, 'two/Update': { 'f:data': { 'f:a': {} } } })
})

test('a write that changes nothing is none', async () => {
  const first = await apply(`${configMaps}/a`, 'one', configMap({ a: '1' }))
  const again = await apply(`${configMaps}/a`, 'one', configMap({ a: '1' }))
  expect(again.object.metadata.resourceVersion).toBe(first.object.metadata.resourceVersion)
  const put = await send('PUT', `${configMaps}/a?fieldManager=two`, again.object)
  expect(put.object).toEqual(first.object)
})

test('several conflicts are told together, by manager', async () => {
  await apply(`${configMaps}/a`, 'one', configMap({ a: '1', b: '1' }))
  await send('PATCH', `${configMaps}/a?fieldManager=two`, { data: { c: '1' } }, 'application/merge-patch+json')
  const { status, object } = await apply(`${configMaps}/a`, 'three', configMap({ a: '2', b: '2', c: '2' }))
  expect(status).toBe(409)
  expect(object.message).toBe(
    'Apply failed with 3 conflicts: conflicts with "one":\n- .data.a\n- .data.b\nconflicts with "two" using v1:\n- .data.c',
  )
})

test('an item that is no longer applied goes, with its defaults, unless somebody else owns something in it', async () => {
  const container = { name: 'c', image: 'x' }
  const deployment = (...names: string[]) => ({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'd' },
    spec: {
      selector: { matchLabels: { a: 'b' } },
      template: {
        metadata: { labels: { a: 'b' } },
        spec: { containers: [container], volumes: names.map((name) => ({ name, emptyDir: {} })) },
      },
    },
  })
  const volumesOf = ({ spec }: JsonObject) => (spec as { template: { spec: { volumes: unknown[] } } }).template.spec.volumes
  await apply(`${deployments}/d`, 'one', deployment('a', 'b', 'c'))
  const limit = { spec: { template: { spec: { volumes: [{ name: 'b', emptyDir: { sizeLimit: '1Gi' } }] } } } }
  await send('PATCH', `${deployments}/d?fieldManager=two`, limit, 'application/strategic-merge-patch+json')
  const { object } = await apply(`${deployments}/d`, 'one', deployment('a'))
  expect(volumesOf(object)).toEqual([
    { name: 'a', emptyDir: {} },
    { name: 'b', emptyDir: { sizeLimit: '1Gi' } },
  ])
})

test('a status is applied through its subresource, and owned there', async () => {
  await apply(`${deployments}/d`, 'one', {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'd' },
    spec: {
      selector: { matchLabels: { a: 'b' } },
      template: { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image: 'x' }] } },
    },
  })
  const { status, object } = await apply(`${deployments}/d/status`, 'two', {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'd' },
    status: { replicas: 3 },
  })
  expect(status).toBe(200)
  expect(object.status).toMatchObject({ replicas: 3 })
  expect(owners(object)).toMatchObject({ 'two/Apply/status': { 'f:status': { 'f:replicas': {} } } })
})

test('a scale is owned through its subresource', async () => {
  const spec = {
    replicas: 1,
    selector: { matchLabels: { a: 'b' } },
    template: { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image: 'x' }] } },
  }
  await send('POST', `${deployments}?fieldManager=one`, { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'd' }, spec })
  await send('PATCH', `${deployments}/d/scale?fieldManager=two`, { spec: { replicas: 3 } }, 'application/merge-patch+json')
  const { object } = await send('PATCH', `${deployments}/d`, {}, 'application/merge-patch+json')
  expect(owners(object)).toMatchObject({ 'two/Update/scale': { 'f:spec': { 'f:replicas': {} } } })
  expect(owners(object)['one/Update']).not.toHaveProperty(['f:spec', 'f:replicas'])
})

test('a scale is applied for its object, and owned there', async () => {
  const spec = {
    replicas: 1,
    selector: { matchLabels: { a: 'b' } },
    template: { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image: 'x' }] } },
  }
  const deployment = { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'd' } }
  const scale = (replicas: number) => ({ apiVersion: 'autoscaling/v1', kind: 'Scale', metadata: { name: 'd' }, spec: { replicas } })
  await apply(`${deployments}/d`, 'one', { ...deployment, spec })
  const refused = await apply(`${deployments}/d/scale`, 'two', scale(3))
  expect(refused.object.message).toBe('Apply failed with 1 conflict: conflict with "one": .spec.replicas')
  const { status, object } = await apply(`${deployments}/d/scale`, 'two', scale(3), '&force=true')
  expect({ status, kind: object.kind, spec: object.spec }).toEqual({ status: 200, kind: 'Scale', spec: { replicas: 3 } })
  const { object: shown } = await send('PATCH', `${deployments}/d`, {}, 'application/merge-patch+json')
  expect(owners(shown)).toMatchObject({ 'two/Apply/scale': { 'f:spec': { 'f:replicas': {} } } })
  // What somebody else set by its scale is no longer the first one's, and stays when that one states it no more.
  const { replicas: _, ...without } = spec
  const { object: kept } = await apply(`${deployments}/d`, 'one', { ...deployment, spec: without })
  expect(kept.spec).toMatchObject({ replicas: 3 })
})

test('who owned an object before the first apply is not known', async () => {
  await send('POST', configMaps, configMap({ a: '1' }))
  await send('PATCH', `${configMaps}/a`, { metadata: { managedFields: [{}] } }, 'application/merge-patch+json')
  const refused = await apply(`${configMaps}/a`, 'one', configMap({ a: '2' }))
  expect(refused.object.message).toBe('Apply failed with 1 conflict: conflict with "before-first-apply" using v1: .data.a')
  const forced = await apply(`${configMaps}/a`, 'one', configMap({ a: '2' }), '&force=true')
  expect(owners(forced.object)).toEqual({ 'one/Apply': { 'f:data': { 'f:a': {} } }, 'before-first-apply/Update': { 'f:data': {} } })
})

test.each([
  ['another name than the URL', 'one', configMap({}, { name: 'b' }), 400],
  ['an old resourceVersion', 'one', configMap({ a: '1' }, { resourceVersion: '1' }), 409],
  ['a manager with a name too long', 'x'.repeat(200), configMap({}), 422],
])('%s is refused', async (_, manager, body, status) => {
  await send('POST', configMaps, configMap({}))
  expect((await apply(`${configMaps}/a`, manager, body)).status).toBe(status)
})

test('who says that a field is nothing owns it, and it becomes nothing', async () => {
  const spec = {
    selector: { matchLabels: { a: 'b' } },
    template: { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image: 'x' }] } },
  }
  const deployment = (more: JsonObject) => ({ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'd' }, spec: more })
  await send('POST', `${deployments}?fieldManager=two`, deployment({ ...spec, paused: true }))
  const refused = await apply(`${deployments}/d`, 'one', deployment({ paused: false }))
  expect(refused.object.message).toBe('Apply failed with 1 conflict: conflict with "two" using apps/v1: .spec.paused')
  const { object } = await apply(`${deployments}/d`, 'one', deployment({ paused: false }), '&force=true')
  expect(object.spec).not.toHaveProperty('paused')
  expect(owners(object)['one/Apply']).toEqual({ 'f:spec': { 'f:paused': {} } })
  expect(owners(object)['two/Update']).not.toHaveProperty(['f:spec', 'f:paused'])
  const again = await apply(`${deployments}/d`, 'one', deployment({ paused: false }))
  expect(again.object.metadata.resourceVersion).toBe(object.metadata.resourceVersion)
})

test('an empty map may be owned by many', async () => {
  expect(owners((await apply(`${configMaps}/a`, 'one', configMap({}))).object)).toEqual({ 'one/Apply': { 'f:data': {} } })
  const { status, object } = await apply(`${configMaps}/a`, 'two', configMap({}))
  expect(status).toBe(200)
  expect(owners(object)).toEqual({ 'one/Apply': { 'f:data': {} }, 'two/Apply': { 'f:data': {} } })
})

const pods = '/api/v1/namespaces/b/pods'

test.each([
  [
    `${deployments}/d`,
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'd' },
      spec: {
        selector: { matchLabels: { a: 'b' } },
        template: {
          metadata: { labels: { a: 'b' } },
          spec: { containers: [{ name: 'c', image: 'x' }, { name: 'c', image: 'y' }, { name: 'c' }] },
        },
      },
    },
    'failed to create typed patch object (b/d; apps/v1, Kind=Deployment): .spec.template.spec.containers: duplicate entries for key [name="c"]',
  ],
  [
    `${pods}/p`,
    {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'p', finalizers: ['a/b', 'a/b'] },
      spec: { containers: [{ name: 'c', image: 'x', ports: [{ containerPort: 80 }, { containerPort: 80, protocol: 'TCP' }] }] },
    },
    'failed to create typed patch object (b/p; /v1, Kind=Pod): errors:\n  .metadata.finalizers: duplicate entries for key [="a/b"]\n  .spec.containers[name="c"].ports: duplicate entries for key [containerPort=80,protocol="TCP"]',
  ],
  [
    `${configMaps}/a`,
    { ...configMap({ a: '1' }), dada: { a: '1' } },
    'failed to create typed patch object (b/a; /v1, Kind=ConfigMap): .dada: field not declared in schema',
  ],
])('a configuration of which nobody can say what it states is refused (%s)', async (url, body, message) => {
  const { status, object } = await apply(url, 'one', body, '&fieldValidation=Ignore')
  expect({ status, message: object.message }).toEqual({ status: 400, message })
})

test('an object whose list has an item twice takes what is applied to the others', async () => {
  const container = {
    name: 'c',
    image: 'x',
    env: [
      { name: 'A', value: '1' },
      { name: 'A', value: '2' },
    ],
  }
  await send('POST', pods, { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p' }, spec: { containers: [container] } })
  const { status, object } = await apply(`${pods}/p`, 'two', { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p', labels: { a: 'b' } } })
  expect(status).toBe(200)
  expect((object.spec as { containers: { env: unknown[] }[] }).containers[0]?.env).toEqual(container.env)
})

test('what is applied to an object that must be there makes no other', async () => {
  const { status, object } = await apply(`${configMaps}/a`, 'one', configMap({ a: '1' }, { uid: 'u' }))
  expect(status).toBe(409)
  expect(object.message).toBe(
    'Operation cannot be fulfilled on configmaps "a": uid mismatch: the provided object specified uid u, and no existing object was found',
  )
})

test('of more than ten updaters the oldest are taken together', async () => {
  await send('POST', `${configMaps}?fieldManager=m0`, configMap({ k0: '1' }))
  for (let index = 1; index < 13; index++) {
    await api.clock.advance(1000)
    await send('PATCH', `${configMaps}/a?fieldManager=m${index}`, { data: { [`k${index}`]: '1' } }, 'application/merge-patch+json')
  }
  const { object } = await send('PATCH', `${configMaps}/a`, {}, 'application/merge-patch+json')
  const owned = owners(object)
  expect(Object.keys(owned)).toHaveLength(10)
  expect(owned['ancient-changes/Update']).toEqual({ 'f:data': { '.': {}, 'f:k0': {}, 'f:k1': {}, 'f:k2': {}, 'f:k3': {} } })
  expect(owned['m4/Update']).toEqual({ 'f:data': { 'f:k4': {} } })
})

test('an entry keeps its time until its fields change', async () => {
  const timeOf = ({ metadata }: { metadata: JsonObject }) => (metadata.managedFields as { time: string }[])[0]?.time
  const { object: first } = await apply(`${configMaps}/a`, 'one', configMap({ a: '1' }))
  await api.clock.advance(5000)
  expect(timeOf((await apply(`${configMaps}/a`, 'one', configMap({ a: '1' }))).object)).toBe(timeOf(first))
  expect(timeOf((await apply(`${configMaps}/a`, 'one', configMap({ a: '2' }))).object)).not.toBe(timeOf(first))
})
