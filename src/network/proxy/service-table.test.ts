import { execFileSync } from 'node:child_process'
import { describe, expect, test } from 'vitest'
import type { Service } from '../../api/types/core-v1.ts'
import type { EndpointSlice } from '../../api/types/discovery-v1.ts'
import { type FrontendPlan, hostPortFrontends, serviceFrontends } from './service-frontends.ts'
import { ServiceRuleset } from './service-ruleset.ts'
import { changeText, tableText } from './service-table.ts'
import { staleFlows } from './stale-flows.ts'

const options = {
  clusterName: 'probe',
  clusterIndex: 9,
  podRange: '10.73.0.0/16',
  serviceRange: '10.169.0.0/16',
  nodeAddress: '10.73.255.1',
  dnsAddress: '10.169.0.10',
}
const place = { nodeName: 'n', nodeAddresses: [options.nodeAddress], ownAddresses: [options.nodeAddress, options.dnsAddress] }
const service = (spec: Partial<Service['spec']> = {}, status?: Service['status']): Service => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'web', namespace: 'default' },
  spec: { clusterIP: '10.169.0.5', ports: [{ port: 80 }], ...spec },
  ...(status && { status }),
})
const slice = (addresses: string[], conditions = {}, nodeName = 'n'): EndpointSlice => ({
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  addressType: 'IPv4',
  metadata: { name: 'web-1', namespace: 'default', labels: { 'kubernetes.io/service-name': 'web' } },
  ports: [{ port: 8080, protocol: 'TCP' }],
  endpoints: addresses.map((address) => ({ addresses: [address], conditions, nodeName })),
})
const frontends = (spec: Partial<Service['spec']>, ...slices: EndpointSlice[]) =>
  [...serviceFrontends(service(spec), slices, place)].map(([frontend, { backends, isExternal }]) =>
    `${frontend} ${isExternal ? 'outside' : 'inside'} ${backends.map(({ address, port }) => `${address}:${port}`).join(' ')}`.trim(),
  )

describe('what a Service wants', () => {
  test.each<[string, Partial<Service['spec']>, EndpointSlice[], string[]]>([
    ['its cluster IP', {}, [slice(['10.73.0.3', '10.73.0.2'])], ['10.169.0.5 . tcp . 80 inside 10.73.0.2:8080 10.73.0.3:8080']],
    ['nothing without one', { clusterIP: 'None' }, [slice(['10.73.0.2'])], []],
    ['no backends: it refuses', {}, [], ['10.169.0.5 . tcp . 80 inside']],
    [
      'backends that end but serve, when there are no others',
      {},
      [slice(['10.73.0.2'], { ready: false, serving: true, terminating: true })],
      ['10.169.0.5 . tcp . 80 inside 10.73.0.2:8080'],
    ],
    [
      'not them when one is ready',
      {},
      [slice(['10.73.0.2'], { ready: false, serving: true, terminating: true }), slice(['10.73.0.3'])],
      ['10.169.0.5 . tcp . 80 inside 10.73.0.3:8080'],
    ],
    [
      'from outside local backends alone, under the client address',
      { externalTrafficPolicy: 'Local', ports: [{ port: 80, nodePort: 30080 }] },
      [slice(['10.73.0.2']), slice(['10.74.0.2'], {}, 'other')],
      ['10.169.0.5 . tcp . 80 inside 10.73.0.2:8080 10.74.0.2:8080', '10.73.255.1 . tcp . 30080 inside 10.73.0.2:8080'],
    ],
    [
      'external addresses, but never one on which the machine answers itself',
      { externalIPs: ['192.0.2.7', '10.73.255.1', '10.169.0.10'] },
      [slice(['10.73.0.2'])],
      ['10.169.0.5 . tcp . 80 inside 10.73.0.2:8080', '192.0.2.7 . tcp . 80 outside 10.73.0.2:8080'],
    ],
  ])('%s', (_what, spec, slices, expected) => expect(frontends(spec, ...slices)).toEqual(expected))

  test('the addresses of a load balancer, unless that is a proxy of its own', () => {
    const ingress = [
      { ip: '192.0.2.9', ipMode: 'VIP' },
      { ip: '192.0.2.8', ipMode: 'Proxy' },
    ]
    const found = serviceFrontends(service({}, { loadBalancer: { ingress } }), [], place)
    expect([...found.keys()]).toEqual(['10.169.0.5 . tcp . 80', '192.0.2.9 . tcp . 80'])
    const some = { type: 'LoadBalancer', loadBalancerSourceRanges: ['198.51.100.0/24'] }
    expect([...serviceFrontends(service(some, { loadBalancer: { ingress } }), [], place).keys()]).toEqual(['10.169.0.5 . tcp . 80'])
    const all = { type: 'LoadBalancer', loadBalancerSourceRanges: ['198.51.100.0/24', ' 0.0.0.0/0'] }
    expect(serviceFrontends(service(all, { loadBalancer: { ingress } }), [], place).size).toBe(2)
  })

  test('nothing of what is no address or port: one such word would make nft refuse the rules of all', () => {
    const odd = slice(['10.73.0.2', '10.73.0.256', '010.73.0.2', '10.73.0.2 . 80 }\nflush ruleset\n', ''])
    const port = { ...slice(['10.73.0.4']), ports: [{ port: 70_000, protocol: 'TCP' }] }
    const externalIPs = ['999.1.1.1', '192.0.2.7\n', '192.0.2.7']
    expect(frontends({ externalIPs }, odd, port)).toEqual([
      '10.169.0.5 . tcp . 80 inside 10.73.0.2:8080',
      '192.0.2.7 . tcp . 80 outside 10.73.0.2:8080',
    ])
    const hostPorts = [{ protocol: 'TCP' as const, containerPort: 80, hostPort: 8080, hostIp: 'fd00::1' }]
    expect(hostPortFrontends([{ sandboxId: 's', address: '10.73.0.9', hostPorts }], place).size).toBe(0)
  })

  test('host ports, on all addresses of the node or one', () => {
    const port = { protocol: 'TCP' as const, containerPort: 80, hostPort: 8080 }
    const pods = [{ sandboxId: 's', address: '10.73.0.9', hostPorts: [port, { ...port, hostPort: 81, hostIp: '192.0.2.1' }] }]
    expect([...hostPortFrontends(pods, place).keys()]).toEqual(['10.73.255.1 . tcp . 8080', '192.0.2.1 . tcp . 81'])
  })
})

