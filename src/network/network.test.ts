import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { builtinCatalog } from '../api/catalog.ts'
import { endpointSlices, services } from '../api/resources.ts'
import type { Service, ServiceSpec } from '../api/types/core-v1.ts'
import type { Endpoint } from '../api/types/discovery-v1.ts'
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
import { cleanUpHost, prepareHost } from './host-address.ts'
import { createPodNetwork, type PodNetworkHandle } from './pod-network.ts'
import { createServiceProxy } from './proxy/service-proxy.ts'
import type { RunProgram } from './run-program.ts'
import { type Peer, testNamespaces } from './test-namespaces.ts'

vi.setConfig({ testTimeout: 30_000, hookTimeout: 30_000 })
const soon = { interval: 5, timeout: 10_000 }
const isRoot = process.getuid?.() === 0
const namespaces = testNamespaces()
const stop = new AbortController()
const where = {
  clusterName: 'probe',
  clusterIndex: 9,
  podRange: '10.73.0.0/16',
  serviceRange: '10.96.0.0/16',
  nodeAddress: '10.73.255.1',
  dnsAddress: '10.96.0.10',
}
const hostAddress = '192.0.2.1'
const outsideAddress = '192.0.2.2'

let caches: Caches
let run: RunProgram
let podNetwork: PodNetworkHandle
let following: Promise<void>
let folder: string
let host: Peer
let outside: Peer
const pods: { name: string; peer: Peer; address: string; namespace: string }[] = []
let nextAddress = 20

/** A "machine" (a namespace of its own), somebody outside of it, and three pods, with real rules and real connections. */
beforeAll(async () => {
  if (!isRoot) return
  folder = await mkdtemp(join(tmpdir(), 'sampan-network-'))
  const machine = namespaces.make('host')
  const beyond = namespaces.make('outside')
  namespaces.ip('-n', machine, 'link', 'add', 'up0', 'type', 'veth', 'peer', 'name', 'eth0', 'netns', beyond)
  namespaces.ip('-n', machine, 'addr', 'add', `${hostAddress}/24`, 'dev', 'up0')
  namespaces.ip('-n', beyond, 'addr', 'add', `${outsideAddress}/24`, 'dev', 'eth0')
  namespaces.ip('-n', machine, 'link', 'set', 'up0', 'up')
  namespaces.ip('-n', beyond, 'link', 'set', 'eth0', 'up')
  run = namespaces.runIn(machine)
  const parts = { clock: systemClock, random: seededRandom(1), log: silentLog }
  const { handle } = await createServer(
    {
      store: createMemoryStore(),
      catalog: builtinCatalog(),
      authenticate: createAuthenticator({ staticTokens: new Map(), verifyToken: async () => undefined }),
      serverAddress: '',
      ...parts,
    },
    stop.signal,
  )
  const transport = inProcessTransport({ handle, user: { name: 'admin', groups: ['system:masters'] } })
  caches = createCaches({ client: createClient({ transport }), ...parts })
  await prepareHost({ ...where, run })
  const proxy = createServiceProxy({
    ...where,
    ...parts,
    caches,
    run,
    nodeName: 'n',
    nodeAddresses: [where.nodeAddress, hostAddress],
    ownAddresses: [where.nodeAddress, where.dnsAddress, hostAddress],
  })
  podNetwork = await createPodNetwork({
    ...where,
    log: silentLog,
    stateDir: folder,
    hostNamespace: namespaces.pathOf(machine),
    onHostPorts: proxy.setHostPorts,
  })
  caches.start(stop.signal)
  await caches.synced()
  following = proxy.follow(stop.signal)
  const made = ['a', 'b', 'c'].map(async (name) => {
    const namespace = namespaces.make(name)
    const portMappings = name === 'c' ? [{ protocol: 'TCP' as const, containerPort: 8080, hostPort: 7070 }] : []
    const { addresses } = await podNetwork.attach({ id: name, netnsPath: namespaces.pathOf(namespace), portMappings })
    return { name, namespace, address: addresses[0] ?? '', peer: await namespaces.peer(namespace, name) }
  })
  pods.push(...(await Promise.all(made)))
  host = await namespaces.peer(machine, 'host')
  outside = await namespaces.peer(beyond, 'outside')
  await proxy.ready()
})

