import { createSocket } from 'node:dgram'
import { Resolver } from 'node:dns/promises'
import { connect, createServer as createTcpServer } from 'node:net'
import { type Answer, decode, encode, type RecordType } from 'dns-packet'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { builtinCatalog } from '../../api/catalog.ts'
import { endpointSlices, services } from '../../api/resources.ts'
import type { Service } from '../../api/types/core-v1.ts'
import type { Endpoint } from '../../api/types/discovery-v1.ts'
import { systemClock } from '../../base/clock.ts'
import { silentLog } from '../../base/log.ts'
import { seededRandom } from '../../base/random.ts'
import { createCaches } from '../../client/caches.ts'
import { createClient } from '../../client/create-client.ts'
import { inProcessTransport } from '../../client/in-process-transport.ts'
import type { Transport } from '../../client/transport.ts'
import { createAuthenticator } from '../../server/authentication.ts'
import { createServer } from '../../server/server.ts'
import { createMemoryStore } from '../../store/memory.ts'
import { clusterNames } from './cluster-names.ts'
import { type DnsServer, openDnsServer } from './dns-server.ts'
import { ensureDnsService } from './ensure-dns-service.ts'
import { createForwarder } from './forwarder.ts'
import { createFrameReader, framed } from './tcp-frames.ts'
import { parseResolvers } from './upstream-resolvers.ts'

const stop = new AbortController()
const clock = systemClock
let dns: DnsServer
let upstream: { port: number; asked: string[]; close(): Promise<void> }
let resolver: Resolver
let transport: Transport

const domain = 'cluster.local'

beforeAll(async () => {
  const parts = { clock, random: seededRandom(1), log: silentLog }
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
  transport = inProcessTransport({ handle, user: { name: 'admin', groups: ['system:masters'] } })
  const caches = createCaches({
    client: createClient({ transport: transport }),
    ...parts,
  })
  const names = clusterNames({ caches, domain, ranges: ['10.64.0.0/16', '10.96.0.0/16'] })
  caches.start(stop.signal)
  await caches.synced()
  const { client } = caches
  const addService = async (name: string, spec: Partial<Service['spec']>, endpoints: Endpoint[] = []) => {
    const ports = [{ name: 'http', port: 80, protocol: 'TCP' }]
    await client.resource(services).create({ metadata: { name, namespace: 'default' }, spec: { ports, ...spec } } as Service)
    await client.resource(endpointSlices).create({
      metadata: { name: `${name}-1`, namespace: 'default', labels: { 'kubernetes.io/service-name': name } },
      addressType: 'IPv4',
      ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
      endpoints,
    })
  }
  await addService('web', { clusterIP: '10.96.0.7' }, [{ addresses: ['10.64.0.2'] }])
  await addService('db', { clusterIP: 'None' }, [
    { addresses: ['10.64.0.3'], hostname: 'db-0' },
    { addresses: ['10.64.0.4'] },
    { addresses: ['10.64.0.5'], hostname: 'db-2', conditions: { ready: false } },
  ])
  await addService(
    'many',
    { clusterIP: 'None' },
    Array.from({ length: 60 }, (_, index) => ({ addresses: [`10.64.1.${index}`] })),
  )
  await addService('none', { clusterIP: 'None' })
  await addService('out', { type: 'ExternalName', externalName: 'host.example.org' })
  await addService('in', { type: 'ExternalName', externalName: `web.default.svc.${domain}` })
  upstream = await fakeUpstream()
  const forwarder = createForwarder({ resolvers: async () => [{ address: '127.0.0.1', port: upstream.port }], clock })
  dns = await openDnsServer({ addresses: ['127.0.0.1'], port: 0, names, forwarder, random: seededRandom(2), log: silentLog })
  resolver = new Resolver({ timeout: 2000, tries: 1 })
  resolver.setServers([`127.0.0.1:${dns.port}`])
})

afterAll(async () => {
  stop.abort()
  await dns.close()
  await upstream.close()
})

