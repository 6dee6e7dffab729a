import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { builtinCatalog } from '../../api/catalog.ts'
import type { JsonObject } from '../../api/object.ts'
import { systemClock } from '../../base/clock.ts'
import { silentLog } from '../../base/log.ts'
import { systemRandom } from '../../base/random.ts'
import { createMemoryStore } from '../../store/memory.ts'
import { createKubeletConnector } from '../kubelet-connector.ts'
import { createAuthority } from '../pki.ts'
import { type ApiServer, createServer } from '../server.ts'
import { patching, reviewed, startTestWebhook, type TestWebhook } from './test-webhook.ts'

let hook: TestWebhook
let connector: ReturnType<typeof createKubeletConnector>
let server: ApiServer
const stop = new AbortController()
const user = { name: 'tester', uid: 'u', groups: ['system:masters'], extra: { scopes: ['a', 'b'] } }

beforeAll(async () => {
  hook = await startTestWebhook()
  const authority = await createAuthority('cluster', Date.now())
  connector = createKubeletConnector({ client: authority, authority: authority.certificate })
})

beforeEach(async () => {
  hook.asked.length = 0
  hook.answer = (review) => reviewed(review, { allowed: true })
  server = await createServer(
    {
      store: createMemoryStore(),
      catalog: builtinCatalog(),
      authenticate: async () => user,
      serverAddress: 'x:1',
      connector,
      clock: systemClock,
      random: systemRandom,
      log: silentLog,
    },
    stop.signal,
  )
})

afterAll(async () => {
  stop.abort()
  connector.close()
  await hook.close()
})

async function send(method: string, path: string, body?: object, type = 'application/json') {
  const [place = '', query = ''] = path.split('?')
  const reply = await server.handle({
    method,
    path: place,
    query,
    headers: { 'content-type': type },
    ...(body && { body }),
    caller: { type: 'in-process', user },
    signal: stop.signal,
  })
  const object = reply.body.type === 'object' ? (reply.body.object as JsonObject & { metadata: JsonObject; message?: string }) : undefined
  return { status: reply.status, object, message: object?.message, warning: reply.headers.warning }
}

const configurations = '/apis/admissionregistration.k8s.io/v1'
const maps = '/api/v1/namespaces/default/configmaps'
const mapRule = { operations: ['*'], apiGroups: [''], apiVersions: ['v1'], resources: ['configmaps'] }

const webhook = (name: string, more: object = {}, path = `/${name.split('.')[0]}`) => ({
  name,
  rules: [mapRule],
  clientConfig: { url: `https://127.0.0.1:${hook.port}${path}`, caBundle: hook.caBundle },
  admissionReviewVersions: ['v1'],
  sideEffects: 'None',
  timeoutSeconds: 5,
  ...more,
})

async function configure(type: 'mutating' | 'validating', name: string, ...webhooks: object[]): Promise<void> {
  const { status, message } = await send('POST', `${configurations}/${type}webhookconfigurations`, { metadata: { name }, webhooks })
  expect({ status, message }).toEqual({ status: 201 })
}

const paths = () => hook.asked.map(({ path }) => path)

