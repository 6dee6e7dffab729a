import { afterEach, beforeEach, expect, test } from 'vitest'
import { builtinCatalog } from '../api/catalog.ts'
import { events, nodes, pods } from '../api/resources.ts'
import type { Node, Pod, PodSpec } from '../api/types/core-v1.ts'
import { systemClock } from '../base/clock.ts'
import { silentLog } from '../base/log.ts'
import { seededRandom } from '../base/random.ts'
import { createCaches } from '../client/caches.ts'
import type { Caches } from '../client/client.ts'
import { createClient } from '../client/create-client.ts'
import { inProcessTransport } from '../client/in-process-transport.ts'
import { createAuthenticator } from '../server/authentication.ts'
import { createServer } from '../server/server.ts'
import { createMemoryStore } from '../store/memory.ts'
import { startScheduler } from './scheduler.ts'

const soon = { interval: 1, timeout: 8_000 }
let stop: AbortController
let caches: Caches
let ended: Promise<void>

beforeEach(async () => {
  stop = new AbortController()
  const { handle } = await createServer(
    {
      store: createMemoryStore(),
      catalog: builtinCatalog(),
      authenticate: createAuthenticator({ staticTokens: new Map(), verifyToken: async () => undefined }),
      serverAddress: '',
      clock: systemClock,
      random: seededRandom(1),
      log: silentLog,
    },
    stop.signal,
  )
  const parts = { clock: systemClock, random: seededRandom(1), log: silentLog }
  const transport = inProcessTransport({ handle, user: { name: 'system:kube-scheduler', groups: ['system:masters'] } })
  caches = createCaches({ client: createClient({ transport }), ...parts })
  ended = startScheduler({ caches, ...parts, signal: stop.signal })
  caches.start(stop.signal)
})
afterEach(async () => {
  stop.abort()
  await ended
})

const addNode = async (name: string, allocatable: Record<string, string> = {}, spec: Node['spec'] = {}) => {
  const labels = { 'kubernetes.io/hostname': name }
  const all = { cpu: '4', memory: '8Gi', pods: '110', ...allocatable }
  const node = await caches.client.resource(nodes).create({ metadata: { name, labels }, spec })
  await caches.client.resource(nodes).updateStatus({ ...node, status: { allocatable: all, capacity: all } })
}
const container = (name: string, requests: Record<string, string> = {}) => ({ name, image: 'app:1', resources: { requests } })
const addPod = (name: string, spec: Partial<PodSpec> = {}, labels: Record<string, string> = {}) =>
  caches.client.resource(pods).create({ metadata: { name, namespace: 'default', labels }, spec: { containers: [container('c')], ...spec } })
const pod = (name: string): Pod | undefined => caches.cache(pods).get('default', name)
const nodeOf = (name: string) => pod(name)?.spec?.nodeName
const scheduled = (name: string) => expect.poll(() => nodeOf(name), soon)
const reasonOf = (name: string) => pod(name)?.status?.conditions?.find(({ type }) => type === 'PodScheduled')
const turnedAway = (name: string) => expect.poll(() => reasonOf(name)?.message, soon)

test('a pod gets a node, a condition and an event, at once', async () => {
  await addNode('a')
  await addPod('warm')
  await scheduled('warm').toBe('a')
  const began = performance.now()
  const bound = new Promise<void>((resolve) =>
    caches.cache(pods).onChange((_before, after) => after?.metadata.name === 'p' && after.spec?.nodeName && resolve()),
  )
  await addPod('p')
  await bound
  expect(performance.now() - began).toBeLessThan(500)
  expect(reasonOf('p')).toMatchObject({ status: 'True' })
  const list = async () => (await caches.client.resource(events).list({ namespace: 'default' })).items
  await expect.poll(async () => (await list()).map(({ message }) => message), soon).toContain('Successfully assigned default/p to a')
})

test('the containers of a pod are placed together: where all of them fit', async () => {
  await addNode('small', { memory: '1280Mi' })
  await addNode('large', { memory: '2Gi' })
  await addPod('both', { containers: [container('x', { memory: '1Gi' }), container('y', { memory: '512Mi' })] })
  await scheduled('both').toBe('large')
})