/** A resolver that knows one name and a long one, which over UDP it cuts. */
async function fakeUpstream() {
  const asked: string[] = []
  const replyTo = (bytes: Buffer, transport: string) => {
    const { id, questions } = decode(bytes)
    const { name = '', type = 'A' as RecordType } = questions?.[0] ?? {}
    asked.push(`${transport} ${name}`)
    const long = name === 'long.example.org'
    const isCut = long && transport === 'udp'
    const known = name === 'host.example.org' || (long && !isCut)
    const answers: Answer[] = known && type === 'A' ? [{ type: 'A', name, ttl: 60, data: '192.0.2.1' }] : []
    return encode({ type: 'response', id: id ?? 0, flags: isCut ? 0x200 : known ? 0 : 3, questions: questions ?? [], answers })
  }
  const udp = createSocket('udp4')
  udp.on('message', (bytes, from) => udp.send(replyTo(bytes, 'udp'), from.port, from.address))
  await new Promise<void>((resolve) => udp.bind(0, '127.0.0.1', resolve))
  const { port } = udp.address()
  const tcp = createTcpServer((socket) => {
    const read = createFrameReader(4096, (bytes) => socket.write(framed(replyTo(bytes, 'tcp'))))
    socket.on('data', read)
    socket.on('error', () => {})
  })
  await new Promise<void>((resolve) => tcp.listen(port, '127.0.0.1', resolve))
  return {
    port,
    asked,
    close: async () => {
      udp.close()
      await new Promise((resolve) => tcp.close(resolve))
    },
  }
}

const question = (name: string, type: RecordType, more = {}) =>
  encode({ type: 'query', id: 7, flags: 0x100, questions: [{ name, type }], ...more })

function overUdp(bytes: Buffer): Promise<Buffer> {
  return new Promise((resolve) => {
    const socket = createSocket('udp4')
    socket.on('message', (reply) => {
      socket.close()
      resolve(reply)
    })
    socket.send(bytes, dns.port, '127.0.0.1')
  })
}

/** Sends all at once on one connection. */
function overTcp(...queries: Buffer[]): Promise<Buffer[]> {
  return new Promise((resolve, reject) => {
    const socket = connect(dns.port, '127.0.0.1', () => socket.write(Buffer.concat(queries.map(framed))))
    const replies: Buffer[] = []
    const read = createFrameReader(65_535, (reply) => {
      if (replies.push(reply) < queries.length) return
      socket.destroy()
      resolve(replies)
    })
    socket.on('data', read)
    socket.on('error', reject)
  })
}

const ask = async (name: string, type: RecordType) => decode(await overUdp(question(name, type)))
const data = (answers: readonly Answer[] | undefined) => (answers ?? []).map((answer) => ('data' in answer ? answer.data : undefined))

