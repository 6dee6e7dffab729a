import { beforeEach, describe, expect, test } from 'vitest'
import { builtinCatalog } from '../../api/catalog.ts'
import type { ApiReply } from '../../api/exchange.ts'
import type { KubeList, KubeObject } from '../../api/object.ts'
import type { FlowSchema } from '../../api/types/flowcontrol-v1.ts'
import { VirtualClock } from '../../base/clock.ts'
import { silentLog } from '../../base/log.ts'
import { seededRandom } from '../../base/random.ts'
import { createMemoryStore } from '../../store/memory.ts'
import type { Store } from '../../store/store.ts'
import { createAuthenticator } from '../authentication.ts'
import { type ApiServer, createServer } from '../server.ts'
import { stepFor } from './flow-objects.ts'

const catalog = builtinCatalog()
const user = (name: string, ...groups: string[]) => ({ name, groups })
const users = new Map([
  ['admin', user('admin', 'system:masters')],
  ['noisy', user('noisy')],
  ['quiet', user('quiet')],
  ['node', user('system:node:a', 'system:nodes')],
])
let memory: Store
let server: ApiServer
let clock: VirtualClock
/** While set, writes wait for it. */
let held: Promise<void> | undefined

async function start(seats = 20): Promise<ApiServer> {
  const store: Store = {
    ...memory,
    async write(write) {
      await held
      return memory.write(write)
    },
  }
  const authenticate = createAuthenticator({ staticTokens: users, verifyToken: async () => undefined })
  const parts = { clock, random: seededRandom(1), log: silentLog }
  return createServer(
    { store, catalog, authenticate, serverAddress: 'x:1', flowControlSeats: seats, ...parts },
    new AbortController().signal,
  )
}

beforeEach(async () => {
  held = undefined
  memory = createMemoryStore()
  clock = new VirtualClock()
  server = await start()
})

async function send(who: string, method: string, path: string, body?: object): Promise<ApiReply> {
  return server.handle({
    method,
    path,
    query: '',
    headers: { authorization: `Bearer ${who}`, 'content-type': 'application/json' },
    ...(body && { body: Buffer.from(JSON.stringify(body)) }),
    caller: { type: 'socket', address: '' },
    signal: new AbortController().signal,
  })
}

const textOf = ({ body }: ApiReply) => (body.type === 'bytes' ? Buffer.concat(body.chunks).toString() : '')
const group = '/apis/flowcontrol.apiserver.k8s.io/v1'
const schema = async (name: string) => JSON.parse(textOf(await send('admin', 'GET', `${group}/flowschemas/${name}`))) as FlowSchema
const turn = () => new Promise<void>((resolve) => setImmediate(resolve))
const configMap = (name: string) => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name } })
const lease = (name: string) => ({ apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { name }, spec: {} })

describe('a noisy client', () => {
  test('waits, and is sent away in the end, while nodes write their leases', async () => {
    let release = () => {}
    held = new Promise<void>((resolve) => {
      release = resolve
    })
    const noise = Array.from({ length: 600 }, (_, index) =>
      send('noisy', 'POST', '/api/v1/namespaces/default/configmaps', configMap(`m-${index}`)),
    )
    const refused = Promise.race(noise)
    const early = await refused
    expect([early.status, early.headers['retry-after'], textOf(early)]).toEqual([429, '1', 'Too many requests, please try again later.\n'])
    const order: string[] = []
    const leases = Array.from({ length: 4 }, async (_, index) => {
      const reply = await send('node', 'POST', '/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases', lease(`n-${index}`))
      order.push('lease')
      return reply.status
    })
    const quiet = send('quiet', 'POST', '/api/v1/namespaces/default/configmaps', configMap('quiet')).then(({ status }) => {
      order.push('quiet')
      return status
    })
    for (const one of noise) void one.then(({ status }) => status === 201 && order.push('noise'))
    await turn()
    release()
    held = undefined
    expect(await Promise.all(leases)).toEqual([201, 201, 201, 201])
    // Among others of its level it does not wait for all of the noise either.
    expect(await quiet).toBe(201)
    const statuses = (await Promise.all(noise)).map(({ status }) => status)
    const done = statuses.filter((status) => status === 201).length
    expect(done + statuses.filter((status) => status === 429).length).toBe(600)
    // Six queues of fifty, and those at work.
    expect(done).toBeGreaterThan(300)
    expect(done).toBeLessThan(330)
    expect(order.lastIndexOf('lease')).toBeLessThan(30)
    expect(order.indexOf('quiet')).toBeLessThan(60)
  })
})

test('replies tell of their schema and level', async () => {
  const { headers } = await send('quiet', 'GET', '/api/v1/namespaces')
  const { uid } = (await schema('global-default')).metadata
  expect(headers['x-kubernetes-pf-flowschema-uid']).toBe(uid)
  expect(headers['x-kubernetes-pf-prioritylevel-uid']).toMatch(/^[0-9a-f-]{36}$/)
})

