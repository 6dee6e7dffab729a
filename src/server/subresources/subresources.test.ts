import { generateKeyPairSync } from 'node:crypto'
import { beforeEach, describe, expect, test } from 'vitest'
import { builtinCatalog } from '../../api/catalog.ts'
import { VirtualClock } from '../../base/clock.ts'
import { silentLog } from '../../base/log.ts'
import { seededRandom } from '../../base/random.ts'
import { createMemoryStore } from '../../store/memory.ts'
import { createAuthenticator } from '../authentication.ts'
import { type ApiServer, createServer } from '../server.ts'
import { type ServiceAccountTokens, serviceAccountTokens } from '../service-account-tokens.ts'

const catalog = builtinCatalog()
const clock = new VirtualClock()
let server: ApiServer
let tokens: ServiceAccountTokens

beforeEach(async () => {
  const random = seededRandom(1)
  const key = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  tokens = serviceAccountTokens({ key, issuer: 'https://issuer', clock, random })
  server = await createServer(
    {
      store: createMemoryStore(),
      catalog,
      authenticate: createAuthenticator({ staticTokens: new Map(), verifyToken: async () => undefined }),
      serverAddress: 'x:1',
      tokens,
      clock,
      random,
      log: silentLog,
    },
    new AbortController().signal,
  )
})

// Replies are read by many tests, each by its own shape.
// biome-ignore lint/suspicious/noExplicitAny: see above
type Loose = any

async function send(
  method: string,
  url: string,
  body?: object,
  contentType = 'application/json',
): Promise<{ status: number; object: Loose }> {
  const [path = '', query = ''] = url.split('?')
  const reply = await server.handle({
    method,
    path,
    query,
    headers: { 'content-type': contentType },
    ...(body && { body }),
    caller: { type: 'in-process', user: { name: 'test', groups: ['system:masters'] } },
    signal: new AbortController().signal,
  })
  return { status: reply.status, object: reply.body.type === 'object' ? reply.body.object : {} }
}

const pods = '/api/v1/namespaces/default/pods'
const podOf = (name: string, spec: object = {}, labels: object = {}) => ({
  metadata: { name, labels },
  spec: { containers: [{ name: 'c', image: 'i:1' }], ...spec },
})

describe('binding', () => {
  const bind = (name: string, binding: object) => send('POST', `${pods}/${name}/binding`, { metadata: { name }, ...binding })

  test('gives a pod its node once', async () => {
    await send('POST', pods, podOf('a'))
    const done = await bind('a', { metadata: { name: 'a', annotations: { x: 'y' } }, target: { kind: 'Node', name: 'one' } })
    expect(done).toMatchObject({ status: 201, object: { kind: 'Status', status: 'Success', code: 201 } })
    const { object } = await send('GET', `${pods}/a`)
    expect(object.spec.nodeName).toBe('one')
    expect(object.metadata.annotations).toEqual({ x: 'y' })
    expect(object.status.conditions).toEqual([{ type: 'PodScheduled', status: 'True', lastTransitionTime: '2026-01-01T00:00:00Z' }])
    expect((await bind('a', { target: { name: 'two' } })).object).toMatchObject({
      code: 409,
      message: 'Operation cannot be fulfilled on pods/binding "a": pod a is already assigned to node "one"',
    })
  })

  test('of two at once only one holds', async () => {
    await send('POST', pods, podOf('a'))
    const replies = await Promise.all(['one', 'two'].map((name) => bind('a', { target: { name } })))
    expect(replies.map(({ status }) => status).sort()).toEqual([201, 409])
  })

  test.each([
    ['a gated pod', podOf('a', { schedulingGates: [{ name: 'g/h' }] }), { target: { name: 'n' } }, 409, 'non-empty .spec.schedulingGates'],
    ['another uid', podOf('a'), { metadata: { name: 'a', uid: 'other' }, target: { name: 'n' } }, 409, 'UID in precondition: other'],
    ['another name', podOf('a'), { metadata: { name: 'b' }, target: { name: 'n' } }, 400, 'name in URL does not match'],
    ['no target', podOf('a'), { target: {} }, 500, 'target.name: Required value'],
    ['a target of another kind', podOf('a'), { target: { kind: 'Pod', name: 'n' } }, 500, 'target.kind: Unsupported value: "Pod"'],
    ['another kind', podOf('a'), { kind: 'Pod', target: { name: 'n' } }, 400, 'cannot be handled as a Binding'],
  ])('refuses %s', async (_, pod, binding, status, message) => {
    await send('POST', pods, pod)
    const reply = await bind('a', binding)
    expect(reply.object.message).toContain(message)
    expect(reply.status).toBe(status)
    expect((await send('GET', `${pods}/a`)).object.spec.nodeName).toBeUndefined()
  })
})

