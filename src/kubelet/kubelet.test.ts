import { mkdtemp, readdir, readFile, rm, truncate } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { builtinCatalog } from '../api/catalog.ts'
import { configMaps, events, nodes, pods } from '../api/resources.ts'
import type { Pod, PodSpec } from '../api/types/core-v1.ts'
import { VirtualClock } from '../base/clock.ts'
import { silentLog } from '../base/log.ts'
import { seededRandom } from '../base/random.ts'
import { createCaches } from '../client/caches.ts'
import { createClient } from '../client/create-client.ts'
import { inProcessTransport } from '../client/in-process-transport.ts'
import { createFakeRuntime, type FakeRuntimeOptions } from '../cri/fake-runtime.ts'
import { createAuthenticator } from '../server/authentication.ts'
import { createServer } from '../server/server.ts'
import { createMemoryStore } from '../store/memory.ts'
import { createKubelet } from './kubelet.ts'

const cleanups: (() => Promise<void> | void)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

/** Files are on no virtual clock: each step of it waits for what the step before began with them, however slow the machine is. */
async function filesAreDone() {
  do await new Promise((resolve) => setTimeout(resolve, 1))
  while (process.getActiveResourcesInfo().some((name) => name.startsWith('FSReq')))
}

/** A node over the real API server, with a runtime that is data and a clock that is moved. */
async function createNode({ refuses, ...options }: Omit<FakeRuntimeOptions, 'clock'> & { refuses?: (request: string) => boolean } = {}) {
  const clock = new VirtualClock()
  const random = seededRandom(7)
  const stop = new AbortController()
  const root = await mkdtemp(join(tmpdir(), 'kubelet-'))
  cleanups.push(() => rm(root, { recursive: true, force: true }))
  cleanups.push(() => stop.abort())
  const { handle } = await createServer(
    {
      store: createMemoryStore(),
      catalog: builtinCatalog(),
      authenticate: createAuthenticator({ staticTokens: new Map(), verifyToken: async () => undefined }),
      serverAddress: '',
      clock,
      random,
      log: silentLog,
    },
    stop.signal,
  )
  const requests: string[] = []
  const counted: typeof handle = (request) => {
    const name = `${request.method} ${request.path}`
    requests.push(name)
    if (refuses?.(name)) throw new Error('the server does not answer')
    return handle(request)
  }
  const client = createClient({ transport: inProcessTransport({ handle: counted, user: { name: 'admin', groups: ['system:masters'] } }) })
  const fake = createFakeRuntime({ clock, images: ['app:1', 'app:2'], ...options })
  const kubelet = { stop: new AbortController(), done: Promise.resolve() }
  const start = async () => {
    kubelet.stop = new AbortController()
    const caches = createCaches({ client, clock, random, log: silentLog })
    kubelet.done = createKubelet({
      caches,
      runtime: fake.runtime,
      images: fake.images,
      node: {
        name: 'node',
        hostname: 'node',
        internalAddress: '127.0.0.1',
        kubeletPort: 10250,
        clusterDns: ['10.96.0.10'],
        clusterDomain: 'cluster.local',
        maxPods: 10,
      },
      machine: {
        cpus: 2,
        memoryBytes: 4 * 1024 ** 3,
        diskBytes: 1024 ** 4,
        architecture: 'amd64',
        kernelVersion: '6',
        osImage: 'test',
        bootId: '',
        machineId: '',
        systemUuid: '',
      },
      directories: { root: join(root, 'kubelet'), logs: join(root, 'logs') },
      cgroupParent: '',
      clock,
      random,
      log: silentLog,
    }).run(kubelet.stop.signal)
    caches.start(kubelet.stop.signal)
    await clock.advance(10)
  }
  const stopKubelet = async () => {
    kubelet.stop.abort()
    await clock.advance(1)
    await kubelet.done
  }
  cleanups.push(stopKubelet)
  await start()
  const get = (name = 'web') => client.resource(pods).get('default', name)
  /** Moves time in small steps, with real IO in between, until the condition holds. */
  const until = async (condition: (pod: Pod) => boolean, name = 'web', maxMs = 60_000) => {
    for (let passed = 0; ; ) {
      const pod = await get(name).catch(() => undefined)
      if (pod && condition(pod)) return pod
      if (passed >= maxMs) throw new Error(`Not reached: ${JSON.stringify(pod?.status, null, 1)}\n${fake.calls.join('\n')}`)
      await filesAreDone()
      await clock.advance(50)
      passed += 50
    }
  }
  const create = (spec: Partial<PodSpec> = {}, name = 'web') =>
    client.resource(pods).create({
      metadata: { name, namespace: 'default' },
      spec: { nodeName: 'node', containers: [{ name: 'main', image: 'app:1' }], terminationGracePeriodSeconds: 10, ...spec },
    })
  const gone = async (name = 'web', maxMs = 60_000) => {
    for (let passed = 0; passed < maxMs; passed += 50) {
      if (!(await get(name).catch(() => undefined))) return
      await filesAreDone()
      await clock.advance(50)
    }
    throw new Error(`${name} is still there: ${JSON.stringify((await get(name)).status)}\n${fake.calls.join('\n')}`)
  }
  const reasons = async () => (await client.resource(events).list({ namespace: 'default' })).items.map(({ reason }) => reason)
  return { clock, client, requests, root, fake, start, stopKubelet, create, get, until, gone, reasons }
}

