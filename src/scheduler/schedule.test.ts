import fc from 'fast-check'
import { expect, test } from 'vitest'
import { seededRandom } from '../base/random.ts'
import { podInfo } from './pod-info.ts'
import { sampleSize, schedule } from './schedule.ts'
import { standardPlugins } from './standard-plugins.ts'
import { asking, testCluster, testNode, testPod } from './test-objects.ts'

const random = seededRandom(1)
const place = (state: ReturnType<typeof testCluster>, pod: ReturnType<typeof podInfo>) => {
  const { outcome } = schedule({ pod, cluster: state.snapshot, plugins: standardPlugins, start: 0, random })
  if (outcome.type === 'fits') state.place(pod, outcome.nodeName)
  return outcome
}

test('whatever comes and goes, no node gives more than it has, and the sums stay true', () => {
  const change = fc.record({ cpu: fc.integer({ min: 0, max: 1500 }), port: fc.integer({ min: 0, max: 3 }), removes: fc.boolean() })
  fc.assert(
    fc.property(fc.array(change, { maxLength: 60 }), (changes) => {
      const allocatable = { cpu: '2', memory: '4Gi', pods: '5' }
      const state = testCluster(['a', 'b', 'c'].map((name) => testNode(name, {}, { status: { allocatable } })))
      const there: string[] = []
      for (const [index, { cpu, port, removes }] of changes.entries()) {
        if (removes) state.remove(there.shift() ?? '')
        const ports = port > 0 ? [{ containerPort: 1, hostPort: port }] : []
        const pod = podInfo(testPod(`p${index}`, { containers: [{ ...asking({ cpu: `${cpu}m` }), ports }] }))
        if (place(state, pod).type === 'fits') there.push(pod.uid)
        for (const node of state.snapshot.nodes) {
          const pods = [...node.pods.values()]
          const sum = pods.reduce((total, info) => total + (info.needed.get('cpu') ?? 0), 0)
          expect(node.requested.get('cpu') ?? 0).toBe(sum)
          expect(sum).toBeLessThanOrEqual(2000)
          expect(pods.length).toBeLessThanOrEqual(5)
          const held = pods.flatMap(({ hostPorts }) => hostPorts.map((hostPort) => hostPort.port))
          expect(new Set(held).size).toBe(held.length)
        }
      }
    }),
    { numRuns: 60 },
  )
})

test('of a large cluster a part is looked at, in turns', () => {
  expect([99, 100, 1000, 5000, 10_000].map(sampleSize)).toEqual([99, 100, 420, 500, 500])
  const state = testCluster(Array.from({ length: 300 }, (_, index) => testNode(`n${index}`)))
  const pod = podInfo(testPod('p'))
  const { nextStart } = schedule({ pod, cluster: state.snapshot, plugins: standardPlugins, start: 250, random })
  expect(nextStart).toBe((250 + sampleSize(300)) % 300)
})

test('without nodes, and when the named node is not there', () => {
  expect(place(testCluster([]), podInfo(testPod('p')))).toMatchObject({ diagnosis: { message: 'no nodes available to schedule pods' } })
  const matchFields = [{ key: 'metadata.name', operator: 'In', values: ['gone'] }]
  const affinity = { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchFields }] } } }
  expect(place(testCluster([testNode('a')]), podInfo(testPod('p', { affinity })))).toMatchObject({
    diagnosis: {
      message:
        "0/1 nodes are available: 1 node(s) didn't satisfy plugin(s) [NodeAffinity]. preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling.",
    },
  })
})

test('nodes of a snapshot take turns by zone, and a node that comes back finds its pods', () => {
  const zone = (name: string, value: string) => testNode(name, { 'topology.kubernetes.io/zone': value })
  const state = testCluster([zone('a', 'x'), zone('b', 'x'), zone('c', 'y')], { a: [testPod('p')] })
  expect(state.snapshot.nodes.map(({ name }) => name)).toEqual(['a', 'c', 'b'])
  state.removeNode('a')
  expect([...state.snapshot.podsIn('default')]).toEqual([])
  state.setNode(zone('a', 'x'))
  expect(state.snapshot.node('a')?.pods.size).toBe(1)
})
