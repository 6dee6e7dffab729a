import { beforeEach, describe, expect, test } from 'vitest'
import { builtinCatalog } from '../../api/catalog.ts'
import { VirtualClock } from '../../base/clock.ts'
import { silentLog } from '../../base/log.ts'
import { seededRandom } from '../../base/random.ts'
import { createMemoryStore } from '../../store/memory.ts'
import { createAuthenticator } from '../authentication.ts'
import { type ApiServer, createServer } from '../server.ts'
import { admissionChain } from './admission.ts'
import { standardAdmission } from './standard-admission.ts'

const catalog = builtinCatalog()
let clock: VirtualClock
let server: ApiServer

beforeEach(async () => {
  clock = new VirtualClock()
  server = await createServer(
    {
      store: createMemoryStore(),
      catalog,
      authenticate: createAuthenticator({ staticTokens: new Map(), verifyToken: async () => undefined }),
      serverAddress: 'x:1',
      admission: standardAdmission,
      clock,
      random: seededRandom(3),
      log: silentLog,
    },
    new AbortController().signal,
  )
})

// Replies are read by many tests, each by its own shape.
// biome-ignore lint/suspicious/noExplicitAny: see above
type Loose = any

async function send(method: string, path: string, body?: object): Promise<{ status: number; object: Loose }> {
  const reply = await server.handle({
    method,
    path,
    query: '',
    headers: { 'content-type': 'application/json' },
    ...(body && { body }),
    caller: { type: 'in-process', user: { name: 'test', groups: ['system:masters'] } },
    signal: new AbortController().signal,
  })
  return { status: reply.status, object: reply.body.type === 'object' ? reply.body.object : {} }
}

const pods = '/api/v1/namespaces/default/pods'
const accounts = '/api/v1/namespaces/default/serviceaccounts'
const classes = '/apis/scheduling.k8s.io/v1/priorityclasses'
const podOf = (spec: object = {}, metadata: object = {}) => ({
  metadata: { name: 'a', ...metadata },
  spec: { containers: [{ name: 'c', image: 'i:1' }], ...spec },
})
const account = (name: string, more: object = {}) => send('POST', accounts, { metadata: { name }, ...more })

