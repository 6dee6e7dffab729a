import { expect, test } from 'vitest'
import { kindUnderTest } from '../kind-under-test.ts'

const kind = kindUnderTest('discovery.k8s.io', 'v1', 'EndpointSlice')
const slice = (more: object = {}) => ({ addressType: 'IPv4', endpoints: [{ addresses: ['10.0.0.1'] }], ...more })
const one = (endpoint: object, addressType = 'IPv4') => slice({ addressType, endpoints: [{ addresses: ['10.0.0.1'], ...endpoint }] })

test('ports have a name and a protocol', () => {
  expect(kind.defaulted(slice({ ports: [{ port: 80 }] }))).toMatchObject({ ports: [{ port: 80, name: '', protocol: 'TCP' }] })
  expect(kind.problems(slice({ ports: [{ port: 80 }] }))).toEqual([])
})

test.each([
  [slice({ addressType: 'IPX' }), ['addressType: Unsupported value: "IPX": supported values: "FQDN", "IPv4", "IPv6"']],
  [one({ addresses: [] }), ['endpoints[0].addresses: Required value: must contain at least 1 address']],
  [one({ addresses: ['fd00::1'] }), ['endpoints[0].addresses[0]: Invalid value: "fd00::1": must be a valid IPv4 address']],
  [
    one({ addresses: ['127.0.0.1'] }),
    ['endpoints[0].addresses[0]: Invalid value: "127.0.0.1": may not be in the loopback range (127.0.0.0/8, ::1/128)'],
  ],
  [
    one({ addresses: ['localhost'] }, 'FQDN'),
    ['endpoints[0].addresses[0]: Invalid value: "localhost": should be a domain with at least two segments separated by dots'],
  ],
  [one({ addresses: ['example.org.'] }, 'FQDN'), []],
  [one({ addresses: Array(101).fill('10.0.0.1') }), ['endpoints[0].addresses: Too many: 101: must have at most 100 items']],
  [slice({ endpoints: Array(1001).fill({ addresses: ['10.0.0.1'] }) }), ['endpoints: Too many: 1001: must have at most 1000 items']],
  [slice({ ports: [{ name: 'a' }, { name: 'a' }] }), ['ports[1].name: Duplicate value: "a"']],
  [slice({ ports: [{ protocol: 'ICMP' }] }), ['ports[0].protocol: Unsupported value: "ICMP": supported values: "SCTP", "TCP", "UDP"']],
  [one({ hints: { forZones: [{ name: 'z' }, { name: 'z' }] } }), ['endpoints[0].hints.forZones[1].name: Duplicate value: "z"']],
  [
    one({ hints: { forZones: Array.from({ length: 9 }, (_, index) => ({ name: `z${index}` })) } }),
    ['endpoints[0].hints.forZones: Too many: 9: must have at most 8 items'],
  ],
])('%j: %j', (given, problems) => {
  expect(kind.problems(given)).toEqual(problems)
})

test('its address type stays', () => {
  expect(kind.updateProblems(slice(), slice({ addressType: 'FQDN', endpoints: [] }))).toEqual([
    'addressType: Invalid value: "FQDN": field is immutable',
  ])
})

test('is shown with the first of its ports and addresses', () => {
  expect(kind.columns).toBe('Name AddressType Ports Endpoints Age')
  expect(kind.cells(slice({ ports: [{ port: 80 }, { name: 'web' }] }))).toEqual(['a', 'IPv4', '80,web', '10.0.0.1', '5m'])
  expect(kind.cells(slice({ ports: [{}] }))[2]).toBe('<unset>')
  const endpoints = [{ addresses: ['10.0.0.1', '10.0.0.2'] }, { addresses: ['10.0.0.3', '10.0.0.4', '10.0.0.5'] }]
  expect(kind.cells(slice({ endpoints }))).toEqual(['a', 'IPv4', '<unset>', '10.0.0.1,10.0.0.2,10.0.0.3 + 2 more...', '5m'])
})