describe('a review', () => {
  test('says who wants what', async () => {
    await configure('validating', 'a', webhook('one.example.com'))
    await send('POST', `${maps}?fieldManager=me&fieldValidation=Strict`, { metadata: { name: 'a' }, data: { k: '1' } })
    await send('PUT', `${maps}/a?dryRun=All`, { metadata: { name: 'a' }, data: { k: '2' } })
    await send('PATCH', `${maps}/a`, { data: { k: '3' } }, 'application/merge-patch+json')
    await send('DELETE', `${maps}/a`, { gracePeriodSeconds: 5, propagationPolicy: 'Background' })
    const [created, updated, patched, deleted] = hook.asked.map(({ request }) => request as JsonObject & Record<string, JsonObject>)
    const type = { group: '', version: 'v1', kind: 'ConfigMap' }
    const resource = { group: '', version: 'v1', resource: 'configmaps' }
    expect(created).toEqual({
      uid: expect.stringMatching(/^[0-9a-f-]{36}$/),
      kind: type,
      resource,
      requestKind: type,
      requestResource: resource,
      name: 'a',
      namespace: 'default',
      operation: 'CREATE',
      userInfo: { username: 'tester', uid: 'u', groups: ['system:masters'], extra: { scopes: ['a', 'b'] } },
      object: expect.objectContaining({ kind: 'ConfigMap', apiVersion: 'v1', data: { k: '1' } }),
      oldObject: null,
      dryRun: false,
      options: { kind: 'CreateOptions', apiVersion: 'meta.k8s.io/v1', fieldManager: 'me', fieldValidation: 'Strict' },
    })
    expect(created?.object?.metadata).toMatchObject({ name: 'a', namespace: 'default', uid: expect.any(String) })
    expect(updated).toMatchObject({
      operation: 'UPDATE',
      dryRun: true,
      object: { data: { k: '2' } },
      oldObject: { data: { k: '1' } },
      options: { kind: 'UpdateOptions', dryRun: ['All'] },
    })
    expect(patched).toMatchObject({ operation: 'UPDATE', object: { data: { k: '3' } }, options: { kind: 'UpdateOptions' } })
    expect(deleted).toMatchObject({
      operation: 'DELETE',
      object: null,
      oldObject: { data: { k: '3' } },
      options: { kind: 'DeleteOptions', gracePeriodSeconds: 5, propagationPolicy: 'Background' },
    })
  })

  test('shows another version where that is what a webhook knows, and takes its changes back', async () => {
    const rule = { operations: ['CREATE'], apiGroups: ['autoscaling'], apiVersions: ['v1'], resources: ['horizontalpodautoscalers'] }
    await configure(
      'mutating',
      'a',
      webhook('one.example.com', { rules: [rule] }),
      webhook('exact.example.com', { rules: [rule], matchPolicy: 'Exact' }),
    )
    hook.answer = (review) =>
      reviewed(
        review,
        patching(
          { op: 'replace', path: '/spec/targetCPUUtilizationPercentage', value: 70 },
          { op: 'replace', path: '/spec/maxReplicas', value: 7 },
        ),
      )
    const { object } = await send('POST', '/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers', {
      metadata: { name: 'a' },
      spec: {
        maxReplicas: 3,
        scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'a' },
        metrics: [{ type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 50 } } }],
      },
    })
    expect(paths()).toEqual(['/one'])
    expect(hook.asked[0]?.request).toMatchObject({
      kind: { version: 'v1' },
      resource: { version: 'v1' },
      requestKind: { version: 'v2' },
      requestResource: { version: 'v2' },
      object: { apiVersion: 'autoscaling/v1', spec: { targetCPUUtilizationPercentage: 50 } },
    })
    expect(object?.spec).toMatchObject({
      maxReplicas: 7,
      metrics: [{ resource: { target: { averageUtilization: 70 } } }],
    })
  })
})

