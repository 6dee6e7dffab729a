import { expect, test } from 'vitest'
import type { Pod, Service } from '../api/types/core-v1.ts'
import type { EndpointSlice } from '../api/types/discovery-v1.ts'
import { planSlices } from './endpoint-slice-plan.ts'
import { subsetsOf, truncated } from './endpoints.ts'
import { serviceEndpoints } from './service-endpoints.ts'

const service = (spec: Partial<Service['spec']> = {}): Service => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'web', namespace: 'n' },
  spec: {
    clusterIP: '10.1.0.1',
    selector: { app: 'web' },
    ports: [{ name: 'http', port: 80, targetPort: 'web', protocol: 'TCP' }],
    ...spec,
  },
})
interface Shape {
  ip?: string
  port?: number
  ready?: boolean
  deleted?: boolean
  phase?: string
  spec?: Partial<Pod['spec']>
}
const pod = (
  name: string,
  { ip = `10.0.0.${name.length}`, port = 8080, ready = true, deleted = false, phase = 'Running', spec = {} }: Shape = {},
): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace: 'n', uid: name, ...(deleted && { deletionTimestamp: '2026-01-01T00:00:00Z' }) },
  spec: { nodeName: 'node', containers: [{ name: 'c', ports: [{ name: 'web', containerPort: port }] }], ...spec },
  status: { phase, ...(ip && { podIP: ip, podIPs: [{ ip }] }), conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }] },
})
const plan = (pods: readonly Pod[], slices: readonly EndpointSlice[] = [], of = service()) =>
  planSlices({ service: of, endpoints: serviceEndpoints(of, pods), slices, zoneOf: () => 'zone' })
const stored = (index: number, { keep }: ReturnType<typeof plan>, at = 0): EndpointSlice => {
  const { addressType = '', ports = [], endpoints = [] } = keep[at] ?? {}
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: `s${index}` },
    addressType,
    ports: [...ports],
    endpoints: [...endpoints],
  }
}

test.each<[string, Shape, Partial<Service['spec']>, object | undefined]>([
  ['ready', {}, {}, { ready: true, serving: true, terminating: false }],
  ['not ready', { ready: false }, {}, { ready: false, serving: false, terminating: false }],
  ['not ready and published', { ready: false }, { publishNotReadyAddresses: true }, { ready: true, serving: false, terminating: false }],
  ['on its way out', { deleted: true }, {}, { ready: false, serving: true, terminating: true }],
  ['ended', { phase: 'Succeeded' }, {}, undefined],
  ['without address', { ip: '' }, {}, undefined],
])('a pod that is %s', (_, shape, spec, conditions) => {
  expect(plan([pod('p', shape)], [], service(spec)).keep[0]?.endpoints[0]?.conditions).toEqual(conditions)
})

test('a service without pods has one empty slice, which the first pod fills', () => {
  const empty = plan([])
  expect(empty.keep).toEqual([{ existing: undefined, addressType: 'IPv4', ports: [], endpoints: [] }])
  const slice = stored(1, empty)
  const filled = plan([pod('p')], [slice])
  expect(filled.keep).toMatchObject([{ existing: { metadata: { name: 's1' } }, ports: [{ name: 'http', port: 8080 }] }])
  expect(filled.remove).toEqual([])
  expect(plan([], [stored(1, filled)])).toMatchObject({ keep: [{ existing: { metadata: { name: 's1' } }, endpoints: [] }], remove: [] })
})

test('named ports of other numbers make slices of their own; names that no container has make none', () => {
  expect(plan([pod('a'), pod('bb', { port: 9090 })]).keep.map(({ ports }) => ports.map(({ port }) => port))).toEqual([[8080], [9090]])
  const unnamed = service({ ports: [{ name: 'x', port: 80, targetPort: 'none' }] })
  expect(plan([pod('a')], [], unnamed).keep[0]?.ports).toEqual([])
})

test('at most 100 endpoints in a slice; each stays where it is, and a new one goes where there is room', () => {
  const pods = Array.from({ length: 150 }, (_, index) => pod(`p${index}`, { ip: `10.0.1.${index}` }))
  const first = plan(pods)
  expect(first.keep.map(({ endpoints }) => endpoints.length)).toEqual([100, 50])
  const slices = [stored(1, first, 0), stored(2, first, 1)]
  const without = pods.filter((_, index) => index !== 3)
  const second = plan([...without, pod('new', { ip: '10.0.2.1' })], slices)
  expect(second.keep.map(({ endpoints }) => endpoints.length)).toEqual([100, 50])
  expect(second.keep[0]?.endpoints.at(-1)?.targetRef?.name).toBe('new')
  expect(second.keep[1]?.endpoints).toEqual(slices[1]?.endpoints)
})

test('two families make slices of both kinds', () => {
  const dual = service({ ipFamilies: ['IPv4', 'IPv6'] })
  const both = { ...pod('p'), status: { ...pod('p').status, podIPs: [{ ip: '10.0.0.1' }, { ip: 'fd00::1' }] } }
  expect(plan([both], [], dual).keep.map(({ addressType, endpoints }) => [addressType, endpoints[0]?.addresses])).toEqual([
    ['IPv4', ['10.0.0.1']],
    ['IPv6', ['fd00::1']],
  ])
})

test('the name of a pod of a headless service is told', () => {
  const named = pod('p', { spec: { hostname: 'one', subdomain: 'web' } })
  expect(plan([named], [], service({ clusterIP: 'None' })).keep[0]?.endpoints[0]).toMatchObject({
    hostname: 'one',
    zone: 'zone',
    nodeName: 'node',
  })
})

test('endpoints keep apart what is ready and what is not, and leave out pods on their way', () => {
  const of = service()
  const subsets = subsetsOf(
    of,
    serviceEndpoints(of, [
      pod('a', { ip: '10.0.0.2' }),
      pod('b', { ip: '10.0.0.1' }),
      pod('c', { ready: false }),
      pod('d', { deleted: true }),
    ]),
  )
  expect(subsets).toMatchObject([
    {
      addresses: [{ ip: '10.0.0.1' }, { ip: '10.0.0.2' }],
      notReadyAddresses: [{ targetRef: { name: 'c' } }],
      ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
    },
  ])
  expect(subsets).toHaveLength(1)
})

test('endpoints hold a thousand addresses and say when they are cut', () => {
  const addresses = Array.from({ length: 900 }, (_, index) => ({ ip: String(index) }))
  const { subsets, isCut } = truncated([{ addresses, notReadyAddresses: addresses }])
  expect([subsets[0]?.addresses?.length, subsets[0]?.notReadyAddresses?.length, isCut]).toEqual([900, 100, true])
  expect(truncated([{ addresses }]).isCut).toBe(false)
})