const condition = (pod: Pod, type: string) => pod.status?.conditions?.find((candidate) => candidate.type === type)
const isReady = (pod: Pod) => condition(pod, 'Ready')?.status === 'True'
const main = (pod: Pod) => pod.status?.containerStatuses?.[0]

test('the node registers, ready, with its lease', async () => {
  const { client } = await createNode()
  const node = await client.resource(nodes).get(undefined, 'node')
  expect(node.status?.conditions?.find(({ type }) => type === 'Ready')).toMatchObject({ status: 'True', reason: 'KubeletReady' })
  expect(node.metadata.labels).toMatchObject({ 'kubernetes.io/hostname': 'node', 'kubernetes.io/os': 'linux' })
  expect(node.status?.allocatable).toMatchObject({ cpu: '2', pods: '10' })
})

test('a server that does not answer is asked again and again, but not all the time', async () => {
  let isDown = true
  const { client, clock, requests } = await createNode({ refuses: (request) => isDown && request.startsWith('POST /api/v1/nodes') })
  for (let second = 0; second < 60; second++) await clock.advance(1_000)
  const tries = requests.filter((request) => request.startsWith('POST /api/v1/nodes')).length
  expect(tries).toBeGreaterThan(5)
  expect(tries).toBeLessThan(15)
  isDown = false
  for (let second = 0; second < 11; second++) await clock.advance(1_000)
  const node = await client.resource(nodes).get(undefined, 'node')
  expect(node.status?.conditions?.find(({ type }) => type === 'Ready')?.status).toBe('True')
})

