import { afterEach, expect, test } from 'vitest'
import { endpointSlices, nodes, pods, services } from '../../src/api/resources.ts'
import type { Pod } from '../../src/api/types/core-v1.ts'
import { type ControlPlane, createControlPlane } from './control-plane.ts'

let plane: ControlPlane
afterEach(() => plane.stop())
const seconds = (count: number) => plane.clock.advance(count * 1000)
const node = () => plane.client.resource(nodes).get(undefined, 'node')
const addPod = (name: string, tolerationSeconds: number) =>
  plane.client.resource(pods).create({
    metadata: { name, namespace: 'default' },
    spec: {
      containers: [{ name: 'c', image: 'i' }],
      tolerations: ['not-ready', 'unreachable'].map((key) => ({
        key: `node.kubernetes.io/${key}`,
        operator: 'Exists',
        effect: 'NoExecute',
        tolerationSeconds,
      })),
    },
  })
const ready = ({ status }: Pod) => status?.conditions?.find(({ type }) => type === 'Ready')?.status
/** Lets the time pass while another node's kubelet is alive. */
const secondsBesides = async (count: number) => {
  const client = plane.client.resource(nodes)
  for (let left = count; left > 0; left -= 10) {
    const conditions = [{ type: 'Ready', status: 'True', lastHeartbeatTime: new Date(plane.clock.now()).toISOString() }]
    await client.patch(undefined, 'other', 'merge', { status: { conditions } }, { subresource: 'status' })
    await seconds(Math.min(10, left))
  }
}
const taints = async () => ((await node()).spec?.taints ?? []).map(({ key, effect }) => `${key}:${effect}`).sort()
const names = async () => (await plane.list(pods)).map(({ metadata }) => metadata.name)

test('a silent node is told unknown after 50 seconds, tainted, and its pods leave when they tolerate it no longer', async () => {
  plane = await createControlPlane({ seed: 1 })
  await plane.client.resource(nodes).create({ metadata: { name: 'other' }, spec: {} })
  await addPod('short', 30)
  await addPod('long', 600)
  await secondsBesides(60)
  expect(await taints()).toEqual([])
  expect((await plane.list(pods)).map(ready)).toEqual(['True', 'True'])
  plane.silence()
  await secondsBesides(39)
  expect(await taints()).toEqual([])
  await secondsBesides(12)
  const silent = await node()
  expect(silent.status?.conditions?.find(({ type }) => type === 'Ready')).toMatchObject({
    status: 'Unknown',
    reason: 'NodeStatusUnknown',
    message: 'Kubelet stopped posting node status.',
  })
  expect(await taints()).toEqual(['node.kubernetes.io/unreachable:NoExecute', 'node.kubernetes.io/unreachable:NoSchedule'])
  expect((await plane.list(pods)).map(ready)).toEqual(['False', 'False'])
  await secondsBesides(25)
  expect(await names()).toEqual(['long', 'short'])
  await secondsBesides(15)
  expect(await names()).toEqual(['long'])
  const conditions = [{ type: 'Ready', status: 'True', lastHeartbeatTime: new Date(plane.clock.now()).toISOString() }]
  await plane.client.resource(nodes).patch(undefined, 'node', 'merge', { status: { conditions } }, { subresource: 'status' })
  await seconds(1)
  expect(await taints()).toEqual([])
  expect(plane.errors).toEqual([])
})

test('where no node is ready nothing is driven off, until another is', async () => {
  plane = await createControlPlane({ seed: 5 })
  await addPod('p', 30)
  await seconds(60)
  plane.silence()
  await seconds(51)
  expect(await taints()).toEqual(['node.kubernetes.io/unreachable:NoSchedule'])
  expect((await plane.list(pods)).map(ready)).toEqual(['False'])
  await seconds(600)
  expect(await names()).toEqual(['p'])
  await plane.client.resource(nodes).create({ metadata: { name: 'other' }, spec: {} })
  await secondsBesides(20)
  expect(await taints()).toEqual(['node.kubernetes.io/unreachable:NoExecute', 'node.kubernetes.io/unreachable:NoSchedule'])
  expect(await names()).toEqual(['p'])
  await secondsBesides(20)
  expect(await names()).toEqual([])
  expect(plane.errors).toEqual([])
})

test('a node that is made unschedulable is tainted, other taints stay', async () => {
  plane = await createControlPlane({ seed: 2 })
  const taint = { key: 'example.com/mine', effect: 'NoSchedule' }
  await plane.client.resource(nodes).patch(undefined, 'node', 'merge', { spec: { unschedulable: true, taints: [taint] } })
  await seconds(1)
  expect((await node()).spec?.taints).toMatchObject([taint, { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' }])
  await plane.client.resource(nodes).patch(undefined, 'node', 'merge', { spec: { unschedulable: null } })
  await seconds(1)
  expect((await node()).spec?.taints).toEqual([taint])
})

test('pods of a node that is gone are removed after its quarantine', async () => {
  plane = await createControlPlane({ seed: 3 })
  await addPod('p', 3000)
  await seconds(5)
  plane.silence()
  await plane.client.resource(nodes).delete(undefined, 'node')
  await seconds(35)
  expect(await names()).toEqual(['p'])
  await seconds(10)
  expect(await names()).toEqual([])
  expect(plane.errors).toEqual([])
})

test('a taint put on by hand drives pods off after their own time, counted from when they came', async () => {
  plane = await createControlPlane({ seed: 4 })
  const add = (name: string) =>
    plane.client.resource(pods).create({
      metadata: { name, namespace: 'default' },
      spec: {
        containers: [{ name: 'c', image: 'i' }],
        tolerations: [{ key: 'example.com/mine', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 30 }],
      },
    })
  await add('early')
  await seconds(5)
  await plane.client
    .resource(nodes)
    .patch(undefined, 'node', 'merge', { spec: { taints: [{ key: 'example.com/mine', effect: 'NoExecute' }] } })
  await seconds(25)
  await add('late')
  await seconds(15)
  expect(await names()).toEqual(['late'])
  await seconds(20)
  expect(await names()).toEqual([])
  expect(plane.errors).toEqual([])
})

test('endpoints tell in which zone their node is, also one that hears of it later', async () => {
  plane = await createControlPlane({ seed: 6 })
  const labels = { app: 'web' }
  await plane.client.resource(services).create({
    metadata: { name: 'web', namespace: 'default' },
    spec: { selector: labels, ports: [{ port: 80 }] },
  })
  await plane.client.resource(pods).create({
    metadata: { name: 'p', namespace: 'default', labels },
    spec: { containers: [{ name: 'c', image: 'i' }] },
  })
  const zones = async () => (await plane.list(endpointSlices)).flatMap(({ endpoints }) => (endpoints ?? []).map(({ zone }) => zone))
  await seconds(10)
  expect(await zones()).toEqual([undefined])
  const zoned = { metadata: { labels: { 'topology.kubernetes.io/zone': 'here' } } }
  await plane.client.resource(nodes).patch(undefined, 'node', 'merge', zoned)
  await seconds(1)
  expect(await zones()).toEqual(['here'])
  expect(plane.errors).toEqual([])
})
