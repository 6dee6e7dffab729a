import { beforeEach, describe, expect, test } from 'vitest'
import { builtinCatalog } from '../../api/catalog.ts'
import { VirtualClock } from '../../base/clock.ts'
import { silentLog } from '../../base/log.ts'
import { seededRandom } from '../../base/random.ts'
import { createMemoryStore } from '../../store/memory.ts'
import { createAuthenticator } from '../authentication.ts'
import { type ApiServer, createServer } from '../server.ts'

const catalog = builtinCatalog()
let server: ApiServer
let store = createMemoryStore()

const start = (port = 6443, serviceRange = '10.7.0.0/24') =>
  createServer(
    {
      store,
      catalog,
      authenticate: createAuthenticator({ staticTokens: new Map(), verifyToken: async () => undefined }),
      serverAddress: 'x:1',
      serviceRange,
      nodePorts: { first: 30_000, last: 30_099 },
      advertised: { address: '10.8.0.1', port },
      clock: new VirtualClock(),
      random: seededRandom(7),
      log: silentLog,
    },
    new AbortController().signal,
  )

beforeEach(async () => {
  store = createMemoryStore()
  server = await start()
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

const services = '/api/v1/namespaces/default/services'
const port = { port: 80, protocol: 'TCP', targetPort: 80 }
const create = (name: string, spec: object, query = '') =>
  send('POST', `${services}${query}`, { metadata: { name }, spec: { type: 'ClusterIP', selector: { a: 'b' }, ports: [port], ...spec } })
const replace = async (name: string, change: (spec: Loose) => object) => {
  const { object } = await send('GET', `${services}/${name}`)
  return send('PUT', `${services}/${name}`, { ...object, spec: change(object.spec) })
}

describe('cluster addresses', () => {
  test('are given from the range, one for each, and both fields say it', async () => {
    const made = await Promise.all(Array.from({ length: 100 }, (_, index) => create(`s${index}`, {})))
    const addresses = made.map(({ object }) => object.spec.clusterIP as string)
    expect(new Set(addresses).size).toBe(100)
    expect(addresses.every((address) => /^10\.7\.0\.\d+$/.test(address))).toBe(true)
    expect(made[0]?.object.spec).toMatchObject({ clusterIPs: [addresses[0]], ipFamilies: ['IPv4'], ipFamilyPolicy: 'SingleStack' })
  })

  test('chosen by users are checked', async () => {
    expect((await create('a', { clusterIP: '10.7.0.9' })).object.spec).toMatchObject({ clusterIP: '10.7.0.9', clusterIPs: ['10.7.0.9'] })
    expect((await create('b', { clusterIP: '10.7.0.9' })).object).toMatchObject({
      code: 422,
      message:
        'Service "b" is invalid: spec.clusterIPs: Invalid value: ["10.7.0.9"]: failed to allocate IP 10.7.0.9: provided IP is already allocated',
    })
    expect((await create('b', { clusterIP: '10.9.0.9' })).object.message).toContain(
      'the provided IP (10.9.0.9) is not in the valid range. The range of valid IPs is 10.7.0.0/24',
    )
  })

  test('of two that want the same at once, one gets it', async () => {
    const replies = await Promise.all(['a', 'b'].map((name) => create(name, { clusterIP: '10.7.0.9' })))
    expect(replies.map(({ status }) => status).sort()).toEqual([201, 422])
  })

  test('come back when a service goes, and are not lost to dry runs and failures', async () => {
    // The range has 254 addresses; the service of the API server has one.
    for (let round = 0; round < 3; round++) {
      const made = await Promise.all(Array.from({ length: 253 }, (_, index) => create(`s${index}`, {})))
      expect(new Set(made.map(({ status }) => status))).toEqual(new Set([201]))
      expect((await create('more', {})).object).toMatchObject({ code: 500, message: expect.stringContaining('range is full') })
      await Promise.all(Array.from({ length: 253 }, (_, index) => send('DELETE', `${services}/s${index}`)))
      expect((await create('a', { clusterIP: '10.7.0.9' }, '?dryRun=All')).object.spec.clusterIP).toBe('10.7.0.9')
      expect((await create('BAD', { clusterIP: '10.7.0.9' })).status).toBe(422)
      expect((await create('a', { clusterIP: '10.7.0.9' })).status).toBe(201)
      await send('DELETE', `${services}/a`)
    }
  })

  test('stay over updates and are known again after a restart', async () => {
    const { object } = await create('a', {})
    const address = object.spec.clusterIP
    expect(
      (await replace('a', ({ clusterIP: _, clusterIPs: __, ...spec }) => ({ ...spec, ports: [{ ...port, port: 81 }] }))).object.spec,
    ).toMatchObject({
      clusterIP: address,
      clusterIPs: [address],
    })
    server = await start()
    expect((await create('b', { clusterIP: address })).status).toBe(422)
  })

  test('of very many services are all known from the beginning', async () => {
    store = createMemoryStore()
    server = await start(6443, '10.7.0.0/20')
    await Promise.all(Array.from({ length: 1200 }, (_, index) => create(`s${index}`, {})))
    await create('zzz', { clusterIP: '10.7.9.9' })
    server = await start(6443, '10.7.0.0/20')
    expect((await create('b', { clusterIP: '10.7.9.9' })).status).toBe(422)
  })

  test('are not given to headless services and names', async () => {
    expect((await create('a', { clusterIP: 'None' })).object.spec).toMatchObject({
      clusterIP: 'None',
      clusterIPs: ['None'],
      ipFamilyPolicy: 'SingleStack',
    })
    expect((await create('b', { clusterIP: 'None', selector: undefined })).object.spec).toMatchObject({
      ipFamilyPolicy: 'RequireDualStack',
      ipFamilies: ['IPv4', 'IPv6'],
    })
    const named = (await create('c', { type: 'ExternalName', externalName: 'example.com', selector: undefined, ports: undefined })).object
      .spec
    expect(named).not.toHaveProperty('clusterIP')
    expect(named).not.toHaveProperty('ipFamilies')
  })

  test('go when the type becomes a name, and come again', async () => {
    const { object } = await create('a', {})
    const named = await replace('a', (spec) => ({ ...spec, type: 'ExternalName', externalName: 'example.com' }))
    expect(named.object.spec).not.toHaveProperty('clusterIP')
    expect((await create('b', { clusterIP: object.spec.clusterIP })).status).toBe(201)
    const back = await replace('a', ({ externalName: _, ...spec }) => ({ ...spec, type: 'ClusterIP' }))
    expect(back.object.spec.clusterIP).toMatch(/^10\.7\.0\./)
  })
})

describe('node ports', () => {
  test('are given, kept and taken back with the type', async () => {
    const { object } = await create('a', {
      type: 'NodePort',
      ports: [
        { ...port, name: 'x' },
        { ...port, name: 'y', port: 81 },
      ],
    })
    const given = object.spec.ports.map(({ nodePort }: Loose) => nodePort)
    expect(new Set(given).size).toBe(2)
    expect(given.every((number: number) => number >= 30_000 && number <= 30_099)).toBe(true)
    const kept = await replace('a', (spec) => ({ ...spec, ports: spec.ports.map(({ nodePort: _, ...rest }: Loose) => rest) }))
    expect(kept.object.spec.ports.map(({ nodePort }: Loose) => nodePort)).toEqual(given)
    const without = await replace('a', (spec) => ({ ...spec, type: 'ClusterIP' }))
    expect(without.object.spec.ports.some((each: object) => 'nodePort' in each)).toBe(false)
    expect((await create('b', { type: 'NodePort', ports: [{ ...port, nodePort: given[0] }] })).status).toBe(201)
  })

  test('are shared by the protocols of one port', async () => {
    const { object } = await create('a', {
      type: 'NodePort',
      ports: [
        { ...port, name: 'x', port: 53 },
        { ...port, name: 'y', port: 53, protocol: 'UDP' },
      ],
    })
    const [first, second] = object.spec.ports
    expect(first.nodePort).toBe(second.nodePort)
  })

  test('chosen by users are checked', async () => {
    expect((await create('a', { type: 'NodePort', ports: [{ ...port, nodePort: 30_007 }] })).status).toBe(201)
    expect((await create('b', { type: 'NodePort', ports: [{ ...port, nodePort: 30_007 }] })).object.message).toContain(
      'spec.ports[0].nodePort: Invalid value: 30007: provided port is already allocated',
    )
    expect((await create('b', { type: 'NodePort', ports: [{ ...port, nodePort: 80 }] })).object.message).toContain(
      'spec.ports[0].nodePort: Invalid value: 80: provided port is not in the valid range. The range of valid ports is 30000-30099',
    )
  })
})

test('the service of the API server follows where the server is', async () => {
  expect((await send('GET', `${services}/kubernetes`)).object.spec).toMatchObject({
    clusterIP: '10.7.0.1',
    ports: [{ port: 443, targetPort: 6443 }],
  })
  server = await start(7443)
  expect((await send('GET', `${services}/kubernetes`)).object.spec).toMatchObject({
    clusterIP: '10.7.0.1',
    ports: [{ port: 443, targetPort: 7443 }],
  })
  expect((await send('GET', '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices/kubernetes')).object).toMatchObject({
    endpoints: [{ addresses: ['10.8.0.1'] }],
    ports: [{ port: 7443 }],
  })
  expect((await send('GET', '/api/v1/namespaces/default/endpoints/kubernetes')).object.subsets).toEqual([
    { addresses: [{ ip: '10.8.0.1' }], ports: [{ name: 'https', port: 7443, protocol: 'TCP' }] },
  ])
})