describe('eviction', () => {
  const budgets = '/apis/policy/v1/namespaces/default/poddisruptionbudgets'
  const running = async (name: string, labels: object, ready = 'True') => {
    const { object } = await send('POST', pods, podOf(name, {}, labels))
    await send('PUT', `${pods}/${name}/status`, { ...object, status: { phase: 'Running', conditions: [{ type: 'Ready', status: ready }] } })
  }
  const budget = async (name: string, status: object) => {
    const { object } = await send('POST', budgets, {
      metadata: { name },
      spec: { selector: { matchLabels: { app: 'a' } }, minAvailable: 1 },
    })
    await send('PUT', `${budgets}/${name}/status`, { ...object, status: { observedGeneration: 1, expectedPods: 1, ...status } })
  }
  const evict = (name: string, options: object = {}) =>
    send('POST', `${pods}/${name}/eviction`, { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name }, ...options })

  test('is asked for in the older version, too', async () => {
    await running('a', { app: 'b' })
    expect((await evict('a', { apiVersion: 'policy/v1beta1' })).status).toBe(201)
    expect((await evict('a', { apiVersion: 'policy/v2' })).status).toBe(400)
  })

  test('deletes a pod that no budget selects', async () => {
    await running('a', { app: 'b' })
    await budget('x', { disruptionsAllowed: 0, currentHealthy: 1, desiredHealthy: 1 })
    expect(await evict('a')).toMatchObject({ status: 201, object: { status: 'Success' } })
    expect((await send('GET', `${pods}/a`)).status).toBe(404)
  })

  test('uses up the disruptions that the budget allows', async () => {
    await running('a', { app: 'a' })
    await running('b', { app: 'a' })
    await budget('x', { disruptionsAllowed: 1, currentHealthy: 2, desiredHealthy: 1 })
    expect((await evict('a', { deleteOptions: { dryRun: ['All'] } })).status).toBe(201)
    expect((await evict('a')).status).toBe(201)
    expect((await send('GET', `${budgets}/x`)).object.status).toMatchObject({
      disruptionsAllowed: 0,
      disruptedPods: { a: '2026-01-01T00:00:00Z' },
    })
    expect((await evict('b')).object).toMatchObject({
      code: 429,
      message: "Cannot evict pod as it would violate the pod's disruption budget.",
      details: { causes: [{ reason: 'DisruptionBudget', message: 'The disruption budget x needs 1 healthy pods and has 2 currently' }] },
    })
    expect((await send('GET', `${pods}/b`)).status).toBe(200)
  })

  test('waits for a budget that was not seen yet, and refuses two', async () => {
    await running('a', { app: 'a' })
    await budget('x', { observedGeneration: 0 })
    expect((await evict('a')).object).toMatchObject({ code: 429, details: { retryAfterSeconds: 10 } })
    await budget('y', {})
    expect((await evict('a')).object).toMatchObject({ code: 500, message: expect.stringContaining('more than one PodDisruptionBudget') })
  })

  test('lets a pod go that is not ready while enough others are', async () => {
    await running('a', { app: 'a' }, 'False')
    await budget('x', { disruptionsAllowed: 0, currentHealthy: 1, desiredHealthy: 1 })
    expect((await evict('a')).status).toBe(201)
  })
})