describe('the objects', () => {
  test('are upstream’s, and each schema knows that its level is there', async () => {
    const names = async (plural: string) =>
      (JSON.parse(textOf(await send('admin', 'GET', `${group}/${plural}`))) as KubeList).items.map(
        ({ metadata }: KubeObject) => metadata.name,
      )
    expect(await names('prioritylevelconfigurations')).toEqual([
      'catch-all',
      'exempt',
      'global-default',
      'leader-election',
      'node-high',
      'system',
      'workload-high',
      'workload-low',
    ])
    expect(await names('flowschemas')).toHaveLength(13)
    await turn()
    await turn()
    const { metadata, status } = await schema('probes')
    expect(metadata.annotations).toEqual({ 'apf.kubernetes.io/autoupdate-spec': 'true' })
    expect(status?.conditions).toMatchObject([
      {
        type: 'Dangling',
        status: 'False',
        reason: 'Found',
        message: 'This FlowSchema references the PriorityLevelConfiguration object named "exempt" and it exists',
      },
    ])
  })

  test('stay as they are at the next start', async () => {
    await turn()
    await turn()
    const before = memory.revision()
    server = await start()
    await turn()
    await turn()
    expect(memory.revision()).toBe(before)
  })

  test('come back when they are deleted, and say when a level is missing', async () => {
    const spec = { matchingPrecedence: 50, priorityLevelConfiguration: { name: 'mine' }, rules: [] }
    await send('admin', 'POST', `${group}/flowschemas`, {
      apiVersion: 'flowcontrol.apiserver.k8s.io/v1',
      kind: 'FlowSchema',
      metadata: { name: 'mine' },
      spec,
    })
    const { uid } = (await schema('global-default')).metadata
    await send('admin', 'DELETE', `${group}/flowschemas/global-default`)
    for (let turns = 0; turns < 20; turns++) await turn()
    const again = (await schema('global-default')).metadata.uid
    expect(again).toMatch(/^[0-9a-f-]{36}$/)
    expect(again).not.toBe(uid)
    expect((await schema('mine')).status?.conditions).toMatchObject([{ type: 'Dangling', status: 'True', reason: 'NotFound' }])
  })

  test('a change of a level counts from the next request on', async () => {
    await send('admin', 'PATCH', `${group}/prioritylevelconfigurations/global-default`, {})
    const level = JSON.parse(textOf(await send('admin', 'GET', `${group}/prioritylevelconfigurations/global-default`)))
    const limited = { nominalConcurrencyShares: 0, lendablePercent: 0, borrowingLimitPercent: 0, limitResponse: { type: 'Reject' } }
    const { annotations } = level.metadata
    const put = await send('admin', 'PUT', `${group}/prioritylevelconfigurations/global-default`, {
      ...level,
      metadata: { ...level.metadata, annotations: { ...annotations, 'apf.kubernetes.io/autoupdate-spec': 'false' } },
      spec: { type: 'Limited', limited },
    })
    expect(put.status).toBe(200)
    let release = () => {}
    held = new Promise<void>((resolve) => {
      release = resolve
    })
    const first = send('quiet', 'POST', '/api/v1/namespaces/default/configmaps', configMap('a'))
    await turn()
    expect((await send('quiet', 'GET', '/api/v1/namespaces')).status).toBe(429)
    expect((await send('admin', 'GET', '/api/v1/namespaces')).status).toBe(200)
    release()
    expect((await first).status).toBe(201)
    expect((await send('quiet', 'GET', '/api/v1/namespaces')).status).toBe(200)
  })
})

const found = (annotation: string | undefined, generation: number, spec: object) => ({
  metadata: {
    name: 'x',
    generation,
    ...(annotation !== undefined && { annotations: { 'apf.kubernetes.io/autoupdate-spec': annotation } }),
  },
  spec,
})
test.each([
  ['is missing', true, undefined, 'create'],
  ['must be as it is', true, found('true', 1, { a: 1 }), 'keep'],
  ['must be as it is, whatever its owner says', true, found('false', 3, { a: 2 }), 'update'],
  ['is missing', false, undefined, 'create'],
  ['is left to the server', false, found('true', 3, { a: 2 }), 'update'],
  ['is its owner’s', false, found('false', 3, { a: 2 }), 'keep'],
  ['was made by an older server', false, found(undefined, 1, { a: 2 }), 'update'],
  ['was changed by hand', false, found(undefined, 2, { a: 2 }), 'keep'],
])('an object that %s (mandatory: %s)', (_, isMandatory, object, step) => {
  expect(stepFor('x', { a: 1 }, isMandatory, object)).toBe(step)
})
