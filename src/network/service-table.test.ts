import { execFileSync } from 'node:child_process'
import { expect, test } from 'vitest'
import type { Service } from '../api/types/core-v1.ts'
import type { EndpointSlice } from '../api/types/discovery-v1.ts'
import { serviceRules } from './service-rules.ts'
import { changeText, tableText } from './service-table.ts'

const options = {
  clusterName: 'probe',
  clusterIndex: 9,
  podRange: '10.73.0.0/16',
  serviceRange: '10.169.0.0/16',
  nodeAddress: '10.73.255.1',
  dnsAddress: '10.169.0.10',
}
const service = (spec: Partial<Service['spec']> = {}): Service => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'web', namespace: 'default' },
  spec: { clusterIP: '10.169.0.5', ports: [{ port: 80 }], ...spec },
})
const slice = (addresses: string[], conditions = {}): EndpointSlice => ({
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  addressType: 'IPv4',
  metadata: { name: 'web-1', namespace: 'default', labels: { 'kubernetes.io/service-name': 'web' } },
  ports: [{ port: 8080, protocol: 'TCP' }],
  endpoints: addresses.map((address) => ({ addresses: [address], conditions })),
})
const rules = (services: Service[], endpointSlices: EndpointSlice[]) =>
  serviceRules({ services, endpointSlices, hostPortPods: [], nodeName: 'n', nodeAddresses: [options.nodeAddress], ownAddresses: [] })

test('a service maps its frontend to its backends', () => {
  const { frontends, endpoints } = rules([service()], [slice(['10.73.0.2', '10.73.0.3'])])
  expect([...frontends]).toEqual([['10.169.0.5 . tcp . 80', 'goto n2']])
  expect(endpoints.get('10.169.0.5 . tcp . 80 . 1')).toBe('10.73.0.3 . 8080')
})
test('without endpoints it refuses; ending endpoints that serve are the last resort', () => {
  expect([...rules([service()], []).unserved]).toEqual([['10.169.0.5 . tcp . 80', 'goto refuse']])
  const ending = slice(['10.73.0.2'], { ready: false, serving: true, terminating: true })
  expect(rules([service()], [ending]).frontends.size).toBe(1)
})
test('one more backend touches few elements', () => {
  const before = rules([service()], [slice(['10.73.0.2'])])
  expect(changeText(options, before, before)).toBe('')
  const text = changeText(options, before, rules([service()], [slice(['10.73.0.2', '10.73.0.3'])]))
  expect(text).toContain('delete element ip sampan-probe frontends { 10.169.0.5 . tcp . 80 }')
  expect(text).not.toContain('. 0 :')
})
test.skipIf(process.getuid?.() !== 0)('nft takes the table and every change (needs root)', () => {
  const sticky = service({ sessionAffinity: 'ClientIP', ports: [{ port: 80, nodePort: 30080 }] })
  const before = rules([sticky], [slice(['10.73.0.2'])])
  const after = rules([service()], [slice(['10.73.0.2', '10.73.0.3'])])
  const input = tableText(options, before) + changeText(options, before, after) + changeText(options, after, before)
  expect(() => execFileSync('unshare', ['-n', 'nft', '-f', '-'], { input })).not.toThrow()
})