test('a pod that fits nowhere says why in upstream words, and gets its node once there is room', async () => {
  await addNode('small', { memory: '100Mi' })
  await addNode('tainted-1', {}, { taints: [{ key: 'dedicated', value: 'db', effect: 'NoSchedule' }] })
  await addNode('tainted-2', {}, { taints: [{ key: 'dedicated', value: 'db', effect: 'NoSchedule' }] })
  await addPod('p', { containers: [container('c', { memory: '1Gi' })] })
  const message =
    '0/3 nodes are available: 1 Insufficient memory, 2 node(s) had untolerated taint(s). preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling.'
  await turnedAway('p').toBe(message)
  expect(reasonOf('p')).toMatchObject({ status: 'False', reason: 'Unschedulable' })
  const list = async () => (await caches.client.resource(events).list({ namespace: 'default' })).items
  await expect.poll(list, soon).toMatchObject([{ type: 'Warning', reason: 'FailedScheduling', message }])
  await addNode('roomy')
  await scheduled('p').toBe('roomy')
})

test('a pod that goes makes room for one that waits', async () => {
  await addNode('a', { pods: '1' })
  await addPod('first')
  await scheduled('first').toBe('a')
  await addPod('second')
  await turnedAway('second').toBe(
    '0/1 nodes are available: 1 Too many pods. preemption: 0/1 nodes are available: 1 No preemption victims found for incoming pod.',
  )
  await caches.client.resource(pods).delete('default', 'first', { gracePeriodSeconds: 0 })
  await scheduled('second').toBe('a')
})

test('a node that goes takes its empty domain along: others may be filled further then', async () => {
  await addNode('a')
  await addNode('full', { pods: '0' })
  const labelSelector = { matchLabels: { app: 'web' } }
  const spread = { maxSkew: 1, topologyKey: 'kubernetes.io/hostname', whenUnsatisfiable: 'DoNotSchedule', labelSelector }
  await addPod('first', { topologySpreadConstraints: [spread] }, { app: 'web' })
  await scheduled('first').toBe('a')
  await addPod('second', { topologySpreadConstraints: [spread] }, { app: 'web' })
  await turnedAway('second').toContain("1 node(s) didn't match pod topology spread constraints")
  await caches.client.resource(nodes).delete(undefined, 'full')
  await scheduled('second').toBe('a')
})

test('gated pods and pods of other schedulers wait', async () => {
  await addNode('a')
  await addPod('gated', { schedulingGates: [{ name: 'wait' }] })
  await addPod('other', { schedulerName: 'mine' })
  await addPod('plain')
  await scheduled('plain').toBe('a')
  expect(reasonOf('gated')).toMatchObject({ status: 'False', reason: 'SchedulingGated' })
  expect([nodeOf('gated'), nodeOf('other')]).toEqual([undefined, undefined])
  await caches.client.resource(pods).patch('default', 'gated', 'json', [{ op: 'remove', path: '/spec/schedulingGates' }])
  await scheduled('gated').toBe('a')
})

test('many pods at once never take more than there is', async () => {
  for (let index = 0; index < 5; index++) await addNode(`n${index}`, { cpu: '1' })
  await Promise.all(Array.from({ length: 40 }, (_, index) => addPod(`p${index}`, { containers: [container('c', { cpu: '150m' })] })))
  const isTold = ({ spec, status }: Pod) => Boolean(spec?.nodeName ?? status?.conditions)
  await expect.poll(() => caches.cache(pods).list().every(isTold), soon).toBe(true)
  const perNode = [...Map.groupBy(caches.cache(pods).list(), ({ spec }) => spec?.nodeName ?? '')]
  // Six pods of 150m fit on each of five nodes.
  expect(perNode.filter(([name]) => name !== '').map(([, { length }]) => length)).toEqual([6, 6, 6, 6, 6])
})

test('the replicas of a Service are spread over the nodes', async () => {
  for (const name of ['a', 'b', 'c']) await addNode(name, { cpu: '64', memory: '256Gi' })
  await caches.client.request('POST', '/api/v1/namespaces/default/services', {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'web', namespace: 'default' },
    spec: { selector: { app: 'web' }, ports: [{ port: 80 }] },
  })
  for (let index = 0; index < 3; index++) {
    await addPod(`p${index}`, {}, { app: 'web' })
    await scheduled(`p${index}`).toBeDefined()
  }
  expect(new Set([0, 1, 2].map((index) => nodeOf(`p${index}`))).size).toBe(3)
})
