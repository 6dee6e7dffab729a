import { expect, test } from 'vitest'
import type { Problem } from '../../problem.ts'
import type { Pod } from '../../types/core-v1.ts'
import { checkEphemeralContainers, checkResize } from './pod-part-rules.ts'

const pod = (spec: object) => ({ metadata: { name: 'a' }, spec }) as unknown as Pod
const sized = (resources: object) => pod({ containers: [{ name: 'c', resources }] })
const told = (check: typeof checkResize, now: Pod, before: Pod) => {
  const found: Problem[] = []
  check(found, now, before)
  return found.map(({ field, message }) => `${field}: ${message}`)
}

test.each<[object, object, string[]]>([
  [{ requests: { cpu: '1' } }, { requests: { cpu: '2', memory: '1Gi' } }, []],
  [
    { requests: { cpu: '1' } },
    { requests: { cpu: '1' }, limits: { cpu: '1', memory: '1Gi' } },
    ['spec: Invalid value: "Guaranteed": Pod QOS Class may not change as a result of resizing'],
  ],
  [
    { requests: { cpu: '1', memory: '1Gi' } },
    { requests: { memory: '1Gi' } },
    ['spec.containers[0].resources.requests: Forbidden: resource requests cannot be removed'],
  ],
  [
    { requests: { cpu: '1' }, limits: { 'example.com/gpu': '1' } },
    { requests: { cpu: '1' }, limits: { 'example.com/gpu': '2' } },
    ['spec: Forbidden: only cpu and memory resources are mutable'],
  ],
])('from %j to %j', (before, now, problems) => {
  const asGiven = problems[0]?.includes('Guaranteed') ? { ...now, requests: { cpu: '1', memory: '1Gi' } } : now
  expect(told(checkResize, sized(asGiven), sized(before))).toEqual(problems)
})

test('ephemeral containers are added, and stay as they are', () => {
  const withOnes = (...containers: object[]) => pod({ containers: [], ephemeralContainers: containers })
  const [a, b] = [
    { name: 'a', image: 'i' },
    { name: 'b', image: 'i' },
  ]
  expect(told(checkEphemeralContainers, withOnes(a, b), withOnes(a))).toEqual([])
  expect(told(checkEphemeralContainers, withOnes(b), withOnes(a))).toEqual([
    'spec.ephemeralContainers: Forbidden: existing ephemeral containers "a" may not be removed\n',
  ])
  expect(told(checkEphemeralContainers, withOnes({ ...a, image: 'j' }), withOnes(a))).toEqual([
    'spec.ephemeralContainers: Forbidden: existing ephemeral containers "a" may not be changed\n',
  ])
})