describe('a verdict', () => {
  test.each([
    [{ message: 'no' }, 400, 'admission webhook "one.example.com" denied the request: no'],
    [{ reason: 'Because' }, 400, 'admission webhook "one.example.com" denied the request: Because'],
    [undefined, 400, 'admission webhook "one.example.com" denied the request without explanation'],
    [{ message: 'no', code: 403, reason: 'Forbidden' }, 403, 'admission webhook "one.example.com" denied the request: no'],
    [{ message: 'no', code: 200, status: 'Success' }, 400, 'admission webhook "one.example.com" denied the request: no'],
  ])('that refuses with %j', async (status, code, message) => {
    await configure('validating', 'a', webhook('one.example.com'))
    hook.answer = (review) => reviewed(review, { allowed: false, ...(status && { status }) })
    const refused = await send('POST', maps, { metadata: { name: 'a' } })
    expect(refused).toMatchObject({ status: code, message })
    expect(refused.object).toMatchObject({ status: 'Failure', code, ...(status && 'reason' in status && { reason: status.reason }) })
    expect((await send('GET', `${maps}/a`)).status).toBe(404)
  })

  test('comes with warnings, also when it refuses', async () => {
    await configure('validating', 'a', webhook('one.example.com'))
    hook.answer = (review) => reviewed(review, { allowed: review.request.name === 'good', warnings: ['mind the gap'] })
    expect(await send('POST', maps, { metadata: { name: 'good' } })).toMatchObject({ status: 201, warning: '299 - "mind the gap"' })
    expect(await send('POST', maps, { metadata: { name: 'bad' } })).toMatchObject({ status: 400, warning: '299 - "mind the gap"' })
  })

  test.each([
    [
      { uid: 'other', allowed: true },
      /^Internal error occurred: failed calling webhook "one\.example\.com": received invalid webhook response: expected response\.uid="[0-9a-f-]+", got "other"$/,
    ],
    [{ patch: 'W10=', allowed: true }, /validating webhook may not return response\.patch/],
  ])('that is none: %j', async (response, message) => {
    await configure('validating', 'a', webhook('one.example.com'))
    hook.answer = (review) => reviewed(review, response)
    expect(await send('POST', maps, { metadata: { name: 'a' } })).toMatchObject({ status: 500, message: expect.stringMatching(message) })
  })

  test('that does not come is an error, or none, as the webhook’s policy has it', async () => {
    const nowhere = { clientConfig: { url: 'https://127.0.0.1:1/x' } }
    await configure('validating', 'a', webhook('open.example.com', { ...nowhere, failurePolicy: 'Ignore' }))
    expect(await send('POST', maps, { metadata: { name: 'a' } })).toMatchObject({ status: 201 })
    await configure('validating', 'b', webhook('shut.example.com', nowhere))
    expect(await send('POST', maps, { metadata: { name: 'b' } })).toMatchObject({
      status: 500,
      message:
        'Internal error occurred: failed calling webhook "shut.example.com": failed to call webhook: Post "https://127.0.0.1:1/x?timeout=5s": dial tcp 127.0.0.1:1: connect: connection refused',
    })
    await send('DELETE', `${configurations}/validatingwebhookconfigurations/b`)
    await configure('validating', 'c', webhook('late.example.com', { timeoutSeconds: 1, failurePolicy: 'Ignore' }))
    hook.answer = () => undefined
    expect(await send('POST', maps, { metadata: { name: 'c' } })).toMatchObject({ status: 201 })
    expect(paths()).toEqual(['/late'])
  })
})