describe('token', () => {
  const accounts = '/api/v1/namespaces/default/serviceaccounts'
  const request = (spec: object) =>
    send('POST', `${accounts}/web/token`, { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec })

  test('is given for an account, bound to its pod', async () => {
    await send('POST', accounts, { metadata: { name: 'web' } })
    const pod = await send('POST', pods, podOf('a', { serviceAccountName: 'web' }))
    const { status, object } = await request({
      expirationSeconds: 3607,
      boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name: 'a', uid: pod.object.metadata.uid },
    })
    expect(status).toBe(201)
    expect(object).toMatchObject({
      kind: 'TokenRequest',
      spec: { audiences: ['https://issuer'] },
      status: { expirationTimestamp: '2026-01-01T01:00:07Z' },
    })
    expect(await tokens.read(object.status.token)).toMatchObject({
      subject: { namespace: 'default', name: 'web', boundTo: { kind: 'Pod', name: 'a' } },
      audiences: ['https://issuer'],
      // Who did not choose may use it for a year.
      warnAfter: 1767229207,
      expires: 1767225600 + 365 * 86_400,
    })
  })

  test('is for the audiences and the time that were asked for', async () => {
    await send('POST', accounts, { metadata: { name: 'web' } })
    const { object } = await request({ audiences: ['vault'], expirationSeconds: 3607 })
    expect(object.status.expirationTimestamp).toBe('2026-01-01T01:00:07Z')
    const claims = await tokens.read(object.status.token)
    expect(claims).toMatchObject({ audiences: ['vault'], expires: 1767225600 + 3607 })
    expect(claims).not.toHaveProperty('warnAfter')
  })

  test.each([
    ['too short', { expirationSeconds: 599 }, 422, 'may not specify a duration less than 10 minutes'],
    [
      'of another account’s pod',
      { boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name: 'other' } },
      400,
      'running with different serviceaccount name',
    ],
    ['of a pod that is not there', { boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name: 'none' } }, 404, 'pods "none" not found'],
    [
      'of a pod before',
      { boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name: 'mine', uid: 'old' } },
      409,
      'does not match the UID in record',
    ],
    [
      'of something else',
      { boundObjectRef: { apiVersion: 'v1', kind: 'ConfigMap', name: 'x' } },
      400,
      'cannot bind token to object of type',
    ],
  ])('is refused: %s', async (_, spec, status, message) => {
    await send('POST', accounts, { metadata: { name: 'web' } })
    await send('POST', pods, podOf('mine', { serviceAccountName: 'web' }))
    await send('POST', pods, podOf('other', { serviceAccountName: 'other' }))
    const reply = await request(spec)
    expect(reply.object.message).toContain(message)
    expect(reply.status).toBe(status)
  })
})

describe('scale', () => {
  const deployments = '/apis/apps/v1/namespaces/default/deployments'
  const deployment = {
    metadata: { name: 'web' },
    spec: {
      replicas: 2,
      selector: { matchLabels: { b: '2', a: '1' } },
      template: { metadata: { labels: { a: '1', b: '2' } }, spec: { containers: [{ name: 'c', image: 'i:1' }] } },
    },
  }

  test('is shown, put and patched', async () => {
    const { object } = await send('POST', deployments, deployment)
    const shown = await send('GET', `${deployments}/web/scale`)
    expect(shown.object).toEqual({
      kind: 'Scale',
      apiVersion: 'autoscaling/v1',
      metadata: {
        name: 'web',
        namespace: 'default',
        uid: object.metadata.uid,
        resourceVersion: object.metadata.resourceVersion,
        creationTimestamp: object.metadata.creationTimestamp,
      },
      spec: { replicas: 2 },
      status: { replicas: 0, selector: 'a=1,b=2' },
    })
    expect((await send('PUT', `${deployments}/web/scale`, { ...shown.object, spec: { replicas: 3 } })).object.spec).toEqual({ replicas: 3 })
    expect((await send('PUT', `${deployments}/web/scale`, { ...shown.object, spec: { replicas: 4 } })).object).toMatchObject({ code: 409 })
    const patched = await send('PATCH', `${deployments}/web/scale`, { spec: { replicas: 0 } }, 'application/merge-patch+json')
    expect(patched.object.spec).toEqual({})
    expect((await send('GET', `${deployments}/web`)).object).toMatchObject({ metadata: { generation: 3 }, spec: { replicas: 0 } })
  })

  test('is not below zero', async () => {
    await send('POST', deployments, deployment)
    expect(
      (await send('PATCH', `${deployments}/web/scale`, { spec: { replicas: -1 } }, 'application/merge-patch+json')).object,
    ).toMatchObject({
      code: 422,
      message: 'Scale.autoscaling "web" is invalid: spec.replicas: Invalid value: -1: must be greater than or equal to 0',
    })
  })
})

test('ephemeral containers change nothing else', async () => {
  const { object } = await send('POST', pods, podOf('a'))
  const asked = { ...object, spec: { ...object.spec, nodeName: 'x', ephemeralContainers: [{ name: 'debug', image: 'i:1' }] } }
  const changed = await send('PUT', `${pods}/a/ephemeralcontainers`, asked)
  expect(changed.status).toBe(200)
  expect(changed.object.spec.ephemeralContainers).toMatchObject([{ name: 'debug' }])
  expect(changed.object.spec.nodeName).toBeUndefined()
})
