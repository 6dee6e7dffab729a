import { afterEach, expect, test } from 'vitest'
import { deployments, endpointSlices, endpoints, events, pods, replicaSets, services } from '../../src/api/resources.ts'
import type { Deployment } from '../../src/api/types/apps-v1.ts'
import { type ControlPlane, createControlPlane, type Faults } from './control-plane.ts'

let plane: ControlPlane
afterEach(() => plane.stop())

const deployment = (image: string, spec: Partial<Deployment['spec']> = {}) => ({
  metadata: { name: 'web', namespace: 'default' },
  spec: {
    replicas: 4,
    selector: { matchLabels: { app: 'web' } },
    template: { metadata: { labels: { app: 'web' } } as never, spec: { containers: [{ name: 'c', image }] } },
    ...spec,
  },
})
async function begin(seed: number, faults?: Faults): Promise<void> {
  plane = await createControlPlane({ seed, ...(faults && { faults }) })
}
const web = () => plane.client.resource(deployments).get('default', 'web')
const setImage = (image: string) =>
  plane.client
    .resource(deployments)
    .patch('default', 'web', 'strategic', { spec: { template: { spec: { containers: [{ name: 'c', image }] } } } })
const images = async () => (await plane.list(pods)).map(({ spec }) => spec.containers[0]?.image ?? '').sort()
const seconds = (count: number) => plane.clock.advance(count * 1000)
const condition = ({ status }: Deployment, type: string) => status?.conditions?.find((one) => one.type === type)

test('a deployment comes up, rolls to a new image, back to the old one, and tells of it as upstream does', async () => {
  await begin(1)
  await plane.client.resource(deployments).create(deployment('app:1'))
  await seconds(10)
  expect(await images()).toEqual(['app:1', 'app:1', 'app:1', 'app:1'])
  const first = await web()
  expect(first.status).toMatchObject({ observedGeneration: 1, replicas: 4, updatedReplicas: 4, readyReplicas: 4, availableReplicas: 4 })
  expect(first.status?.unavailableReplicas).toBeUndefined()
  expect(condition(first, 'Available')).toMatchObject({ status: 'True', reason: 'MinimumReplicasAvailable' })
  expect(condition(first, 'Progressing')).toMatchObject({ status: 'True', reason: 'NewReplicaSetAvailable' })
  expect(first.metadata.annotations?.['deployment.kubernetes.io/revision']).toBe('1')
  const [set] = await plane.list(replicaSets)
  expect(set?.metadata.name).toBe(`web-${set?.metadata.labels?.['pod-template-hash']}`)
  expect(set?.spec.selector.matchLabels).toEqual({ app: 'web', 'pod-template-hash': set?.metadata.labels?.['pod-template-hash'] })
  expect(condition(first, 'Progressing')?.message).toBe(`ReplicaSet "${set?.metadata.name}" has successfully progressed.`)

  await setImage('app:2')
  await seconds(30)
  expect(await images()).toEqual(['app:2', 'app:2', 'app:2', 'app:2'])
  expect((await web()).metadata.annotations?.['deployment.kubernetes.io/revision']).toBe('2')
  await setImage('app:1')
  await seconds(30)
  expect(await images()).toEqual(['app:1', 'app:1', 'app:1', 'app:1'])
  const sets = await plane.list(replicaSets)
  expect(sets).toHaveLength(2)
  const back = sets.find(({ metadata }) => metadata.name === set?.metadata.name)
  expect(back?.metadata.annotations).toMatchObject({
    'deployment.kubernetes.io/revision': '3',
    'deployment.kubernetes.io/revision-history': '1',
    'deployment.kubernetes.io/desired-replicas': '4',
    'deployment.kubernetes.io/max-replicas': '5',
  })
  const told = (await plane.list(events)).filter(({ reason }) => reason === 'ScalingReplicaSet').map(({ message }) => message)
  expect(told).toContain(`Scaled up replica set ${set?.metadata.name} from 0 to 4`)
  expect(plane.errors).toEqual([])
})

test('a cluster at rest writes nothing', async () => {
  await begin(2)
  await plane.client.resource(deployments).create(deployment('app:1'))
  await plane.client
    .resource(services)
    .create({ metadata: { name: 'web', namespace: 'default' }, spec: { selector: { app: 'web' }, ports: [{ port: 80 }] } })
  await seconds(30)
  const before = plane.writes.length
  await seconds(600)
  expect(plane.writes.slice(before)).toEqual([])
})