describe('webhooks are asked', () => {
  test('by a service too', async () => {
    await send('POST', '/api/v1/namespaces/default/services', {
      metadata: { name: 'hook' },
      spec: { type: 'ExternalName', externalName: 'localhost' },
    })
    const service = { namespace: 'default', name: 'hook', path: '/in', port: hook.port }
    await configure('validating', 'a', webhook('one.example.com', { clientConfig: { service, caBundle: hook.caBundle } }))
    expect((await send('POST', maps, { metadata: { name: 'a' } })).status).toBe(201)
    expect(paths()).toEqual(['/in'])
    await configure('validating', 'b', webhook('two.example.com', { clientConfig: { service: { namespace: 'default', name: 'none' } } }))
    expect((await send('POST', maps, { metadata: { name: 'b' } })).message).toBe(
      'Internal error occurred: failed calling webhook "two.example.com": failed to call webhook: Post "https://none.default.svc:443/?timeout=5s": service "none" not found',
    )
  })

  test('in the order of their configurations’ names, each seeing what those before it changed', async () => {
    await configure('mutating', 'b', webhook('third.example.com'))
    await configure('mutating', 'a', webhook('first.example.com'), webhook('second.example.com'))
    hook.answer = (review, path) => {
      const { data } = review.request.object as { data: Record<string, string> }
      return reviewed(review, patching({ op: 'replace', path: '/data/seen', value: `${data.seen}${path}` }))
    }
    const { object } = await send('POST', maps, { metadata: { name: 'a' }, data: { seen: '' } })
    expect(object?.data).toEqual({ seen: '/first/second/third' })
    expect((await send('GET', `${maps}/a`)).object?.data).toEqual({ seen: '/first/second/third' })
  })

  test('once more when another changed the object, if they want that', async () => {
    await configure(
      'mutating',
      'a',
      webhook('again.example.com', { reinvocationPolicy: 'IfNeeded' }),
      webhook('once.example.com'),
      webhook('change.example.com', { reinvocationPolicy: 'IfNeeded' }),
    )
    hook.answer = (review, path) =>
      reviewed(review, path === '/change' ? patching({ op: 'add', path: '/data', value: { k: 'v' } }) : { allowed: true })
    await send('POST', maps, { metadata: { name: 'a' } })
    expect(paths()).toEqual(['/again', '/once', '/change', '/again'])
    hook.asked.length = 0
    // Nothing is changed, so nobody is asked twice.
    await send('PUT', `${maps}/a`, { metadata: { name: 'a' }, data: { k: 'v' } })
    expect(paths()).toEqual(['/again', '/once', '/change'])
  })

  test('about what they are for, by operation, scope and labels', async () => {
    await send('POST', '/api/v1/namespaces', { metadata: { name: 'watched', labels: { watch: 'yes' } } })
    await configure(
      'validating',
      'a',
      webhook('deletes.example.com', { rules: [{ ...mapRule, operations: ['DELETE'] }] }),
      webhook('cluster.example.com', { rules: [{ ...mapRule, resources: ['*'], scope: 'Cluster' }] }),
      webhook('home.example.com', { namespaceSelector: { matchLabels: { watch: 'yes' } } }),
      webhook('label.example.com', { objectSelector: { matchExpressions: [{ key: 'x', operator: 'Exists' }] } }),
      webhook('status.example.com', { rules: [{ ...mapRule, resources: ['*/status'] }] }),
    )
    await send('POST', maps, { metadata: { name: 'a' } })
    expect(paths()).toEqual([])
    await send('POST', maps, { metadata: { name: 'b', labels: { x: '' } } })
    await send('POST', '/api/v1/namespaces/watched/configmaps', { metadata: { name: 'a' } })
    expect(paths().sort()).toEqual(['/home', '/label'])
    hook.asked.length = 0
    // Also what loses the label is shown.
    await send('PUT', `${maps}/b`, { metadata: { name: 'b' } })
    await send('DELETE', maps)
    expect(paths().sort()).toEqual(['/deletes', '/deletes', '/label'])
    hook.asked.length = 0
    await send('POST', '/api/v1/namespaces', { metadata: { name: 'other' } })
    const { object: other } = await send('GET', '/api/v1/namespaces/other')
    await send('PUT', '/api/v1/namespaces/other/status', other)
    expect(paths()).toEqual(['/cluster', '/status'])
  })

  test('not about what configures them, nor once they are gone', async () => {
    const everything = { rules: [{ operations: ['*'], apiGroups: ['*'], apiVersions: ['*'], resources: ['*/*'] }] }
    await configure('validating', 'a', webhook('one.example.com', everything))
    hook.answer = (review) => reviewed(review, { allowed: false })
    expect((await send('POST', maps, { metadata: { name: 'a' } })).status).toBe(400)
    expect((await send('DELETE', `${configurations}/validatingwebhookconfigurations/a`)).status).toBe(200)
    expect((await send('POST', maps, { metadata: { name: 'a' } })).status).toBe(201)
  })

  test('also when nothing is to happen, and told so', async () => {
    await configure('validating', 'a', webhook('one.example.com', { sideEffects: 'NoneOnDryRun' }))
    hook.answer = (review) => reviewed(review, { allowed: true, warnings: [String(review.request.dryRun)] })
    expect((await send('POST', `${maps}?dryRun=All`, { metadata: { name: 'a' } })).warning).toBe('299 - "true"')
  })

  test('all at once to validate', async () => {
    await configure('validating', 'a', webhook('one.example.com'), webhook('two.example.com'))
    let release: () => void = () => {}
    const both = new Promise<void>((resolve) => {
      release = resolve
    })
    hook.answer = async (review) => {
      if (hook.asked.length === 2) release()
      await both
      return reviewed(review, { allowed: true })
    }
    expect((await send('POST', maps, { metadata: { name: 'a' } })).status).toBe(201)
  })
})

