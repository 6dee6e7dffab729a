import { afterEach, expect, test } from 'vitest'
import { persistentVolumeClaims, persistentVolumes, pods, volumeAttributesClasses } from '../../src/api/resources.ts'
import { basicAdmission } from '../../src/server/admission/standard-admission.ts'
import { storageObjectInUseProtection } from '../../src/server/admission/storage-object-in-use-protection.ts'
import { type ControlPlane, createControlPlane } from './control-plane.ts'

let plane: ControlPlane
afterEach(() => plane.stop())

const begin = async (seed: number) => {
  plane = await createControlPlane({ seed, runPods: false, admission: [...basicAdmission, () => storageObjectInUseProtection] })
}
const seconds = (count: number) => plane.clock.advance(count * 1000)
const claims = () => plane.client.resource(persistentVolumeClaims)
const claimSpec = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } }
const claim = (name: string, more: object = {}) =>
  claims().create({ metadata: { name, namespace: 'default' }, spec: { ...claimSpec, ...more } })
const there = async () => (await plane.list(persistentVolumeClaims, 'default')).map(({ metadata }) => metadata.name)
const pod = (name: string, claimName: string, nodeName?: string) =>
  plane.client.resource(pods).create({
    metadata: { name, namespace: 'default' },
    spec: {
      containers: [{ name: 'c', image: 'i:1' }],
      volumes: [{ name: 'v', persistentVolumeClaim: { claimName } }],
      ...(nodeName && { nodeName }),
    },
  })

test('a claim stays while a pod on a node mounts it, and goes with the pod', async () => {
  await begin(1)
  for (const name of ['used', 'unused', 'awaited']) await claim(name)
  await pod('a', 'used', 'node')
  await pod('b', 'awaited')
  for (const name of ['used', 'unused', 'awaited']) await claims().delete('default', name)
  await seconds(1)
  expect(await there()).toEqual(['used'])
  await plane.client.resource(pods).delete('default', 'a', { gracePeriodSeconds: 0 })
  await seconds(1)
  expect(await there()).toEqual([])
})

test('what was made before it was protected is protected later', async () => {
  plane = await createControlPlane({ seed: 2, runPods: false })
  await claim('old')
  await seconds(1)
  expect((await claims().get('default', 'old')).metadata.finalizers).toEqual(['kubernetes.io/pvc-protection'])
})

test('a volume stays while it is bound', async () => {
  await begin(3)
  const volumes = plane.client.resource(persistentVolumes)
  const spec = { capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce'], hostPath: { path: '/a' } }
  const bound = await volumes.create({ metadata: { name: 'bound' }, spec })
  await volumes.create({ metadata: { name: 'free' }, spec })
  const held = await volumes.updateStatus({ ...bound, status: { phase: 'Bound' } })
  await volumes.delete(undefined, 'bound')
  await volumes.delete(undefined, 'free')
  await seconds(1)
  expect((await plane.list(persistentVolumes)).map(({ metadata }) => metadata.name)).toEqual(['bound'])
  const { resourceVersion: _, ...metadata } = held.metadata
  await volumes.updateStatus({ ...held, metadata, status: { phase: 'Released' } })
  await seconds(1)
  expect(await plane.list(persistentVolumes)).toEqual([])
})

test('a class of attributes stays while a claim names it', async () => {
  await begin(4)
  const classes = plane.client.resource(volumeAttributesClasses)
  await classes.create({ metadata: { name: 'fast' }, driverName: 'example.com', parameters: { a: 'b' } })
  await claim('a', { volumeAttributesClassName: 'fast' })
  await classes.delete(undefined, 'fast')
  await seconds(1)
  expect(await plane.list(volumeAttributesClasses)).toHaveLength(1)
  await claims().delete('default', 'a')
  await seconds(1)
  expect(await plane.list(volumeAttributesClasses)).toEqual([])
})