const plan = (...addresses: string[]): FrontendPlan => ({
  backends: addresses.map((address) => ({ address, port: 80 })),
  isExternal: false,
  affinitySeconds: undefined,
})
const front = '10.169.0.5 . tcp . 80'

describe('the ruleset', () => {
  test('changes what changed alone', () => {
    const ruleset = new ServiceRuleset()
    const chains = new Set<string>()
    ruleset.want('a', new Map([[front, plan('10.73.0.2')]]))
    ruleset.want('b', new Map([['10.169.0.6 . tcp . 80', plan('10.73.0.2')]]))
    tableText(options, ruleset.take(), chains)
    ruleset.want('a', new Map([[front, plan('10.73.0.2')]]))
    expect(changeText(options, ruleset.take(), chains)).toBe('')
    ruleset.want('a', new Map([[front, plan('10.73.0.2', '10.73.0.3')]]))
    const text = changeText(options, ruleset.take(), chains)
    expect(text).toContain(`delete element ip sampan-probe frontends { ${front} }`)
    expect(text).toContain(`add element ip sampan-probe endpoints { ${front} . 1 : 10.73.0.3 . 80 }`)
    expect(text).not.toContain('10.169.0.6')
    // Nobody else leads to the new one; the other Service still leads to the old one.
    ruleset.want('a', new Map())
    const removed = ruleset.take().removed
    expect([...removed.hairpin.keys()]).toEqual(['10.73.0.3 . 10.73.0.3'])
  })

  test('a frontend that two want is the first one until that lets go', () => {
    const ruleset = new ServiceRuleset()
    ruleset.want('a', new Map([[front, plan('10.73.0.2')]]))
    ruleset.want('b', new Map([[front, plan('10.73.0.3')]]))
    ruleset.take()
    expect(ruleset.frontends.get(front)?.backends[0]?.address).toBe('10.73.0.2')
    ruleset.want('a', new Map())
    ruleset.take()
    expect(ruleset.frontends.get(front)?.backends[0]?.address).toBe('10.73.0.3')
    ruleset.want('b', new Map())
    ruleset.take()
    expect(ruleset.frontends.size).toBe(0)
  })
})

test('UDP flows to no backend of theirs are stale, all others are left alone', () => {
  const line = (destination: string, replySource: string, port = 53, replyPort = 53) =>
    `udp      17 29 src=10.73.0.8 dst=${destination} sport=4000 dport=${port} src=${replySource} dst=10.73.0.8 sport=${replyPort} dport=4000 mark=0 use=1`
  const listing = [
    line('10.169.0.7', '10.73.0.2'),
    line('10.169.0.7', '10.73.0.3'),
    line('10.169.0.7', '10.169.0.7'),
    line('10.169.0.8', '10.73.0.3'),
    line('10.73.255.1', '10.73.255.1', 4242, 4242),
    line('10.169.0.9', '10.73.0.3'),
  ].join('\n')
  const backend = { backends: [{ address: '10.73.0.2', port: 53 }], isExternal: false, affinitySeconds: undefined }
  const touched = new Map([
    ['10.169.0.7 . udp . 53', backend],
    ['10.73.255.1 . udp . 4242', undefined],
    ['10.169.0.9 . udp . 53', undefined],
  ])
  expect(staleFlows(listing, touched).map(({ destination }) => destination)).toEqual(['10.169.0.7', '10.169.0.7', '10.169.0.9'])
})

test.skipIf(process.getuid?.() !== 0)('nft takes the table and every change (needs root)', () => {
  const ruleset = new ServiceRuleset()
  const chains = new Set<string>()
  const want = (spec: Partial<Service['spec']>, ...addresses: string[]) => {
    ruleset.want('web', serviceFrontends(service(spec), [slice(addresses)], place))
    return ruleset.take()
  }
  const sticky = { sessionAffinity: 'ClientIP', ports: [{ port: 80, nodePort: 30080 }] }
  let input = tableText(options, want(sticky, '10.73.0.2'), chains)
  input += changeText(options, want({}, '10.73.0.2', '10.73.0.3'), chains)
  input += changeText(options, want(sticky), chains)
  input += changeText(options, want(sticky, '10.73.0.2', '10.73.0.4'), chains)
  expect(() => execFileSync('unshare', ['-n', 'nft', '-f', '-'], { input })).not.toThrow()
})