describe('what is no write of an object', () => {
  const pods = '/api/v1/namespaces/default/pods'
  const podRule = (...resources: string[]) => ({ rules: [{ operations: ['*'], apiGroups: [''], apiVersions: ['v1'], resources }] })
  const pod = (name: string) => send('POST', pods, { metadata: { name }, spec: { containers: [{ name: 'c', image: 'i' }] } })

  test.each([
    [
      'exec',
      'exec?stdin=true&tty=1&container=c&command=a&command=b',
      'PodExecOptions',
      { stdin: true, tty: true, container: 'c', command: ['a', 'b'] },
    ],
    ['attach', 'attach?stdout=true', 'PodAttachOptions', { stdout: true }],
    ['portforward', 'portforward?ports=80,81', 'PodPortForwardOptions', { ports: [80, 81] }],
    ['proxy', 'proxy/x/y', 'PodProxyOptions', { path: '/x/y' }],
  ])('is a connection, shown by its options: %s', async (subresource, path, kind, options) => {
    await pod('a')
    await configure('validating', 'a', webhook('one.example.com', podRule('pods/*')))
    hook.answer = (review) => reviewed(review, { allowed: false })
    expect(await send('GET', `${pods}/a/${path}`)).toMatchObject({ status: 400, message: expect.stringContaining('denied the request') })
    expect(hook.asked.map(({ request }) => request)).toMatchObject([
      {
        operation: 'CONNECT',
        subResource: subresource,
        name: 'a',
        kind: { kind },
        object: { kind, apiVersion: 'v1', ...options },
        oldObject: null,
        options: null,
      },
    ])
  })

  test('is a binding, which a webhook may change', async () => {
    await pod('a')
    await configure('mutating', 'a', webhook('one.example.com', podRule('pods/binding')))
    hook.answer = (review) => reviewed(review, patching({ op: 'replace', path: '/target/name', value: 'other' }))
    expect((await send('POST', `${pods}/a/binding`, { metadata: { name: 'a' }, target: { name: 'one' } })).status).toBe(201)
    expect(hook.asked[0]?.request).toMatchObject({
      operation: 'CREATE',
      kind: { kind: 'Binding' },
      object: { kind: 'Binding', target: { name: 'one' } },
    })
    expect((await send('GET', `${pods}/a`)).object?.spec).toMatchObject({ nodeName: 'other' })
  })

  test('is an eviction, which is not shown as a delete', async () => {
    await pod('a')
    await configure('validating', 'a', webhook('one.example.com', podRule('pods', 'pods/eviction')))
    expect((await send('POST', `${pods}/a/eviction`, { metadata: { name: 'a' } })).status).toBe(201)
    expect(hook.asked.map(({ request }) => [request.operation, request.subResource])).toEqual([['CREATE', 'eviction']])
  })
})