afterAll(async () => {
  if (!isRoot) return
  stop.abort()
  await following
  await namespaces.close()
  await rm(folder, { recursive: true })
})

const pod = (name: string) => pods.find((each) => each.name === name)!

/** A Service with endpoints in these pods; resolves once the kernel has its rules. */
async function serve(spec: Partial<ServiceSpec>, endpoints: Endpoint[], ports = ['TCP', 'UDP']) {
  const index = nextAddress++
  const [name, clusterIP] = [`s${index}`, `10.96.1.${index}`]
  const { client } = caches
  const named = ports.map((protocol) => ({ name: protocol.toLowerCase(), protocol, port: 80 }))
  const full = { clusterIP, ports: named, ...spec }
  await client.resource(services).create({ metadata: { name, namespace: 'default' }, spec: full } as Service)
  const slice = { addressType: 'IPv4', ports: named.map((each) => ({ ...each, port: 8080 })) }
  const labels = { 'kubernetes.io/service-name': name }
  await client.resource(endpointSlices).create({ metadata: { name, namespace: 'default', labels }, ...slice, endpoints })
  await expect.poll(() => rulesOf(clusterIP), soon).toMatch(endpoints.length > 0 ? /goto [an]\d/ : /goto refuse/)
  const change = (changed: Endpoint[]) => client.resource(endpointSlices).patch('default', name, 'merge', { endpoints: changed })
  return { clusterIP, change }
}

const rulesOf = async (address: string) => {
  const text = await run('list', 'nft', ['list', 'table', 'ip', 'sampan-probe'])
  const elements = text.split(/[\n,]/).filter((line) => line.includes(`${address} .`))
  return elements.join('\n')
}
const endpointsIn = (...names: string[]): Endpoint[] => names.map((name) => ({ addresses: [pod(name).address], nodeName: 'n' }))
const times = async (count: number, work: () => Promise<string>) => {
  const replies: string[] = []
  for (let index = 0; index < count; index++) replies.push((await work()).split(' ')[0] ?? '')
  return new Set(replies)
}

