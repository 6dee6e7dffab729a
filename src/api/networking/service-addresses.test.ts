import { describe, expect, test } from 'vitest'
import { kindUnderTest } from '../kind-under-test.ts'
import { nameProblems } from '../name-rules.ts'

const address = kindUnderTest('networking.k8s.io', 'v1', 'IPAddress')
const range = kindUnderTest('networking.k8s.io', 'v1', 'ServiceCIDR')

describe('an address', () => {
  const parentRef = { resource: 'services', namespace: 'default', name: 'kubernetes' }

  test.each([
    [{ parentRef }, []],
    [{}, ['spec.parentRef: Required value']],
    [{ parentRef: {} }, ['spec.parentRef.resource: Required value', 'spec.parentRef.name: Required value']],
  ])('%j: %j', (spec, problems) => {
    expect(address.problems({ spec })).toEqual(problems)
  })

  test('is its name', () => {
    const kind = { group: 'networking.k8s.io', kind: 'IPAddress' }
    expect(nameProblems(kind, '2001:db8::1')).toEqual([])
    expect(nameProblems(kind, 'a')).toEqual(['must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)'])
  })

  test('stays with its owner', () => {
    expect(address.updateProblems({ spec: { parentRef } }, { spec: { parentRef: { ...parentRef, name: 'x' } } })).toEqual([
      'spec.parentRef: Invalid value: {"resource":"services","namespace":"default","name":"x"}: field is immutable',
    ])
  })

  test('is shown with its owner', () => {
    expect(address.columns).toBe('Name ParentRef')
    expect(address.cells({ spec: { parentRef } })).toEqual(['a', 'services/default/kubernetes'])
    expect(address.cells({ spec: { parentRef: { group: 'x.org', resource: 'gates', name: 'g' } } })).toEqual(['a', 'gates.x.org/g'])
  })
})

describe('a range', () => {
  const families = 'may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64'
  test.each([
    [['10.96.0.0/12', 'fd00::/112'], []],
    [[], ['spec.cidrs: Required value: at least one CIDR required']],
    [['10.0.0.0/8', '11.0.0.0/8'], [`spec.cidrs: Invalid value: {"cidrs":["10.0.0.0/8","11.0.0.0/8"]}: ${families}`]],
    [['10.96.0.1/12'], ['spec.cidrs[0]: Invalid value: "10.96.0.1/12": must not have bits set beyond the prefix length']],
  ])('%j: %j', (cidrs, problems) => {
    expect(range.problems({ spec: { cidrs } })).toEqual(problems)
  })

  test('stays, and is shown', () => {
    expect(range.updateProblems({ spec: { cidrs: ['10.0.0.0/8'] } }, { spec: { cidrs: ['11.0.0.0/8'] } })).toEqual([
      'spec.cidrs: Invalid value: ["11.0.0.0/8"]: field is immutable',
    ])
    expect(range.columns).toBe('Name CIDRs Age')
    expect(range.cells({ spec: { cidrs: ['10.0.0.0/8', 'fd00::/112'] } })).toEqual(['a', '10.0.0.0/8,fd00::/112', '5m'])
  })
})
