import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Container, Pod, PodSpec } from '../api/types/core-v1.ts'
import { containerHash } from './container-hash.ts'
import type { Observed } from './observed.ts'
import { advance, lifeOrder, type PodLife } from './pod-life.ts'
import { plan, type Step, stepKey } from './pod-plan.ts'
import { type ContainerView, emptyRuntimePod, newestFirst, type SandboxView } from './runtime-pod.ts'

const nowMs = Date.parse('2026-01-01T00:00:00Z')
const image = 'app:1'

function pod(spec: Partial<PodSpec> = {}, metadata: Partial<Pod['metadata']> = {}, status: Pod['status'] = {}): Pod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'web', namespace: 'default', uid: 'u', ...metadata },
    spec: { containers: [{ name: 'main', image }], ...spec },
    status,
  }
}

const sandbox = (overrides: Partial<SandboxView> = {}): SandboxView => ({
  id: 's0',
  attempt: 0,
  isReady: true,
  createdAtMs: nowMs - 10_000,
  addresses: ['10.0.0.1'],
  podUid: 'u',
  podName: 'web',
  podNamespace: 'default',
  ...overrides,
})

const container = (overrides: Partial<ContainerView> = {}): ContainerView => ({
  id: `${overrides.name ?? 'main'}${overrides.attempt ?? 0}`,
  sandboxId: 's0',
  name: 'main',
  attempt: 0,
  state: 'running',
  createdAtMs: nowMs - 9_000,
  startedAtMs: nowMs - 9_000,
  finishedAtMs: 0,
  exitCode: 0,
  reason: '',
  message: '',
  hash: containerHash({ name: overrides.name ?? 'main', image }),
  image,
  imageId: image,
  logPath: '',
  messageFile: undefined,
  messagePolicy: 'File',
  user: undefined,
  ...overrides,
})

const exited = (exitCode: number, overrides: Partial<ContainerView> = {}) =>
  container({ state: 'exited', exitCode, finishedAtMs: nowMs - 1_000, ...overrides })

function observed(overrides: Partial<Observed> = {}): Observed {
  return {
    pod: pod(),
    isInApi: true,
    isSpecKnown: true,
    runtime: { sandboxes: [sandbox()], containers: [] },
    rejection: undefined,
    startedAtMs: nowMs - 10_000,
    volumes: 'mounted',
    images: new Map([
      ['main', image],
      ['one', image],
      ['two', image],
      ['side', image],
    ]),
    failures: new Map(),
    backoffs: new Map(),
    probes: new Map(),
    preStopped: new Set(),
    inFlight: new Set(),
    isCleaned: false,
    isStatusWritten: false,
    ...overrides,
  }
}

const running: PodLife = { phase: 'running' }
const withContainers = (...containers: ContainerView[]) => ({
  runtime: { sandboxes: [sandbox()], containers: [...containers].sort(newestFirst) },
})
const keys = (life: PodLife, input: Observed) => plan(life, input, nowMs).steps.map(stepKey)
const inits: Container[] = [
  { name: 'one', image },
  { name: 'side', image, restartPolicy: 'Always' },
  { name: 'two', image },
]

