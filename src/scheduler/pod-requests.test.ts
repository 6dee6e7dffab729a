import { expect, test } from 'vitest'
import { podRequests } from './pod-requests.ts'
import { asking, testPod } from './test-objects.ts'

const always = { restartPolicy: 'Always' }
const cpu = (text: string, more = {}) => ({ ...asking({ cpu: text }), ...more })

test.each([
  ['containers add up', { containers: [cpu('1'), cpu('250m')] }, 1250],
  ['an init container that needs more than all of them', { initContainers: [cpu('3'), cpu('2')], containers: [cpu('1')] }, 3000],
  ['a sidecar runs beside the containers', { initContainers: [cpu('1', always)], containers: [cpu('1')] }, 2000],
  ['and beside the init containers after it', { initContainers: [cpu('1', always), cpu('3')], containers: [cpu('1')] }, 4000],
  ['but not those before it', { initContainers: [cpu('3'), cpu('1', always)], containers: [cpu('1')] }, 3000],
  ['overhead comes on top', { containers: [cpu('1')], overhead: { cpu: '100m' } }, 1100],
  ['what the pod asks for as a whole goes first', { containers: [cpu('1')], resources: { requests: { cpu: '3' } } }, 3000],
])('%s', (_what, spec, millis) => {
  expect(podRequests(testPod('p', spec)).needed.get('cpu')).toBe(millis)
})

test('a container that is being resized holds the most of what it asks for, was promised and has', () => {
  const pod = testPod('p', { containers: [cpu('1')] })
  const status = { name: 'c', image: '', imageID: '', ready: true, restartCount: 0 }
  const containerStatuses = [{ ...status, allocatedResources: { cpu: '2' }, resources: { requests: { cpu: '1500m' } } }]
  expect(podRequests({ ...pod, status: { containerStatuses } }).needed.get('cpu')).toBe(2000)
  const conditions = [{ type: 'PodResizePending', status: 'True', reason: 'Infeasible' }]
  const larger = testPod('p', { containers: [cpu('8')] })
  expect(podRequests({ ...larger, status: { containerStatuses, conditions } }).needed.get('cpu')).toBe(2000)
})