describe.skipIf(!isRoot)('real packets (needs root)', () => {
  test('pods reach each other, the host and the outside; the host reaches pods', async () => {
    const [a, b] = [pod('a'), pod('b')]
    expect(await a.peer.tcp(b.address, 8080)).toBe(`b ${a.address}`)
    expect(await a.peer.tcp(where.nodeAddress, 8080)).toBe(`host ${a.address}`)
    expect(await host.tcp(a.address, 8080)).toBe(`a ${where.nodeAddress}`)
    // Outside, pods have the machine's address.
    expect(await a.peer.tcp(outsideAddress, 8080)).toBe(`outside ${hostAddress}`)
    expect(await a.peer.udp(outsideAddress, 8080)).toBe(`outside ${hostAddress}`)
  })

  test('a cluster IP answers pods and the host, over TCP and UDP, from all backends', async () => {
    const { clusterIP } = await serve({}, endpointsIn('a', 'b'))
    expect(await times(40, () => pod('c').peer.tcp(clusterIP, 80))).toEqual(new Set(['a', 'b']))
    expect(await times(40, () => pod('c').peer.udp(clusterIP, 80))).toEqual(new Set(['a', 'b']))
    expect(await times(40, () => host.tcp(clusterIP, 80))).toEqual(new Set(['a', 'b']))
    expect(await host.udp(clusterIP, 80)).toMatch(/^[ab] 10\.73\.255\.1$/)
    expect(await pod('c').peer.tcp(clusterIP, 80)).toMatch(new RegExp(`^[ab] ${pod('c').address.replaceAll('.', '\\.')}$`))
  })

  test('a backend on the node itself, as the API server is', async () => {
    const { clusterIP } = await serve({}, [{ addresses: [where.nodeAddress] }], ['TCP'])
    expect(await pod('a').peer.tcp(clusterIP, 80)).toBe(`host ${pod('a').address}`)
    expect(await host.tcp(clusterIP, 80)).toBe(`host ${where.nodeAddress}`)
  })

  test('a pod reaches itself through its Service', async () => {
    const { clusterIP } = await serve({}, endpointsIn('a'))
    expect(await pod('a').peer.tcp(clusterIP, 80)).toBe(`a ${where.nodeAddress}`)
    expect(await pod('a').peer.udp(clusterIP, 80)).toBe(`a ${where.nodeAddress}`)
  })

  test('a NodePort answers outside, the host and pods; with the policy Local the client keeps its address', async () => {
    const ports = (nodePort: number) => [{ name: 'tcp', protocol: 'TCP', port: 80, nodePort }]
    await serve({ type: 'NodePort', ports: ports(30080) }, endpointsIn('a', 'b'), ['TCP'])
    expect(await outside.tcp(hostAddress, 30080)).toMatch(/^[ab] 10\.73\.255\.1$/)
    expect(await host.tcp(hostAddress, 30080)).toMatch(/^[ab] /)
    expect(await host.tcp(where.nodeAddress, 30080)).toMatch(/^[ab] /)
    expect(await pod('c').peer.tcp(where.nodeAddress, 30080)).toMatch(/^[ab] /)
    await serve({ type: 'NodePort', externalTrafficPolicy: 'Local', ports: ports(30081) }, endpointsIn('a'), ['TCP'])
    expect(await outside.tcp(hostAddress, 30081)).toBe(`a ${outsideAddress}`)
    const elsewhere = [{ addresses: ['10.80.0.1'], nodeName: 'other' }]
    await serve({ type: 'NodePort', externalTrafficPolicy: 'Local', ports: ports(30082) }, elsewhere, ['TCP'])
    await expect(outside.tcp(hostAddress, 30082)).rejects.toThrow('ECONNREFUSED')
  })

  test('a host port leads to its pod', async () => {
    expect(await outside.tcp(hostAddress, 7070)).toBe(`c ${outsideAddress}`)
    expect(await host.tcp(where.nodeAddress, 7070)).toMatch(/^c /)
  })

  test('without endpoints connections are refused at once', async () => {
    const { clusterIP, change } = await serve(
      {
        type: 'NodePort',
        ports: [
          { name: 'tcp', protocol: 'TCP', port: 80, nodePort: 30090 },
          { name: 'udp', protocol: 'UDP', port: 80 },
        ],
      },
      [],
    )
    const began = performance.now()
    await expect(pod('a').peer.tcp(clusterIP, 80)).rejects.toThrow('ECONNREFUSED')
    await expect(host.tcp(clusterIP, 80)).rejects.toThrow('ECONNREFUSED')
    await expect(pod('a').peer.udp(clusterIP, 80)).rejects.toThrow('ECONNREFUSED')
    await expect(outside.tcp(hostAddress, 30090)).rejects.toThrow('ECONNREFUSED')
    // Nor does a port that nobody serves hang.
    await expect(pod('a').peer.tcp(clusterIP, 81)).rejects.toThrow('ECONNREFUSED')
    expect(performance.now() - began).toBeLessThan(5000)
    await change(endpointsIn('a'))
    await expect.poll(() => pod('b').peer.tcp(clusterIP, 80).catch(String), soon).toMatch(/^a /)
  })

  test('with client affinity a client stays with its backend, until the timeout or the backend goes', async () => {
    const sessionAffinityConfig = { clientIP: { timeoutSeconds: 1 } }
    const { clusterIP, change } = await serve({ sessionAffinity: 'ClientIP', sessionAffinityConfig }, endpointsIn('a', 'b'))
    const first = await times(20, () => pod('c').peer.tcp(clusterIP, 80))
    expect([...first]).toHaveLength(1)
    const other = first.has('a') ? 'b' : 'a'
    await change(endpointsIn(other))
    await expect.poll(() => times(1, () => pod('c').peer.tcp(clusterIP, 80)), soon).toEqual(new Set([other]))
    const remembered = () => run('list', 'nft', ['list', 'map', 'ip', 'sampan-probe', 'affinity'])
    expect(await remembered()).toContain(clusterIP)
    await expect.poll(remembered, soon).not.toContain(clusterIP)
  })

  test('a client whose backend went stays with the next one, for as long as it comes again', async () => {
    const sessionAffinityConfig = { clientIP: { timeoutSeconds: 100 } }
    const { clusterIP, change } = await serve({ sessionAffinity: 'ClientIP', sessionAffinityConfig }, endpointsIn('a', 'b', 'c'))
    const visit = (count: number) => times(count, () => pod('c').peer.tcp(clusterIP, 80))
    const [first = ''] = await visit(1)
    await change(endpointsIn(...['a', 'b', 'c'].filter((name) => name !== first)))
    await expect.poll(async () => (await visit(1)).has(first), soon).toBe(false)
    expect([...(await visit(20))]).toHaveLength(1)
    const leftSeconds = async () => {
      const listed = await run('list', 'nft', ['list', 'map', 'ip', 'sampan-probe', 'affinity'])
      const element = listed.split(/[{,]/).find((text) => text.includes(` ${clusterIP} `))
      const [, minutes = '0', seconds = '0'] = /expires (?:(\d+)m)?(\d+)s/.exec(element ?? '') ?? []
      return Number(minutes) * 60 + Number(seconds)
    }
    await expect.poll(leftSeconds, soon).toBeLessThan(98)
    await visit(1)
    expect(await leftSeconds()).toBeGreaterThanOrEqual(98)
  })

  test('connections survive the removal of their endpoint and of others; UDP flows move to a live one', async () => {
    const { clusterIP, change } = await serve({}, endpointsIn('a', 'b'))
    const held = await Promise.all(Array.from({ length: 8 }, () => pod('c').peer.hold(clusterIP, 80)))
    const flow = () => pod('c').peer.udp(clusterIP, 80, 4242)
    const [first = ''] = (await flow()).split(' ')
    const other = first === 'a' ? 'b' : 'a'
    await change(endpointsIn(other))
    await expect.poll(() => rulesOf(clusterIP), soon).not.toContain(pod(first).address)
    expect((await Promise.all(held.map((each) => each.again()))).length).toBe(8)
    // The flow of the same ports would stay with the removed backend for as long as the client goes on.
    await expect.poll(async () => (await flow()).split(' ')[0], soon).toBe(other)
    expect(await times(10, () => pod('c').peer.tcp(clusterIP, 80))).toEqual(new Set([other]))
  })

  test('attaching again keeps the address; what is gone is taken away; in the end nothing is left', async () => {
    const namespace = namespaces.make('again')
    const sandbox = { id: 'again', netnsPath: namespaces.pathOf(namespace), portMappings: [] }
    const { addresses } = await podNetwork.attach(sandbox)
    expect(await podNetwork.attach(sandbox)).toEqual({ addresses })
    expect(await host.tcp(pod('a').address, 8080)).toMatch(/^a /)
    await podNetwork.retain(['a', 'b', 'c'])
    await podNetwork.detach('again')
    expect(await run('list', 'ip', ['route'])).not.toContain(addresses[0])
    stop.abort()
    await following
    await cleanUpHost({ ...where, run })
    await cleanUpHost({ ...where, run })
    expect(await run('list', 'nft', ['list', 'tables'])).toBe('')
    expect(await run('list', 'ip', ['-o', 'addr', 'show', 'dev', 'lo'])).not.toContain('10.')
    expect(await run('list', 'ip', ['-o', 'link'])).not.toContain('sp9p')
  })
})
