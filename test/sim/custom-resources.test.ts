import { afterEach, expect, test } from 'vitest'
import { builtinCatalog } from '../../src/api/catalog.ts'
import type { KubeObject } from '../../src/api/object.ts'
import type { ResourceRef } from '../../src/api/resource-ref.ts'
import { configMaps, customResourceDefinitions, namespaces, storageVersionMigrations } from '../../src/api/resources.ts'
import { type ControlPlane, createControlPlane } from './control-plane.ts'

/** Garbage collection and the emptying of namespaces, for kinds that come while the controllers run. */

let plane: ControlPlane
afterEach(() => plane.stop())

const widgets: ResourceRef<KubeObject> = { group: 'example.org', version: 'v1', plural: 'widgets', kind: 'Widget', namespaced: true }
const seconds = (count: number) => plane.clock.advance(count * 1000)
const namesOf = async (ref: ResourceRef<KubeObject>, namespace = 'default') =>
  (await plane.list(ref, namespace)).map(({ metadata }) => metadata.name).filter((name) => name !== 'kube-root-ca.crt')

async function define(): Promise<void> {
  const openAPIV3Schema = { type: 'object' }
  await plane.client.resource(customResourceDefinitions).create({
    metadata: { name: 'widgets.example.org' },
    spec: {
      group: 'example.org',
      scope: 'Namespaced',
      names: { plural: 'widgets', kind: 'Widget' },
      versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema } }],
    },
  })
  await seconds(2)
}

const ownerOf = ({ apiVersion, kind, metadata: { name, uid = '' } }: KubeObject) => ({ apiVersion, kind, name, uid })
const widget = (name: string, owners: readonly KubeObject[] = [], namespace = 'default') =>
  plane.client.resource(widgets).create({ metadata: { name, namespace, ownerReferences: owners.map(ownerOf) } })
const map = (name: string, owners: readonly KubeObject[] = [], namespace = 'default') =>
  plane.client.resource(configMaps).create({ metadata: { name, namespace, ownerReferences: owners.map(ownerOf) } })

test('custom resources own and are owned', async () => {
  plane = await createControlPlane({ seed: 1 })
  await define()
  const owner = await map('owner')
  await map('below', [await widget('owned', [owner])])
  await plane.client.resource(configMaps).delete('default', 'owner')
  await seconds(2)
  expect(await namesOf(widgets)).toEqual([])
  expect(await namesOf(configMaps)).toEqual([])
})

test('what a definition takes along takes along what it owns', async () => {
  plane = await createControlPlane({ seed: 2 })
  await define()
  await map('below', [await widget('a')])
  await plane.client.resource(customResourceDefinitions).delete(undefined, 'widgets.example.org')
  await seconds(2)
  expect(await namesOf(configMaps)).toEqual([])
  expect(plane.errors).toEqual([])
})

test('who was owned by what nobody could find goes once it is known that it is not there', async () => {
  plane = await createControlPlane({ seed: 3 })
  await map('stray', [{ apiVersion: 'example.org/v1', kind: 'Widget', metadata: { name: 'never', uid: 'u-1' } }])
  await seconds(2)
  expect(await namesOf(configMaps)).toEqual(['stray'])
  await define()
  await seconds(2)
  expect(await namesOf(configMaps)).toEqual([])
})

test('a namespace goes with its custom resources', async () => {
  plane = await createControlPlane({ seed: 4 })
  await define()
  const spaces = plane.client.resource(namespaces)
  await spaces.create({ metadata: { name: 'n' }, spec: {} })
  await seconds(1)
  await widget('a', [], 'n')
  await spaces.delete(undefined, 'n')
  await seconds(10)
  expect((await plane.list(namespaces)).map(({ metadata }) => metadata.name)).not.toContain('n')
  expect(await namesOf(widgets, 'n')).toEqual([])
})

test('a migration writes all objects in the version in which they are stored now', async () => {
  plane = await createControlPlane({ seed: 5, catalog: builtinCatalog(new Map([['storagemigration.k8s.io/v1beta1', true]])) })
  await define()
  for (const name of ['a', 'b', 'c']) await widget(name)
  const definitions = plane.client.resource(customResourceDefinitions)
  const schema = { openAPIV3Schema: { type: 'object' } }
  const versions = [
    { name: 'v1', served: true, storage: false, schema },
    { name: 'v2', served: true, storage: true, schema },
  ]
  await definitions.patch(undefined, 'widgets.example.org', 'merge', { spec: { versions } })
  await seconds(2)
  expect((await definitions.get(undefined, 'widgets.example.org')).status?.storedVersions).toEqual(['v1', 'v2'])
  const before = (await plane.list(widgets, 'default')).map(({ metadata }) => metadata.resourceVersion)
  const migrations = plane.client.resource(storageVersionMigrations)
  await migrations.create({ metadata: { name: 'm' }, spec: { resource: { group: 'example.org', resource: 'widgets' } } })
  await migrations.create({ metadata: { name: 'none' }, spec: { resource: { group: 'example.org', resource: 'nothing' } } })
  await seconds(2)
  const statesOf = async (name: string) =>
    (await migrations.get(undefined, name)).status?.conditions?.map(({ type, status, message }) => [type, status, message])
  expect(await statesOf('m')).toEqual([
    ['Running', 'False', ''],
    ['Succeeded', 'True', ''],
  ])
  expect(await statesOf('none')).toEqual([['Failed', 'True', 'resource does not exist in discovery']])
  const after = await plane.list(widgets, 'default')
  expect(after.map(({ metadata }) => metadata.resourceVersion).some((version) => before.includes(version))).toBe(false)
  expect((await definitions.get(undefined, 'widgets.example.org')).status?.storedVersions).toEqual(['v2'])
  // By now v1 may go, and nothing is lost.
  await definitions.patch(undefined, 'widgets.example.org', 'merge', { spec: { versions: [versions[1]] } })
  await seconds(2)
  expect(await namesOf({ ...widgets, version: 'v2' })).toEqual(['a', 'b', 'c'])
  expect(plane.errors).toEqual([])
})