describe('a running pod', () => {
  test.each<[string, Partial<Observed>, readonly string[]]>([
    [
      'that is new: everything at once',
      { runtime: emptyRuntimePod, volumes: 'missing', images: new Map() },
      ['mount-volumes', 'run-sandbox', 'ensure-image:main'],
    ],
    ['waits for its sandbox', { runtime: emptyRuntimePod }, ['run-sandbox']],
    ['waits for its volumes', { volumes: 'missing' }, ['mount-volumes']],
    ['starts its container', {}, ['start-container:main']],
    ['does not wait for volumes that only changed', { volumes: 'stale' }, ['mount-volumes', 'start-container:main']],
    ['runs', withContainers(container()), []],
    ['whose start is under way', { inFlight: new Set(['start-container:main']), ...withContainers(container({ state: 'created' })) }, []],
    ['replaces what was made and never ran', withContainers(container({ state: 'created' })), ['start-container:main']],
    ['restarts what ended', withContainers(exited(0)), ['start-container:main']],
    ['waits out a back-off', { backoffs: new Map([['main', { delayMs: 10_000, atMs: nowMs - 5_000 }]]), ...withContainers(exited(1)) }, []],
    [
      'does not wait for what another image did',
      {
        backoffs: new Map([['main', { delayMs: 10_000, atMs: nowMs - 5_000 }]]),
        ...withContainers(exited(1, { hash: containerHash({ name: 'main', image: 'app:0' }) })),
      },
      ['start-container:main'],
    ],
    [
      'whose back-off is over',
      { backoffs: new Map([['main', { delayMs: 500, atMs: nowMs - 5_000 }]]), ...withContainers(exited(1)) },
      ['start-container:main'],
    ],
    [
      'does not restart what is never restarted',
      {
        pod: pod({
          restartPolicy: 'Never',
          containers: [
            { name: 'main', image },
            { name: 'two', image },
          ],
        }),
        ...withContainers(exited(1), container({ name: 'two' })),
      },
      [],
    ],
    [
      'restarts by a rule of the container',
      {
        pod: pod({
          restartPolicy: 'Never',
          containers: [{ name: 'main', image, restartPolicyRules: [{ action: 'Restart', exitCodes: { operator: 'In', values: [42] } }] }],
        }),
        ...withContainers(exited(42)),
      },
      ['start-container:main'],
    ],
    ['begins with its first init container', { pod: pod({ initContainers: inits }) }, ['start-container:one']],
    [
      'goes on to the sidecar',
      { pod: pod({ initContainers: inits }), ...withContainers(exited(0, { name: 'one' })) },
      ['start-container:side'],
    ],
    [
      'waits for the sidecar to have started',
      {
        pod: pod({ initContainers: inits }),
        probes: new Map([['side0', { hasStarted: false, isReady: false, unhealthy: undefined }]]),
        ...withContainers(exited(0, { name: 'one' }), container({ name: 'side' })),
      },
      [],
    ],
    [
      'goes on behind the sidecar',
      { pod: pod({ initContainers: inits }), ...withContainers(exited(0, { name: 'one' }), container({ name: 'side' })) },
      ['start-container:two'],
    ],
    [
      'retries an init container',
      { pod: pod({ initContainers: inits }), ...withContainers(exited(1, { name: 'one' })) },
      ['start-container:one'],
    ],
    [
      'is initialized',
      {
        pod: pod({ initContainers: inits }),
        ...withContainers(exited(0, { name: 'one' }), container({ name: 'side' }), exited(0, { name: 'two' })),
      },
      ['start-container:main'],
    ],
    [
      'restarts a sidecar, and init containers never again',
      { pod: pod({ initContainers: inits }), ...withContainers(exited(0, { name: 'side' }), container()) },
      ['start-container:side'],
    ],
    [
      'ends what a liveness probe gave up on',
      {
        probes: new Map([['main0', { hasStarted: true, isReady: false, unhealthy: { probe: 'liveness', atMs: nowMs } }]]),
        ...withContainers(container()),
      },
      ['stop-container:main0'],
    ],
    [
      'ends what has another image now',
      { pod: pod({ containers: [{ name: 'main', image: 'app:2' }] }), ...withContainers(container()) },
      ['stop-container:main0'],
    ],
    [
      'runs its hook before it is ended',
      {
        pod: pod({ containers: [{ name: 'main', image: 'app:2', lifecycle: { preStop: { exec: { command: ['x'] } } } }] }),
        ...withContainers(container()),
      },
      ['pre-stop:main0'],
    ],
    [
      'makes a new sandbox when the old one is lost',
      { runtime: { sandboxes: [sandbox({ isReady: false })], containers: [exited(255)] } },
      ['run-sandbox'],
    ],
    [
      'ends what runs without a sandbox first',
      { runtime: { sandboxes: [sandbox({ isReady: false })], containers: [container()] } },
      ['stop-container:main0'],
    ],
    [
      'forgets old runs but the last',
      withContainers(container({ attempt: 3, id: 'c3' }), exited(1, { attempt: 2, id: 'c2' }), exited(1, { attempt: 1, id: 'c1' })),
      ['remove-container:c1'],
    ],
    [
      'tells its containers from its sandbox and its volumes, whatever they are called',
      {
        pod: pod({ containers: ['sandbox', 'volumes'].map((name) => ({ name, image })) }),
        runtime: emptyRuntimePod,
        volumes: 'missing',
        failures: new Map(
          ['sandbox', 'volumes'].map((name) => [name, { reason: 'ErrImagePull', message: 'm', atMs: nowMs, retryAtMs: nowMs + 1 }]),
        ),
      },
      ['mount-volumes', 'run-sandbox'],
    ],
    [
      'holds off after a failure',
      { failures: new Map([['main', { reason: 'CreateContainerError', message: 'm', atMs: nowMs, retryAtMs: nowMs + 1 }]]) },
      [],
    ],
  ])('%s', (_, overrides, expected) => {
    expect(keys(running, observed(overrides))).toEqual(expected)
  })

  test.each([
    ['Always', 'Container main failed liveness probe, will be restarted'],
    ['Never', 'Container main failed liveness probe'],
  ])('that restarts %s says what comes after a failed probe', (restartPolicy, why) => {
    const probes = new Map([['main0', { hasStarted: true, isReady: false, unhealthy: { probe: 'liveness' as const, atMs: nowMs } }]])
    const input = observed({ pod: pod({ restartPolicy }), probes, ...withContainers(container()) })
    expect(plan(running, input, nowMs).steps).toMatchObject([{ type: 'stop-container', why }])
  })

  test('says why it waits, and wakes when the wait is over', () => {
    const { waiting, wakeAtMs } = plan(
      running,
      observed({ backoffs: new Map([['main', { delayMs: 160_000, atMs: nowMs }]]), ...withContainers(exited(1)) }),
      nowMs,
    )
    expect(waiting.get('main')).toEqual({
      reason: 'CrashLoopBackOff',
      message: 'back-off 2m40s restarting failed container=main pod=web_default(u)',
    })
    expect(wakeAtMs).toBe(nowMs - 1_000 + 160_000)
  })

  test('counts a restart in a new sandbox on', () => {
    const input = observed({
      runtime: { sandboxes: [sandbox({ id: 's1', attempt: 1 }), sandbox({ isReady: false })], containers: [exited(255, { attempt: 4 })] },
    })
    expect(plan(running, input, nowMs).steps).toMatchObject([{ type: 'start-container', attempt: 5, sandbox: { id: 's1' } }])
  })
})

