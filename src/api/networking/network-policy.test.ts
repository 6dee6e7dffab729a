import { expect, test } from 'vitest'
import { kindUnderTest } from '../kind-under-test.ts'

const kind = kindUnderTest('networking.k8s.io', 'v1', 'NetworkPolicy')
const from = (...peers: object[]) => ({ podSelector: {}, ingress: [{ from: peers }] })
const port = (each: object) => ({ podSelector: {}, ingress: [{ ports: [each] }] })

test('is about what comes in, and about what goes out where it says so', () => {
  expect(kind.defaulted({ spec: { podSelector: {} } })).toMatchObject({ spec: { policyTypes: ['Ingress'] } })
  expect(kind.defaulted({ spec: { podSelector: {}, egress: [{ ports: [{ port: 1 }] }] } })).toMatchObject({
    spec: { policyTypes: ['Ingress', 'Egress'], egress: [{ ports: [{ protocol: 'TCP', port: 1 }] }] },
  })
})

test.each([
  [from({ podSelector: {}, namespaceSelector: {} }), []],
  [from({}), ['spec.ingress[0].from[0]: Required value: must specify a peer']],
  [
    from({ podSelector: {}, ipBlock: { cidr: '10.0.0.0/8' } }),
    ['spec.ingress[0].from[0]: Forbidden: may not specify both ipBlock and another peer'],
  ],
  [from({ ipBlock: { cidr: '' } }), ['spec.ingress[0].from[0].ipBlock.cidr: Required value']],
  [
    from({ ipBlock: { cidr: '10.0.0.0' } }),
    ['spec.ingress[0].from[0].ipBlock.cidr: Invalid value: "10.0.0.0": must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)'],
  ],
  [from({ ipBlock: { cidr: '10.0.0.0/8', except: ['10.1.0.0/16'] } }), []],
  [
    from({ ipBlock: { cidr: '10.0.0.0/8', except: ['11.0.0.0/16'] } }),
    ['spec.ingress[0].from[0].ipBlock.except[0]: Invalid value: "11.0.0.0/16": must be a strict subset of `cidr`'],
  ],
  [
    from({ ipBlock: { cidr: '10.0.0.0/8', except: ['10.0.0.0/8'] } }),
    ['spec.ingress[0].from[0].ipBlock.except[0]: Invalid value: "10.0.0.0/8": must be a strict subset of `cidr`'],
  ],
  [
    from({ ipBlock: { cidr: '10.0.0.1/8' } }),
    ['spec.ingress[0].from[0].ipBlock.cidr: Invalid value: "10.0.0.1/8": must not have bits set beyond the prefix length'],
  ],
  [port({ port: 80, endPort: 90 }), []],
  [port({ port: 0 }), ['spec.ingress[0].ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive']],
  [port({ port: 80, endPort: 79 }), ['spec.ingress[0].ports[0].endPort: Invalid value: 80: must be greater than or equal to `port`']],
  [port({ endPort: 79 }), ['spec.ingress[0].ports[0].endPort: Invalid value: 79: may not be specified when `port` is not specified']],
  [
    port({ port: 'web', endPort: 79 }),
    ['spec.ingress[0].ports[0].endPort: Invalid value: 79: may not be specified when `port` is non-numeric'],
  ],
  [port({ protocol: 'ICMP' }), ['spec.ingress[0].ports[0].protocol: Unsupported value: "ICMP": supported values: "TCP", "UDP", "SCTP"']],
  [{ podSelector: {}, policyTypes: ['Both'] }, ['spec.policyTypes[0]: Unsupported value: "Both": supported values: "Ingress", "Egress"']],
  [
    { podSelector: {}, policyTypes: ['Ingress', 'Egress', 'Ingress'] },
    ['spec.policyTypes: Invalid value: ["Ingress","Egress","Ingress"]: may not specify more than two policyTypes'],
  ],
])('%j: %j', (spec, problems) => {
  expect(kind.problems({ spec })).toEqual(problems)
})

test('an older policy may keep a range with bits beyond its prefix', () => {
  const spec = from({ ipBlock: { cidr: '10.0.0.1/8' } })
  expect(kind.updateProblems({ spec }, { spec })).toEqual([])
})

test('is shown with the pods that it is about', () => {
  expect(kind.columns).toBe('Name Pod-Selector Age')
  expect(kind.cells({ spec: { podSelector: {} } })).toEqual(['a', '<none>', '5m'])
  expect(kind.cells({ spec: { podSelector: { matchLabels: { b: 'c', a: 'b' } } } })).toEqual(['a', 'a=b,b=c', '5m'])
})
