import { expect, test } from 'vitest'
import { podStatusText, qosClassOf } from './pod.ts'
import { qosClassOfSpec } from './pod-qos.ts'

test.each([
  [undefined, 'BestEffort'],
  [{ requests: { cpu: '1' } }, 'Burstable'],
  [{ limits: { cpu: '1', memory: '1Gi' }, requests: { cpu: '1', memory: '1Gi' } }, 'Guaranteed'],
])('resources %j make a pod %s', (resources, expected) => {
  expect(qosClassOf([{ ...(resources && { resources }) }])).toBe(expected)
})

test('what a pod asks for as a whole decides its class, where it asks so at all', () => {
  const containers = [{ name: 'a', resources: { requests: { cpu: '1' } } }]
  const whole = { cpu: '1', memory: '1Gi' }
  expect(qosClassOfSpec({ containers, resources: { limits: whole, requests: whole } })).toBe('Guaranteed')
  expect(qosClassOfSpec({ containers, resources: {} })).toBe('Burstable')
})

test('a leaving pod is shown as Terminating', () => {
  const metadata = { name: 'a', deletionTimestamp: '2026-01-01T00:00:00Z' }
  expect(podStatusText({ apiVersion: 'v1', kind: 'Pod', metadata, spec: { containers: [] } })).toBe('Terminating')
})