test('a pod runs, is ready, and goes when it is deleted', async () => {
  const { client, fake, create, until, gone, reasons } = await createNode()
  await create()
  const pod = await until(isReady)
  expect(pod.status).toMatchObject({ phase: 'Running', hostIP: '127.0.0.1', podIP: expect.stringMatching(/^10\.0\.0\./) })
  expect(main(pod)).toMatchObject({
    ready: true,
    started: true,
    restartCount: 0,
    containerID: expect.stringMatching(/^fake:\/\//),
    imageID: 'app:1',
  })
  expect(pod.status?.conditions?.map(({ type }) => type).sort()).toEqual(
    ['ContainersReady', 'Initialized', 'PodReadyToStartContainers', 'PodScheduled', 'Ready'].sort(),
  )
  expect(await reasons()).toEqual(expect.arrayContaining(['Pulled', 'Created', 'Started']))
  await client.resource(pods).delete('default', 'web')
  await gone()
  expect(fake.calls.filter((call) => call.startsWith('stop main'))).toEqual(['stop main 10'])
  expect(await reasons()).toContain('Killing')
  expect(fake.running()).toEqual([])
})

test('a container that fails is restarted at once, then with a back-off that doubles', async () => {
  const { clock, create, until, fake, reasons } = await createNode({ behave: () => ({ endsAfterMs: 100, exitCode: 3 }) })
  await create()
  const waiting = await until((pod) => main(pod)?.state?.waiting?.reason === 'CrashLoopBackOff')
  expect(main(waiting)).toMatchObject({ restartCount: 1, lastState: { terminated: { exitCode: 3, reason: 'Error' } } })
  expect(main(waiting)?.state?.waiting?.message).toMatch(/^back-off 10s restarting failed container=main pod=web_default\(/)
  const startsBefore = fake.calls.filter((call) => call === 'start main').length
  await clock.advance(9_000)
  expect(fake.calls.filter((call) => call === 'start main').length).toBe(startsBefore)
  await until((pod) => main(pod)?.state?.waiting?.message?.startsWith('back-off 20s') ?? false)
  expect(await reasons()).toContain('BackOff')
})

test('a container that restarts again and again leaves no more behind than its last runs', async () => {
  const { create, until, root } = await createNode({ behave: () => ({ endsAfterMs: 100, exitCode: 3 }) })
  const { metadata } = await create()
  await until((pod) => (main(pod)?.restartCount ?? 0) >= 4, 'web', 300_000)
  expect((await readdir(join(root, 'kubelet/pods', metadata.uid ?? '', 'containers/main'))).length).toBeLessThanOrEqual(2)
})

test('a hosts file that a container has blown up is written anew, not read', async () => {
  const { create, until, root, fake } = await createNode()
  const { metadata } = await create()
  await until(isReady)
  const file = join(root, 'kubelet/pods', metadata.uid ?? '', 'etc-hosts')
  await truncate(file, 3 * 1024 ** 3)
  fake.crash('main', 1)
  await until((pod) => main(pod)?.restartCount === 1 && isReady(pod))
  expect(await readFile(file, 'utf8')).toContain('localhost')
})

test('each wait of each container is told once', async () => {
  const { client, create, until } = await createNode({ behave: () => ({ endsAfterMs: 100, exitCode: 3 }) })
  await create({ containers: ['one', 'two'].map((name) => ({ name, image: 'app:1' })) })
  const waits = ({ status }: Pod) => status?.containerStatuses?.every(({ state }) => state?.waiting?.reason === 'CrashLoopBackOff')
  await until((pod) => waits(pod) === true)
  for (const round of ['1', '2', '3']) {
    await client.resource(pods).patch('default', 'web', 'merge', { metadata: { labels: { round } } })
    await until(({ metadata }) => metadata.labels?.round === round)
  }
  const { items } = await client.resource(events).list({ namespace: 'default' })
  expect(items.filter(({ reason }) => reason === 'BackOff').map(({ count }) => count)).toEqual([1, 1])
})

test('init containers run in order, a sidecar before the main container and until after it', async () => {
  const { client, fake, create, until, gone } = await createNode({
    behave: ({ metadata }) => (metadata?.name?.startsWith('init') ? { endsAfterMs: 100 } : {}),
  })
  await create({
    initContainers: [
      { name: 'init1', image: 'app:1' },
      { name: 'side', image: 'app:1', restartPolicy: 'Always' },
      { name: 'init2', image: 'app:1' },
    ],
  })
  await until(isReady)
  expect(fake.calls.filter((call) => call.startsWith('start'))).toEqual(['start init1', 'start side', 'start init2', 'start main'])
  await client.resource(pods).delete('default', 'web')
  await gone()
  expect(fake.calls.filter((call) => call.startsWith('stop ')).map((call) => call.split(' ')[1])).toEqual(['main', 'side'])
})

test('a pod whose containers are done has succeeded, and nothing starts again', async () => {
  const { create, until, clock, fake } = await createNode({ behave: () => ({ endsAfterMs: 200 }) })
  await create({ restartPolicy: 'Never' })
  const pod = await until(({ status }) => status?.phase === 'Succeeded')
  expect(main(pod)?.state?.terminated).toMatchObject({ exitCode: 0, reason: 'Completed' })
  expect(condition(pod, 'Ready')).toMatchObject({ status: 'False', reason: 'PodCompleted' })
  await clock.advance(60_000)
  expect(fake.calls.filter((call) => call === 'start main')).toHaveLength(1)
})

test('an image that does not exist: the error, then the back-off, then the image', async () => {
  const { create, until, reasons } = await createNode()
  await create({ containers: [{ name: 'main', image: 'nowhere:1' }] })
  const failing = await until((pod) => main(pod)?.state?.waiting?.reason === 'ErrImagePull')
  expect(main(failing)?.state?.waiting?.message).toBe('nowhere:1: not found')
  const waiting = await until((pod) => main(pod)?.state?.waiting?.reason === 'ImagePullBackOff')
  expect(main(waiting)?.state?.waiting?.message).toBe('Back-off pulling image "nowhere:1": ErrImagePull: nowhere:1: not found')
  expect(await reasons()).toEqual(expect.arrayContaining(['Pulling', 'Failed', 'BackOff']))
})

test('an image that is corrected is not kept waiting for the wrong one', async () => {
  const { client, create, until } = await createNode()
  await create({ containers: [{ name: 'main', image: 'nowhere:1' }] })
  await until((pod) => main(pod)?.state?.waiting?.reason === 'ImagePullBackOff')
  await client.resource(pods).patch('default', 'web', 'strategic', { spec: { containers: [{ name: 'main', image: 'app:2' }] } })
  const pod = await until(isReady, 'web', 2_000)
  expect(main(pod)?.imageID).toBe('app:2')
})

test('an image that changes before its container starts is the one that runs', async () => {
  const { client, fake, create, until } = await createNode()
  await create({
    volumes: [{ name: 'config', configMap: { name: 'late' } }],
    containers: [{ name: 'main', image: 'app:1', volumeMounts: [{ name: 'config', mountPath: '/config' }] }],
  })
  await until(() => fake.calls.includes('run-sandbox web'))
  await client.resource(pods).patch('default', 'web', 'strategic', { spec: { containers: [{ name: 'main', image: 'app:2' }] } })
  await client.resource(configMaps).create({ metadata: { name: 'late', namespace: 'default' }, data: { a: 'b' } })
  const pod = await until(isReady)
  expect(main(pod)).toMatchObject({ imageID: 'app:2', restartCount: 0 })
})

test('an image that goes while its container cannot start is brought again', async () => {
  const { client, fake, create, until } = await createNode({ remoteImages: ['app:1'] })
  await create({ containers: [{ name: 'main', image: 'app:1', envFrom: [{ configMapRef: { name: 'late' } }] }] })
  await until((pod) => main(pod)?.state?.waiting?.reason === 'CreateContainerConfigError')
  await fake.images.removeImage({ image: { image: 'app:1' } })
  await client.resource(configMaps).create({ metadata: { name: 'late', namespace: 'default' }, data: { a: 'b' } })
  await until(isReady)
  expect(fake.calls).toContain('pull app:1')
})

test('what a container waits for is shown until it starts', async () => {
  const { create, until, clock, get, fake } = await createNode()
  await create({ containers: [{ name: 'main', image: 'app:1', envFrom: [{ configMapRef: { name: 'never' } }] }] })
  await until((pod) => main(pod)?.state?.waiting?.reason === 'CreateContainerConfigError')
  const seen = new Set<string | undefined>()
  for (let passed = 0; passed < 30_000; passed += 100) {
    await clock.advance(100)
    seen.add(main(await get())?.state?.waiting?.reason)
  }
  expect([...seen]).toEqual(['CreateContainerConfigError'])
  expect(fake.calls.filter((call) => call.startsWith('create'))).toEqual([])
})

test('a ConfigMap that is missing holds the container back until it is there', async () => {
  const { client, create, until } = await createNode()
  await create({ containers: [{ name: 'main', image: 'app:1', envFrom: [{ configMapRef: { name: 'late' } }] }] })
  const pod = await until((candidate) => main(candidate)?.state?.waiting?.reason === 'CreateContainerConfigError')
  expect(main(pod)?.state?.waiting?.message).toBe('configmap "late" not found')
  await client.resource(configMaps).create({ metadata: { name: 'late', namespace: 'default' }, data: { a: 'b' } })
  await until(isReady, 'web', 2_000)
})

test("a command that does not exist shows the runtime's words", async () => {
  const { create, until } = await createNode({ behave: () => ({ startError: 'exec: "nope": executable file not found in $PATH' }) })
  await create()
  const pod = await until((candidate) => main(candidate)?.state?.waiting?.reason === 'RunContainerError')
  expect(main(pod)?.state?.waiting?.message).toContain('executable file not found')
  expect(main(pod)?.lastState?.terminated).toMatchObject({ exitCode: 128, reason: 'StartError' })
})

test('a pod has so much room for last words, and its containers share it', async () => {
  const { create, until } = await createNode({ behave: () => ({ startError: 'x'.repeat(5_000) }) })
  await create({ containers: ['a', 'b', 'c', 'd'].map((name) => ({ name, image: 'app:1' })) })
  const pod = await until(({ status }) => status?.containerStatuses?.every(({ lastState }) => lastState?.terminated) === true)
  expect(pod.status?.containerStatuses?.map(({ lastState }) => lastState?.terminated?.message?.length)).toEqual([3072, 3072, 3072, 3072])
})

test('a pod that the node cannot hold is refused', async () => {
  const { create, until, fake } = await createNode()
  await create({ containers: [{ name: 'main', image: 'app:1', resources: { requests: { cpu: '3' } } }] })
  const pod = await until(({ status }) => status?.phase === 'Failed')
  expect(pod.status).toMatchObject({
    reason: 'OutOfcpu',
    message: "Node didn't have enough resource: cpu, requested: 3000, used: 0, capacity: 2000",
  })
  expect(fake.calls).toEqual([])
})

test('a stubborn container is killed when its grace is over; a shorter grace that comes later counts', async () => {
  const { client, clock, fake, create, until, gone } = await createNode({ behave: () => ({ isStubborn: true }) })
  await create({ terminationGracePeriodSeconds: 300 })
  await until(isReady)
  await client.resource(pods).delete('default', 'web')
  await clock.advance(10_000)
  expect(fake.running()).toEqual(['main'])
  await client.resource(pods).delete('default', 'web', { gracePeriodSeconds: 5 })
  await gone('web', 20_000)
})

test('a pod that a finalizer holds is given up once, and goes with the finalizer', async () => {
  const { client, clock, requests, create, until, gone } = await createNode()
  await create()
  await until(isReady)
  await client.resource(pods).patch('default', 'web', 'merge', { metadata: { finalizers: ['example.com/held'] } })
  const deletes = () => requests.filter((request) => request.startsWith('DELETE')).length
  await client.resource(pods).delete('default', 'web')
  const held = await until(({ metadata }) => metadata.deletionGracePeriodSeconds === 0)
  expect(held.status?.phase).toBe('Failed')
  for (let round = 0; round < 20; round++) await clock.advance(100)
  expect(deletes()).toBe(2)
  await client.resource(pods).patch('default', 'web', 'merge', { metadata: { finalizers: null } })
  await gone()
})

test('preStop comes before the signal, and takes its time from the grace', async () => {
  const { client, fake, create, until, gone } = await createNode()
  await create({ containers: [{ name: 'main', image: 'app:1', lifecycle: { preStop: { sleep: { seconds: 4 } } } }] })
  await until(isReady)
  await client.resource(pods).delete('default', 'web')
  await gone()
  const [, , timeout] = fake.calls.find((call) => call.startsWith('stop main'))?.split(' ') ?? []
  expect(Number(timeout)).toBeGreaterThanOrEqual(6)
  expect(Number(timeout)).toBeLessThanOrEqual(7)
})

test('a container whose postStart hook fails is ended as any other, its preStop hook first', async () => {
  const { fake, create, until, reasons } = await createNode({ exec: (_, [command]) => ({ exitCode: command === 'begin' ? 1 : 0 }) })
  const lifecycle = { postStart: { exec: { command: ['begin'] } }, preStop: { exec: { command: ['finish'] } } }
  await create({ restartPolicy: 'Never', containers: [{ name: 'main', image: 'app:1', lifecycle }] })
  await until(({ status }) => status?.phase === 'Failed')
  expect(fake.calls.filter((call) => /^(exec|stop) main/.test(call))).toEqual(['exec main begin', 'exec main finish', 'stop main 10'])
  expect(await reasons()).toEqual(expect.arrayContaining(['FailedPostStartHook', 'Killing']))
})

test('probes: ready when the probe says so, restarted when it is dead', async () => {
  let alive = true
  const { fake, create, until, reasons } = await createNode({
    exec: (_, [command]) => ({ exitCode: command === 'live' && !alive ? 1 : 0 }),
  })
  await create({
    containers: [
      {
        name: 'main',
        image: 'app:1',
        readinessProbe: { exec: { command: ['ready'] } },
        livenessProbe: { exec: { command: ['live'] }, periodSeconds: 1, failureThreshold: 2 },
      },
    ],
  })
  await until(isReady)
  alive = false
  await until((pod) => main(pod)?.state?.terminated !== undefined || (main(pod)?.restartCount ?? 0) > 0)
  alive = true
  const pod = await until((candidate) => (main(candidate)?.restartCount ?? 0) >= 1 && isReady(candidate))
  expect(main(pod)?.lastState?.terminated?.exitCode).toBe(143)
  expect(await reasons()).toEqual(expect.arrayContaining(['Unhealthy', 'Killing']))
  expect(fake.running()).toEqual(['main'])
})

test('activeDeadlineSeconds ends the pod', async () => {
  const { create, until, fake } = await createNode()
  await create({ activeDeadlineSeconds: 5 })
  await until(isReady)
  const pod = await until(({ status }) => status?.phase === 'Failed')
  expect(pod.status).toMatchObject({ reason: 'DeadlineExceeded', message: 'Pod was active on the node longer than the specified deadline' })
  expect(fake.running()).toEqual([])
})

test('what ends while the runtime is being read is not mistaken for never begun', async () => {
  const { client, fake, create, until, reasons } = await createNode()
  // The reader's answers are late: whatever happens between the question and the answer is not in them.
  const status = fake.runtime.podSandboxStatus
  const list = fake.runtime.listPodSandbox
  const start = fake.runtime.startContainer
  const turns = async (count: number) => {
    for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve))
  }
  const late = async <Answer>(answer: Promise<Answer>) => {
    const known = await answer.then(
      (value) => () => value,
      (error: unknown) => () => {
        throw error
      },
    )
    await turns(5)
    return known()
  }
  fake.runtime.podSandboxStatus = (request) => late(status(request))
  fake.runtime.listPodSandbox = (request) => late(list(request))
  fake.runtime.startContainer = async (request) => {
    await turns(2)
    return start(request)
  }
  await create({ initContainers: [{ name: 'side', image: 'app:1', restartPolicy: 'Always' }] })
  await until(isReady)
  expect(fake.calls.filter((call) => call.startsWith('run') || call.startsWith('create'))).toEqual([
    'run-sandbox web',
    'create side',
    'create main',
  ])
  expect((await reasons()).filter((reason) => reason?.startsWith('Failed'))).toEqual([])
  const { items } = await client.resource(events).list({ namespace: 'default' })
  expect(items.filter(({ reason }) => reason === 'Pulled').map(({ count }) => count)).toEqual([1, 1])
})