describe('a change by a webhook', () => {
  test('is read, filled in and validated as if it had been sent', async () => {
    await configure('mutating', 'a', webhook('one.example.com', { rules: [{ ...mapRule, resources: ['services'] }] }))
    const services = '/api/v1/namespaces/default/services'
    hook.answer = (review) =>
      reviewed(
        review,
        patching(
          { op: 'add', path: '/spec/ports/-', value: { name: 'b', port: 81, unknown: true } },
          { op: 'replace', path: '/metadata/name', value: 'other' },
        ),
      )
    const { object, message } = await send('POST', services, { metadata: { name: 'a' }, spec: { ports: [{ name: 'a', port: 80 }] } })
    expect(message).toBeUndefined()
    expect(object?.metadata.name).toBe('a')
    expect(object?.spec).toMatchObject({
      ports: [
        { name: 'a', port: 80, protocol: 'TCP', targetPort: 80 },
        { name: 'b', port: 81, protocol: 'TCP', targetPort: 81 },
      ],
    })
    hook.answer = (review) => reviewed(review, patching({ op: 'replace', path: '/spec/ports/0/port', value: -1 }))
    expect(await send('POST', services, { metadata: { name: 'b' }, spec: { ports: [{ port: 80 }] } })).toMatchObject({
      status: 422,
      message: expect.stringContaining('spec.ports[0].port'),
    })
  })

  test('that does not fit is an error', async () => {
    await configure('mutating', 'a', webhook('one.example.com', { failurePolicy: 'Ignore' }))
    hook.answer = (review) => reviewed(review, patching({ op: 'remove', path: '/nothing' }))
    expect(await send('POST', maps, { metadata: { name: 'a' } })).toMatchObject({
      status: 500,
      message: expect.stringMatching(/^Internal error occurred: /),
    })
    hook.answer = (review) => reviewed(review, { allowed: true, patch: 'W10=' })
    expect((await send('POST', maps, { metadata: { name: 'a' } })).status).toBe(201)
    hook.answer = (review) => reviewed(review, patching({ op: 'add', path: '/x', value: 1 }))
    expect((await send('DELETE', `${maps}/a`)).message).toBe(
      'Internal error occurred: admission webhook "one.example.com" attempted to modify the object, which is not supported for this operation',
    )
  })

  test('of a scale changes what is scaled', async () => {
    const deployments = '/apis/apps/v1/namespaces/default/deployments'
    const labels = { app: 'a' }
    const template = { metadata: { labels }, spec: { containers: [{ name: 'c', image: 'i' }] } }
    await send('POST', deployments, { metadata: { name: 'a' }, spec: { selector: { matchLabels: labels }, template } })
    const rule = { operations: ['UPDATE'], apiGroups: ['apps'], apiVersions: ['v1'], resources: ['deployments/scale'] }
    await configure('mutating', 'a', webhook('one.example.com', { rules: [rule] }))
    hook.answer = (review) => reviewed(review, patching({ op: 'replace', path: '/spec/replicas', value: 5 }))
    const scaled = await send('PUT', `${deployments}/a/scale`, { metadata: { name: 'a' }, spec: { replicas: 3 } })
    expect(scaled.object?.spec).toEqual({ replicas: 5 })
    expect(hook.asked[0]?.request).toMatchObject({
      kind: { group: 'autoscaling', version: 'v1', kind: 'Scale' },
      resource: { group: 'apps', version: 'v1', resource: 'deployments' },
      subResource: 'scale',
      object: { kind: 'Scale', spec: { replicas: 3 } },
      oldObject: { kind: 'Scale', spec: { replicas: 1 } },
    })
    expect((await send('GET', `${deployments}/a`)).object).toMatchObject({ spec: { replicas: 5 } })
  })
})

describe('match conditions', () => {
  const condition = (expression: string) => ({ matchConditions: [{ name: 'c', expression }] })

  test.each(['mutating', 'validating'] as const)('keep %s webhooks from being asked', async (type) => {
    await configure(
      type,
      'a',
      webhook('yes.example.com', condition('request.name == "a" && authorizer.group("").resource("pods").check("list").allowed()')),
      webhook('no.example.com', condition('object.metadata.name != "a"')),
      webhook('ignored.example.com', { ...condition('object.nope == 1'), failurePolicy: 'Ignore' }),
    )
    expect((await send('POST', maps, { metadata: { name: 'a' } })).status).toBe(201)
    expect(paths()).toEqual(['/yes'])
  })

  test('that cannot be told refuse the request', async () => {
    await configure('validating', 'a', webhook('one.example.com', condition('object.nope == 1')))
    expect(await send('POST', maps, { metadata: { name: 'a' } })).toMatchObject({
      status: 403,
      message: `configmaps "a" is forbidden: expression 'object.nope == 1' resulted in error: no such key: nope`,
    })
    expect(paths()).toEqual([])
  })

  test('that cannot be read are refused with their webhook', async () => {
    const { status, message } = await send('POST', `${configurations}/validatingwebhookconfigurations`, {
      metadata: { name: 'a' },
      webhooks: [webhook('one.example.com', condition('object.'))],
    })
    expect([status, message]).toEqual([
      422,
      expect.stringContaining(
        'webhooks[0].matchConditions[0].expression: Invalid value: "object.": compilation failed: ERROR: <input>:1:8: Syntax error',
      ),
    ])
  })
})