describe('a pod that ends', () => {
  const terminating: PodLife = { phase: 'terminating', cause: { type: 'deleted' }, deadlineMs: nowMs + 30_000 }
  const terminated: PodLife = { phase: 'terminated', cause: { type: 'deleted' } }
  const withSidecars = pod({
    initContainers: [
      { name: 'side', image, restartPolicy: 'Always' },
      { name: 'two', image, restartPolicy: 'Always' },
    ],
  })

  test.each<[string, PodLife, Partial<Observed>, readonly string[]]>([
    ['stops what runs', terminating, withContainers(container(), exited(0, { name: 'one' })), ['stop-container:main0']],
    [
      'spares sidecars while others run',
      terminating,
      { pod: withSidecars, ...withContainers(container(), container({ name: 'side' }), container({ name: 'two' })) },
      ['stop-container:main0'],
    ],
    [
      'ends sidecars from the last to the first',
      terminating,
      { pod: withSidecars, ...withContainers(container({ name: 'side' }), container({ name: 'two' })) },
      ['stop-container:two0'],
    ],
    [
      'ends all when the grace is over',
      { ...terminating, deadlineMs: nowMs },
      { pod: withSidecars, ...withContainers(container(), container({ name: 'side' })) },
      ['stop-container:side0', 'stop-container:main0'],
    ],
    ['stops its sandbox at last', terminating, withContainers(exited(0)), ['stop-sandbox:s0']],
    ['cleans up', terminated, { runtime: emptyRuntimePod }, ['clean']],
    [
      'waits until its last status is written',
      terminated,
      { runtime: emptyRuntimePod, isCleaned: true, pod: pod({}, { deletionTimestamp: 'x' }) },
      [],
    ],
    [
      'leaves the API',
      terminated,
      { runtime: emptyRuntimePod, isCleaned: true, isStatusWritten: true, pod: pod({}, { deletionTimestamp: 'x' }) },
      ['delete-object'],
    ],
    ['stays in the API until somebody deletes it', terminated, { runtime: emptyRuntimePod, isCleaned: true, isStatusWritten: true }, []],
    ['takes its sandbox along', { phase: 'gone' }, withContainers(exited(0)), ['remove-sandbox:s0']],
    ['leaves nothing', { phase: 'gone' }, { runtime: emptyRuntimePod }, ['remove-directories']],
  ])('%s', (_, life, overrides, expected) => {
    expect(keys(life, observed(overrides)).sort()).toEqual([...expected].sort())
  })
})