test('a sandbox that is lost is made anew', async () => {
  const { create, until, fake } = await createNode()
  await create()
  await until(isReady)
  fake.loseSandbox('web')
  await until((pod) => isReady(pod) && main(pod)?.restartCount === 1)
  expect(fake.sandboxes().find(({ isReady: ready }) => ready)).toMatchObject({ attempt: 1 })
})

test('a kubelet that starts again touches nothing that runs, and ends what the API no longer has', async () => {
  const { client, fake, create, until, stopKubelet, start, clock } = await createNode()
  await create()
  await create({}, 'other')
  await until(isReady)
  await until(isReady, 'other')
  const before = fake.calls.length
  await stopKubelet()
  await client.resource(pods).delete('default', 'other', { gracePeriodSeconds: 0 })
  await start()
  await until(isReady)
  for (let passed = 0; passed < 100 && fake.sandboxes().length > 1; passed++) {
    await filesAreDone()
    await clock.advance(50)
  }
  expect(fake.calls.slice(before).filter((call) => call.startsWith('start') || call.startsWith('run'))).toEqual([])
  expect(fake.sandboxes().map(({ podName }) => podName)).toEqual(['web'])
})

test('containers of which the runtime knows nothing any more are started again, and that counts as a restart', async () => {
  const { fake, create, until, stopKubelet, start } = await createNode()
  await create()
  await until(isReady)
  await stopKubelet()
  for (const { id } of (await fake.runtime.listPodSandbox({})).items ?? []) await fake.runtime.removePodSandbox({ podSandboxId: id })
  await start()
  const pod = await until((seen) => isReady(seen) && fake.sandboxes().length === 1)
  expect(main(pod)).toMatchObject({
    restartCount: 1,
    lastState: { terminated: { exitCode: 137, reason: 'ContainerStatusUnknown', message: expect.stringContaining('used to be Running') } },
  })
})