describe('a service account', () => {
  test('is the default one, and its token is mounted', async () => {
    await account('default', { imagePullSecrets: [{ name: 'pull' }] })
    const { object } = await send('POST', pods, podOf({ initContainers: [{ name: 'i', image: 'i:1' }] }))
    expect(object.spec).toMatchObject({ serviceAccountName: 'default', serviceAccount: 'default', imagePullSecrets: [{ name: 'pull' }] })
    const [volume] = object.spec.volumes
    expect(volume.name).toMatch(/^kube-api-access-[a-z0-9]{5}$/)
    expect(volume.projected).toEqual({
      defaultMode: 420,
      sources: [
        { serviceAccountToken: { expirationSeconds: 3607, path: 'token' } },
        { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
        { downwardAPI: { items: [{ path: 'namespace', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' } }] } },
      ],
    })
    const mount = { name: volume.name, readOnly: true, mountPath: '/var/run/secrets/kubernetes.io/serviceaccount' }
    expect(object.spec.containers[0].volumeMounts).toEqual([mount])
    expect(object.spec.initContainers[0].volumeMounts).toEqual([mount])
  })

  test('gives no token where one of them says so, the pod first', async () => {
    await account('default', { automountServiceAccountToken: false })
    expect((await send('POST', pods, podOf())).object.spec).not.toHaveProperty('volumes')
    await send('DELETE', `${pods}/a`)
    expect((await send('POST', pods, podOf({ automountServiceAccountToken: true }))).object.spec.volumes).toHaveLength(1)
  })

  test('leaves a mount of the pod’s own in its place', async () => {
    await account('default')
    const volumeMounts = [{ name: 'own', mountPath: '/var/run/secrets/kubernetes.io/serviceaccount' }]
    const { object } = await send(
      'POST',
      pods,
      podOf({ containers: [{ name: 'c', image: 'i:1', volumeMounts }], volumes: [{ name: 'own', emptyDir: {} }] }),
    )
    expect(object.spec.volumes.map(({ name }: Loose) => name)).toEqual(['own'])
  })

  test('that is not there is refused', async () => {
    expect((await send('POST', pods, podOf({ serviceAccountName: 'none' }))).object).toMatchObject({
      code: 403,
      message: 'pods "a" is forbidden: error looking up service account default/none: serviceaccount "none" not found',
    })
  })

  test('that a controller is about to make is waited for, for a while', async () => {
    const waiting = send('POST', pods, podOf())
    await clock.advance(1000)
    await account('default')
    expect((await waiting).status).toBe(201)
    await send('DELETE', `${accounts}/default`)
    const inVain = send('POST', pods, podOf({}, { name: 'b' }))
    await clock.advance(2000)
    expect((await inVain).status).toBe(403)
  })

  test('means nothing to a mirror pod', async () => {
    const metadata = { annotations: { 'kubernetes.io/config.mirror': 'x' } }
    expect((await send('POST', pods, podOf({}, metadata))).object.spec).not.toHaveProperty('serviceAccountName')
    expect((await send('POST', pods, podOf({ serviceAccountName: 'x' }, { ...metadata, name: 'b' }))).object.message).toContain(
      'a mirror pod may not reference service accounts',
    )
    const secret = { volumes: [{ name: 's', secret: { secretName: 's' } }] }
    expect((await send('POST', pods, podOf(secret, { ...metadata, name: 'b' }))).object.message).toContain(
      'a mirror pod may not reference secrets',
    )
  })
})

describe('tolerations', () => {
  test('for a node that fails are added unless the pod speaks of it', async () => {
    await account('default')
    const own = { key: 'node.kubernetes.io/not-ready', operator: 'Exists', effect: 'NoExecute' }
    const { object } = await send('POST', pods, podOf({ tolerations: [own] }))
    expect(object.spec.tolerations).toEqual([
      own,
      { key: 'node.kubernetes.io/unreachable', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 300 },
    ])
    await send('DELETE', `${pods}/a`)
    expect((await send('POST', pods, podOf({ tolerations: [{ operator: 'Exists' }] }))).object.spec.tolerations).toHaveLength(1)
  })
})

describe('priority', () => {
  beforeEach(() => account('default'))
  const priorityOf = async (spec: object) => {
    const { object } = await send('POST', pods, podOf(spec))
    await send('DELETE', `${pods}/a`)
    return object.code ? object.message : [object.spec.priorityClassName, object.spec.priority, object.spec.preemptionPolicy]
  }

  test('comes from the class, else from the default class, else is none', async () => {
    expect(await priorityOf({})).toEqual([undefined, 0, 'PreemptLowerPriority'])
    expect(await priorityOf({ priorityClassName: 'system-node-critical' })).toEqual([
      'system-node-critical',
      2_000_001_000,
      'PreemptLowerPriority',
    ])
    await send('POST', classes, { metadata: { name: 'usual' }, value: 10, globalDefault: true, preemptionPolicy: 'Never' })
    expect(await priorityOf({})).toEqual(['usual', 10, 'Never'])
  })

  test('is not the pod’s to choose', async () => {
    expect(await priorityOf({ priorityClassName: 'none' })).toBe('pods "a" is forbidden: no PriorityClass with name none was found')
    expect(await priorityOf({ priority: 5 })).toContain('the integer value of priority (5) must not be provided in pod spec')
    expect(await priorityOf({ preemptionPolicy: 'Never' })).toContain('the string value of PreemptionPolicy (Never) must not be provided')
  })

  test('has one default class', async () => {
    await send('POST', classes, { metadata: { name: 'usual' }, value: 10, globalDefault: true })
    expect((await send('POST', classes, { metadata: { name: 'other' }, value: 11, globalDefault: true })).object.message).toBe(
      'priorityclasses.scheduling.k8s.io "other" is forbidden: PriorityClass usual is already marked as default. Only one default can exist',
    )
    const { object } = await send('GET', `${classes}/usual`)
    expect((await send('PUT', `${classes}/usual`, object)).status).toBe(200)
  })
})

test('a certificate request says who makes it, whatever its maker says', async () => {
  const pem = `-----BEGIN CERTIFICATE REQUEST-----\n${Buffer.from([0x30, 2, 5, 0]).toString('base64')}\n-----END CERTIFICATE REQUEST-----\n`
  const spec = {
    request: Buffer.from(pem).toString('base64'),
    signerName: 'example.com/mine',
    usages: ['client auth'],
    username: 'system:admin',
    groups: ['system:nodes'],
    extra: { a: ['b'] },
  }
  const { status, object } = await send('POST', '/apis/certificates.k8s.io/v1/certificatesigningrequests', {
    metadata: { name: 'a' },
    spec,
  })
  expect(status).toBe(201)
  expect(object.spec).toMatchObject({ username: 'test', groups: ['system:masters'] })
  expect(object.spec).not.toHaveProperty('extra')
  const approval = { ...object, status: { conditions: [{ type: 'Approved', status: 'True', reason: 'r' }] } }
  const approved = await send('PUT', '/apis/certificates.k8s.io/v1/certificatesigningrequests/a/approval', approval)
  expect(approved.object.status.conditions).toMatchObject([{ type: 'Approved' }])
})

test.each(['default', 'kube-system', 'kube-public'])('the namespace %s stays', async (name) => {
  expect((await send('DELETE', `/api/v1/namespaces/${name}`)).object).toMatchObject({
    code: 403,
    message: `namespaces "${name}" is forbidden: this namespace may not be deleted`,
  })
})

test('plug-ins run in order, whether they wait or not', async () => {
  const ran: string[] = []
  const request = {} as Parameters<ReturnType<typeof admissionChain>['mutate']>[0]
  const chain = admissionChain([
    { name: 'a', mutate: () => void ran.push('a') },
    { name: 'b', mutate: async () => void ran.push('b') },
    { name: 'c', mutate: () => void ran.push('c'), validate: () => void ran.push('validated') },
  ])
  await chain.mutate(request)
  expect(chain.validate(request)).toBeUndefined()
  expect(ran).toEqual(['a', 'b', 'c', 'validated'])
})

test('a new node takes no pods before it is known to be ready', async () => {
  const taint = { key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' }
  const own = { key: 'a', value: 'b', effect: 'NoExecute' }
  const create = async (name: string, spec?: object) =>
    (await send('POST', '/api/v1/nodes', { metadata: { name }, ...(spec && { spec }) })).object.spec.taints
  expect(await create('bare')).toEqual([taint])
  expect(await create('tainted', { taints: [own] })).toEqual([own, taint])
  expect(await create('known', { taints: [taint] })).toEqual([taint])
  const { object } = await send('GET', '/api/v1/nodes/bare')
  const { object: updated } = await send('PUT', '/api/v1/nodes/bare', { ...object, spec: {} })
  expect(updated.spec.taints).toBeUndefined()
})