describe('names of the cluster', () => {
  test.each<[string, RecordType, unknown[]]>([
    [`web.default.svc.${domain}`, 'A', ['10.96.0.7']],
    [`WEB.Default.svc.${domain}`, 'A', ['10.96.0.7']],
    [`db.default.svc.${domain}`, 'A', ['10.64.0.3', '10.64.0.4']],
    [`db-0.db.default.svc.${domain}`, 'A', ['10.64.0.3']],
    [`10-64-0-4.db.default.svc.${domain}`, 'A', ['10.64.0.4']],
    [`10-64-0-9.default.pod.${domain}`, 'A', ['10.64.0.9']],
    [`_http._tcp.web.default.svc.${domain}`, 'SRV', [{ target: `web.default.svc.${domain}`, port: 80, priority: 0, weight: 100 }]],
    [
      `_http._tcp.db.default.svc.${domain}`,
      'SRV',
      [
        { target: `db-0.db.default.svc.${domain}`, port: 8080, priority: 0, weight: 50 },
        { target: `10-64-0-4.db.default.svc.${domain}`, port: 8080, priority: 0, weight: 50 },
      ],
    ],
    ['7.0.96.10.in-addr.arpa', 'PTR', [`web.default.svc.${domain}`]],
    ['3.0.64.10.in-addr.arpa', 'PTR', [`db-0.db.default.svc.${domain}`]],
    [`in.default.svc.${domain}`, 'A', [`web.default.svc.${domain}`, '10.96.0.7']],
    [`out.default.svc.${domain}`, 'A', ['host.example.org', '192.0.2.1']],
  ])('%s %s', async (name, type, expected) => {
    const reply = await ask(name, type)
    expect(reply.flag_aa).toBe(true)
    expect(data(reply.answers)).toHaveLength(expected.length)
    expect(data(reply.answers)).toEqual(expect.arrayContaining(expected))
    expect(reply.questions?.[0]?.name).toBe(name)
  })

  test.each<[string, RecordType, string]>([
    [`web.default.svc.${domain}`, 'AAAA', 'NOERROR'],
    [`default.svc.${domain}`, 'A', 'NOERROR'],
    [`_http._tcp.web.default.svc.${domain}`, 'A', 'NOERROR'],
    [`gone.default.svc.${domain}`, 'A', 'NXDOMAIN'],
    [`web.nowhere.svc.${domain}`, 'A', 'NXDOMAIN'],
    [`db-2.db.default.svc.${domain}`, 'A', 'NXDOMAIN'],
    [`none.default.svc.${domain}`, 'A', 'NXDOMAIN'],
    [`_ftp._tcp.web.default.svc.${domain}`, 'SRV', 'NXDOMAIN'],
    [`host.example.org.default.svc.${domain}`, 'A', 'NXDOMAIN'],
    [`300-1-1-1.default.pod.${domain}`, 'A', 'NXDOMAIN'],
    ['99.0.64.10.in-addr.arpa', 'PTR', 'NXDOMAIN'],
  ])('%s %s has no answer: %s, with the authority that says for how long', async (name, type, code) => {
    const reply = await ask(name, type)
    // The type of a decoded packet leaves the code out.
    expect((reply as { rcode?: string }).rcode).toBe(code)
    expect(reply.answers).toEqual([])
    expect(reply.authorities).toMatchObject([{ type: 'SOA', ttl: 5, data: { minimum: 5 } }])
  })

  test('each of several addresses is the first one now and then', async () => {
    const firsts = new Set<unknown>()
    await expect
      .poll(async () => firsts.add(data((await ask(`db.default.svc.${domain}`, 'A')).answers)[0]).size, { interval: 1, timeout: 8_000 })
      .toBe(2)
  })

  test('an alias comes before what it leads to', async () => {
    expect(data((await ask(`in.default.svc.${domain}`, 'A')).answers)).toEqual([`web.default.svc.${domain}`, '10.96.0.7'])
  })

  test('service records bring the addresses of their targets', async () => {
    const { additionals } = await ask(`_http._tcp.db.default.svc.${domain}`, 'SRV')
    expect(data(additionals)).toEqual(['10.64.0.3', '10.64.0.4'])
  })

  test("the system's resolver takes them", async () => {
    expect(await resolver.resolve4(`web.default.svc.${domain}`)).toEqual(['10.96.0.7'])
    expect(await resolver.reverse('10.96.0.7')).toEqual([`web.default.svc.${domain}`])
    await expect(resolver.resolve4(`gone.default.svc.${domain}`)).rejects.toMatchObject({ code: 'ENOTFOUND' })
    await expect(resolver.resolve6(`web.default.svc.${domain}`)).rejects.toMatchObject({ code: 'ENODATA' })
  })

  test('the Service kube-dns is made once, put right when it is not, and named', async () => {
    const options = { client: createClient({ transport }), dnsAddress: '10.96.0.10', nodeAddress: '10.64.255.1', nodeName: 'n' }
    await ensureDnsService(options)
    const slices = options.client.resource(endpointSlices)
    await slices.patch('kube-system', 'kube-dns', 'merge', { endpoints: [] })
    await ensureDnsService(options)
    expect((await slices.get('kube-system', 'kube-dns')).endpoints).toMatchObject([{ addresses: ['10.64.255.1'] }])
    await expect
      .poll(async () => data((await ask(`kube-dns.kube-system.svc.${domain}`, 'A')).answers), { timeout: 8_000 })
      .toEqual(['10.96.0.10'])
    expect(data((await ask(`_dns-tcp._tcp.kube-dns.kube-system.svc.${domain}`, 'SRV')).answers)).toMatchObject([{ port: 53 }])
  })
})