test('a kubelet ends when its steps have', async () => {
  const { clock, fake, create, until, stopKubelet } = await createNode()
  const createContainer = fake.runtime.createContainer
  let begun = false
  let goOn = () => {}
  fake.runtime.createContainer = async (request) => {
    begun = true
    await new Promise<void>((resolve) => (goOn = resolve))
    return createContainer(request)
  }
  await create()
  await until(() => begun)
  let isOver = false
  const stopping = stopKubelet().then(() => (isOver = true))
  for (let round = 0; round < 20; round++) await clock.advance(100)
  expect(isOver).toBe(false)
  goOn()
  await stopping
  expect(fake.running()).toEqual([])
})

test('an image that changes in place replaces the container', async () => {
  const { client, create, until } = await createNode()
  await create()
  await until(isReady)
  await client.resource(pods).patch('default', 'web', 'strategic', { spec: { containers: [{ name: 'main', image: 'app:2' }] } })
  const pod = await until((candidate) => main(candidate)?.imageID === 'app:2' && isReady(candidate))
  expect(main(pod)?.restartCount).toBe(1)
})

test.each([1, 2, 3, 4, 5, 6])(
  'kubelets that die at any moment: every pod ends as it should, and nothing runs twice (seed %i)',
  async (seed) => {
    const random = seededRandom(seed)
    const chance = (probability: number) => random.fraction() < probability
    const { client, clock, fake, start, stopKubelet, create } = await createNode({
      behave: () => (chance(0.2) ? { endsAfterMs: 200, exitCode: 1 } : {}),
    })
    const names = ['a', 'b', 'c', 'd']
    for (let step = 0; step < 60; step++) {
      const name = names[Math.floor(random.fraction() * names.length)] ?? 'a'
      const pod = await client
        .resource(pods)
        .get('default', name)
        .catch(() => undefined)
      if (!pod) await create({ terminationGracePeriodSeconds: 2 }, name)
      else if (chance(0.3)) await client.resource(pods).delete('default', name, chance(0.2) ? { gracePeriodSeconds: 0 } : {})
      else if (chance(0.2)) fake.loseSandbox(name)
      if (chance(0.2)) fake.crash('main', 9)
      await clock.advance(Math.floor(random.fraction() * 300))
      await new Promise((resolve) => setImmediate(resolve))
      if (chance(0.25)) {
        await stopKubelet()
        await start()
      }
      const owners = fake.runningPods()
      expect(new Set(owners).size).toBe(owners.length)
    }
    const settled = async () => {
      const { items } = await client.resource(pods).list({ namespace: 'default' })
      const wanted = items.map(({ metadata }) => metadata.uid ?? '').sort()
      return (
        items.every((pod) => pod.metadata.deletionTimestamp === undefined && isReady(pod)) &&
        fake.runningPods().sort().join() === wanted.join()
      )
    }
    for (let passed = 0; passed < 20_000 && !(await settled()); passed++) {
      await filesAreDone()
      await clock.advance(500)
      // Those that fail by chance come to rest one after another.
    }
    expect(await settled(), `${JSON.stringify(fake.sandboxes())} ${fake.runningPods().join()}`).toBe(true)
    expect(fake.sandboxes().filter(({ isReady: ready }) => ready)).toHaveLength(fake.runningPods().length)
  },
)