describe('a life', () => {
  test.each<[string, Partial<Observed>, string, string | undefined]>([
    ['goes on', withContainers(container()), 'running', undefined],
    [
      'ends with a deletion',
      { pod: pod({}, { deletionTimestamp: '2026-01-01T00:00:30Z', deletionGracePeriodSeconds: 30 }), ...withContainers(container()) },
      'terminating',
      'deleted',
    ],
    ['ends when the API has forgotten it', { isInApi: false, ...withContainers(container()) }, 'terminating', 'removed'],
    [
      'ends when the node refuses it',
      { rejection: { reason: 'OutOfcpu', message: 'm' }, runtime: emptyRuntimePod },
      'terminated',
      'rejected',
    ],
    ['ends with its deadline', { pod: pod({ activeDeadlineSeconds: 10 }), ...withContainers(container()) }, 'terminating', 'deadline'],
    [
      'that has succeeded is not late afterwards, and not refused',
      {
        pod: pod({ restartPolicy: 'Never', activeDeadlineSeconds: 5 }, {}, { phase: 'Succeeded' }),
        rejection: { reason: 'OutOfcpu', message: 'm' },
        ...withContainers(),
      },
      'terminating',
      'completed',
    ],
    [
      'that ended by itself in time is not late when it is looked at later',
      {
        pod: pod({ restartPolicy: 'Never', activeDeadlineSeconds: 10 }),
        ...withContainers(exited(0, { finishedAtMs: nowMs - 5_000 })),
      },
      'terminating',
      'completed',
    ],
    [
      'ends when all is done',
      { pod: pod({ restartPolicy: 'Never' }), runtime: { sandboxes: [sandbox({ isReady: false })], containers: [exited(0)] } },
      'terminated',
      'completed',
    ],
    [
      'ends when an init container fails for good',
      { pod: pod({ restartPolicy: 'Never', initContainers: inits }), ...withContainers(exited(1, { name: 'one' })) },
      'terminating',
      'completed',
    ],
    [
      'waits for a start that is under way',
      { pod: pod({}, { deletionTimestamp: '2026-01-01T00:00:30Z' }), runtime: emptyRuntimePod, inFlight: new Set(['run-sandbox']) },
      'terminating',
      'deleted',
    ],
    [
      'is over once the API has forgotten it and it is cleaned',
      { isInApi: false, runtime: emptyRuntimePod, isCleaned: true },
      'gone',
      undefined,
    ],
  ])('%s', (_, overrides, phase, cause) => {
    const life = advance(running, observed(overrides), nowMs)
    expect(life.phase).toBe(phase)
    expect('cause' in life ? life.cause.type : undefined).toBe(cause)
  })

  test('has a grace that only becomes shorter', () => {
    const at = (seconds: number, ms: number, life: PodLife) =>
      advance(
        life,
        observed({
          pod: pod({}, { deletionTimestamp: new Date(nowMs + seconds * 1000).toISOString(), deletionGracePeriodSeconds: seconds }),
          ...withContainers(container()),
        }),
        ms,
      )
    const long = at(300, nowMs, running)
    expect(long).toMatchObject({ deadlineMs: nowMs + 300_000 })
    const short = at(5, nowMs + 1_000, long)
    expect(short).toMatchObject({ deadlineMs: nowMs + 6_000 })
    expect(at(300, nowMs + 2_000, short)).toMatchObject({ deadlineMs: nowMs + 6_000 })
  })
})