describe('messages', () => {
  test('more than fits a datagram is cut and told so; EDNS gets more, TCP all', async () => {
    const name = `many.default.svc.${domain}`
    const small = await overUdp(question(name, 'A'))
    expect(small.length).toBeLessThanOrEqual(512)
    expect(decode(small)).toMatchObject({ flag_tc: true })
    expect(decode(small).answers?.length).toBeGreaterThanOrEqual(10)
    const additionals = [
      { type: 'OPT' as const, name: '.', udpPayloadSize: 4096, extendedRcode: 0, ednsVersion: 0, flags: 0, flag_do: false, options: [] },
    ]
    const large = await overUdp(question(name, 'A', { additionals }))
    expect(large.length).toBeGreaterThan(512)
    expect(large.length).toBeLessThanOrEqual(1232)
    expect(decode(large).additionals).toMatchObject([{ type: 'OPT' }])
    const [whole] = await overTcp(question(name, 'A'))
    expect(decode(whole!).answers).toHaveLength(60)
    // c-ares asks again over TCP by itself.
    expect(await resolver.resolve4(name)).toHaveLength(60)
  })

  test('several queries on one connection are all answered', async () => {
    const replies = await overTcp(question(`web.default.svc.${domain}`, 'A'), question(`db.default.svc.${domain}`, 'A'))
    expect(replies.map((reply) => decode(reply).answers?.length).sort()).toEqual([1, 2])
  })

  test('what is no query is told so, and answers are never answered', async () => {
    expect((await overUdp(Buffer.concat([Buffer.from([0, 9, 1, 0, 0, 1]), Buffer.alloc(6), Buffer.from([63])]))).readUInt16BE(2) & 15).toBe(
      1,
    )
    expect((await overUdp(Buffer.concat([Buffer.from([0, 9, 0x28, 0]), Buffer.alloc(8)]))).readUInt16BE(2) & 15).toBe(4)
    const socket = createSocket('udp4')
    let replies = 0
    socket.on('message', () => replies++)
    socket.send(encode({ type: 'response', id: 1, questions: [{ name: 'a.b', type: 'A' }] }), dns.port, '127.0.0.1')
    socket.send(question('x', 'A').subarray(0, 5), dns.port, '127.0.0.1')
    // A query that is sent later is answered first only if the others are not answered at all.
    socket.send(question(`web.default.svc.${domain}`, 'A'), dns.port, '127.0.0.1')
    await expect.poll(() => replies, { timeout: 8_000 }).toBe(1)
    socket.close()
  })
})

describe('other names', () => {
  test('are asked upstream, each reply under the id of its query', async () => {
    const ids = [11, 12, 13]
    const replies = await Promise.all(
      ids.map((id) => overUdp(encode({ type: 'query', id, flags: 0x100, questions: [{ name: 'host.example.org', type: 'A' }] }))),
    )
    expect(replies.map((reply) => decode(reply).id)).toEqual(ids)
    expect(replies.map((reply) => data(decode(reply).answers))).toEqual([['192.0.2.1'], ['192.0.2.1'], ['192.0.2.1']])
    await expect(resolver.resolve4('nowhere.example.org')).rejects.toMatchObject({ code: 'ENOTFOUND' })
  })

  test('over TCP when the reply is too long', async () => {
    expect(await resolver.resolve4('long.example.org')).toEqual(['192.0.2.1'])
    expect(upstream.asked.filter((line) => line.includes('long'))).toEqual(['udp long.example.org', 'tcp long.example.org'])
  })

  test('a reply that comes when the server has closed is lost, and nothing else', async () => {
    let reply: (bytes: Buffer) => void = () => {}
    const asked = Promise.withResolvers<void>()
    const forwarder = {
      ask() {
        asked.resolve()
        return new Promise<Buffer>((resolve) => (reply = resolve))
      },
    }
    const names = { resolve: () => undefined, authority: () => ({ type: 'NS' as const, name: '.', data: '.' }) }
    const closing = await openDnsServer({ addresses: ['127.0.0.1'], port: 0, names, forwarder, random: seededRandom(3), log: silentLog })
    const socket = createSocket('udp4')
    socket.send(question('host.example.org', 'A'), closing.port, '127.0.0.1')
    await asked.promise
    await closing.close()
    reply(question('host.example.org', 'A'))
    // An error now would be nobody's, and the end of the process.
    await new Promise((resolve) => setImmediate(resolve))
    socket.close()
  })

  test('names inside the cluster never leave it', () => {
    expect(upstream.asked.filter((line) => line.includes(domain))).toEqual([])
  })

  test('a resolver that does not answer is left for the next', async () => {
    const resolvers = async () => [
      { address: '127.0.0.1', port: 1 },
      { address: '127.0.0.1', port: upstream.port },
    ]
    const reply = await createForwarder({ resolvers, clock }).ask(question('host.example.org', 'A'), 'udp')
    expect(data(decode(reply!).answers)).toEqual(['192.0.2.1'])
    expect(await createForwarder({ resolvers: async () => [], clock }).ask(question('host.example.org', 'A'), 'udp')).toBeUndefined()
  })

  test('the machine resolvers are those of resolv.conf, but never ourselves', () => {
    const text = '# comment\nnameserver 192.0.2.53\nsearch example.org\n nameserver\t10.96.0.10\nnameserver 2001:db8::1\n'
    expect(parseResolvers(text, ['10.96.0.10']).map(({ address }) => address)).toEqual(['192.0.2.53', '2001:db8::1'])
  })
})