test('services show the pods that are ready', async () => {
  await begin(3)
  await plane.client.resource(services).create({
    metadata: { name: 'web', namespace: 'default' },
    spec: { selector: { app: 'web' }, ports: [{ name: 'http', port: 80, targetPort: 8080 }] },
  })
  await seconds(1)
  const empty = (await plane.list(endpointSlices, 'default')).find(
    ({ metadata }) => metadata.labels?.['kubernetes.io/service-name'] === 'web',
  )
  expect(empty).toMatchObject({ addressType: 'IPv4' })
  await plane.client.resource(deployments).create(deployment('app:1'))
  await seconds(10)
  const slices = (await plane.list(endpointSlices, 'default')).filter(
    ({ metadata }) => metadata.labels?.['kubernetes.io/service-name'] === 'web',
  )
  expect(slices).toHaveLength(1)
  const [slice] = slices
  expect(slice?.metadata.uid).toBe(empty?.metadata.uid)
  expect(slice?.ports).toEqual([{ name: 'http', port: 8080, protocol: 'TCP' }])
  expect(slice?.endpoints).toHaveLength(4)
  expect(slice?.endpoints?.[0]).toMatchObject({
    conditions: { ready: true, serving: true, terminating: false },
    nodeName: 'node',
    targetRef: { kind: 'Pod' },
  })
  const [object] = (await plane.list(endpoints, 'default')).filter(({ metadata }) => metadata.name === 'web')
  expect(object?.subsets?.[0]?.addresses).toHaveLength(4)
  await plane.client.resource(services).delete('default', 'web')
  await seconds(1)
  expect((await plane.list(endpoints, 'default')).map(({ metadata }) => metadata.name)).not.toContain('web')
  expect(
    (await plane.list(endpointSlices, 'default')).filter(({ metadata }) => metadata.labels?.['kubernetes.io/service-name'] === 'web'),
  ).toEqual([])
})

test('deleting a deployment takes its replica sets and pods along', async () => {
  await begin(4)
  await plane.client.resource(deployments).create(deployment('app:1'))
  await seconds(10)
  await plane.client.resource(deployments).delete('default', 'web', { propagationPolicy: 'Background' })
  await seconds(10)
  expect(await plane.list(replicaSets)).toEqual([])
  expect(await plane.list(pods)).toEqual([])
})

test('recreate stops all pods before it starts new ones', async () => {
  await begin(5)
  await plane.client.resource(deployments).create(deployment('app:1', { strategy: { type: 'Recreate' } }))
  await seconds(10)
  const mixed: string[][] = []
  plane.view.cache(pods).onChange(() => {
    const now = [
      ...new Set(
        plane.view
          .cache(pods)
          .list()
          .map(({ spec }) => spec.containers[0]?.image ?? ''),
      ),
    ]
    if (now.length > 1) mixed.push(now)
  })
  await setImage('app:2')
  await seconds(30)
  expect(await images()).toEqual(['app:2', 'app:2', 'app:2', 'app:2'])
  expect(mixed).toEqual([])
})

test('a rollout that does not get on is told to be stuck', async () => {
  plane = await createControlPlane({ seed: 6, runPods: false })
  await plane.client.resource(deployments).create(deployment('app:1', { progressDeadlineSeconds: 20 }))
  await seconds(15)
  expect(condition(await web(), 'Progressing')).toMatchObject({ status: 'True' })
  await seconds(10)
  expect(condition(await web(), 'Progressing')).toMatchObject({ status: 'False', reason: 'ProgressDeadlineExceeded' })
  expect(condition(await web(), 'Available')).toMatchObject({ status: 'False', reason: 'MinimumReplicasUnavailable' })
})

test.each([100, 101, 102, 103, 104, 105, 306, 340, 355])(
  'seed %i: under delays, refusals, lost replies and restarts a rollout keeps its bounds and leaves nothing',
  async (seed) => {
    await begin(seed, { watchDelayMs: 400, refused: 0.1, lostReplies: 0.1 })
    await plane.client.resource(deployments).create(deployment('app:1'))
    await seconds(60)
    expect(await images()).toEqual(['app:1', 'app:1', 'app:1', 'app:1'])
    // 25 % of 4: one more, one less.
    const counts = { mostActive: 0, leastReady: 4 }
    plane.view.cache(pods).onChange(() => {
      const live = plane.view
        .cache(pods)
        .list()
        .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
      const ready = live.filter(({ status }) => status?.conditions?.some(({ type, status: value }) => type === 'Ready' && value === 'True'))
      counts.mostActive = Math.max(counts.mostActive, live.length)
      counts.leastReady = Math.min(counts.leastReady, ready.length)
    })
    await setImage('app:2')
    await seconds(3)
    await plane.restartControllers()
    await seconds(4)
    await plane.restartControllers()
    await seconds(120)
    expect(await images()).toEqual(['app:2', 'app:2', 'app:2', 'app:2'])
    expect(counts.leastReady).toBeGreaterThanOrEqual(3)
    expect(counts.mostActive).toBeLessThanOrEqual(5)
    expect(await plane.list(replicaSets)).toHaveLength(2)
    expect((await web()).status).toMatchObject({ replicas: 4, updatedReplicas: 4, availableReplicas: 4 })
    expect(plane.errors).toEqual([])
  },
)