const starts: readonly Step['type'][] = ['mount-volumes', 'run-sandbox', 'ensure-image', 'start-container']

const anyContainer = fc
  .record({
    name: fc.constantFrom('main', 'one', 'side', 'two'),
    attempt: fc.nat(3),
    state: fc.constantFrom('created', 'running', 'exited', 'unknown'),
    exitCode: fc.constantFrom(0, 1, 137),
    sandboxId: fc.constantFrom('s0', 's1'),
  })
  .map((overrides) =>
    container({ finishedAtMs: nowMs - 1_000, ...overrides, id: `${overrides.name}${overrides.attempt}${overrides.sandboxId}` }),
  )

const anyObserved: fc.Arbitrary<Observed> = fc
  .record({
    deleted: fc.boolean(),
    isInApi: fc.boolean(),
    hasInits: fc.boolean(),
    restartPolicy: fc.constantFrom('Always', 'OnFailure', 'Never'),
    containers: fc.array(anyContainer, { maxLength: 6 }),
    ready: fc.array(fc.boolean(), { maxLength: 2 }),
    volumes: fc.constantFrom('missing', 'stale', 'mounted'),
    isCleaned: fc.boolean(),
    isStatusWritten: fc.boolean(),
    inFlight: fc.subarray(['run-sandbox', 'start-container:main', 'mount-volumes']),
    deadline: fc.option(fc.constantFrom(1, 100), { nil: undefined }),
  })
  .map(({ deleted, hasInits, restartPolicy, containers, ready, inFlight, deadline, ...rest }) =>
    observed({
      ...rest,
      pod: pod(
        { restartPolicy, ...(hasInits && { initContainers: inits }), ...(deadline !== undefined && { activeDeadlineSeconds: deadline }) },
        deleted ? { deletionTimestamp: new Date(nowMs + 30_000).toISOString(), deletionGracePeriodSeconds: 30 } : {},
      ),
      runtime: {
        sandboxes: ready.map((isReady, index) => sandbox({ id: `s${index}`, attempt: index, isReady })).sort(newestFirst),
        containers: [...new Map(containers.map((item) => [item.id, item])).values()].sort(newestFirst),
      },
      inFlight: new Set(inFlight),
    }),
  )

test('whatever happens, a life only moves right, and once it ends nothing is started', () => {
  fc.assert(
    fc.property(fc.array(anyObserved, { minLength: 1, maxLength: 12 }), (story) => {
      let life: PodLife = running
      for (const [index, now] of story.entries()) {
        const next = advance(life, now, nowMs + index * 1_000)
        expect(lifeOrder(next)).toBeGreaterThanOrEqual(lifeOrder(life))
        life = next
        const { steps } = plan(life, now, nowMs + index * 1_000)
        if (life.phase !== 'running') expect(steps.filter(({ type }) => starts.includes(type))).toEqual([])
        expect(new Set(steps.map(stepKey)).size).toBe(steps.length)
      }
    }),
  )
})

test('no container is started while another of its name runs, and none without a sandbox', () => {
  fc.assert(
    fc.property(anyObserved, (now) => {
      if (advance(running, now, nowMs).phase !== 'running') return
      for (const step of plan(running, now, nowMs).steps) {
        if (step.type !== 'start-container') continue
        expect(step.sandbox.isReady).toBe(true)
        const twins = now.runtime.containers.filter(
          ({ name, state, sandboxId }) => name === step.container && state === 'running' && sandboxId === step.sandbox.id,
        )
        expect(twins).toEqual([])
      }
    }),
  )
})
