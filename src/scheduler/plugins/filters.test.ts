import { expect, test } from 'vitest'
import type { Node, Pod } from '../../api/types/core-v1.ts'
import type { Plugin } from '../plugin.ts'
import { podInfo } from '../pod-info.ts'
import { asking, testCluster, testNode, testPod } from '../test-objects.ts'
import { interPodAffinity } from './inter-pod-affinity.ts'
import { nodeAffinity } from './node-affinity.ts'
import { nodeName } from './node-name.ts'
import { nodePorts } from './node-ports.ts'
import { nodeResourcesFit } from './node-resources-fit.ts'
import { nodeUnschedulable } from './node-unschedulable.ts'
import { podTopologySpread } from './pod-topology-spread.ts'
import { taintToleration } from './taint-toleration.ts'

interface Case {
  what: string
  plugin: Plugin
  pod: Pod
  nodes: Node[]
  there?: Record<string, Pod[]>
  /** What each node answers: undefined, or its reasons. */
  answers: (string | undefined)[]
}

const zone = (name: string, zone: string) => testNode(name, { 'topology.kubernetes.io/zone': zone })
const labelled = (name: string, labels: Record<string, string>, spec = {}, more: Partial<Pod['metadata']> = {}) =>
  testPod(name, spec, { labels, ...more })
const tainted = (effect: string, value?: string) =>
  testNode(`${effect}-${value}`, {}, { spec: { taints: [{ key: 'k', effect, ...(value !== undefined && { value }) }] } })
const required = (matchExpressions: { key: string; operator: string; values?: string[] }[]) => ({
  affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchExpressions }] } } },
})
const port = (hostPort: number, more = {}) => ({
  containers: [{ name: 'c', image: 'app:1', ports: [{ containerPort: 80, hostPort, ...more }] }],
})
const term = (app: string, topologyKey: string, more = {}) => ({ labelSelector: { matchLabels: { app } }, topologyKey, ...more })
const near = (...terms: ReturnType<typeof term>[]) => ({
  affinity: { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: terms } },
})
const apart = (...terms: ReturnType<typeof term>[]) => ({
  affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: terms } },
})
const spread = (topologyKey: string, more = {}) => ({
  topologySpreadConstraints: [
    { topologyKey, maxSkew: 1, whenUnsatisfiable: 'DoNotSchedule', labelSelector: { matchLabels: { app: 'a' } }, ...more },
  ],
})
const zoneKey = 'topology.kubernetes.io/zone'
const host = 'kubernetes.io/hostname'

const untolerated = 'node(s) had untolerated taint(s)'
const noAffinity = "node(s) didn't match Pod's node affinity/selector"
const noPorts = "node(s) didn't have free ports for the requested pod ports"
const notNear = "node(s) didn't match pod affinity rules"
const notApart = "node(s) didn't match pod anti-affinity rules"
const repelled = "node(s) didn't satisfy existing pods anti-affinity rules"
const skewed = "node(s) didn't match pod topology spread constraints"

const small = (name: string, allocatable: Record<string, string>) => testNode(name, {}, { status: { allocatable } })

const cases: Case[] = [
  {
    what: 'every resource that lacks is named, zero requests never lack',
    plugin: nodeResourcesFit,
    pod: testPod('p', { containers: [asking({ cpu: '2', memory: '1Gi', 'example.com/gpu': '1', 'ephemeral-storage': '0' })] }),
    nodes: [
      small('n', { cpu: '1', memory: '512Mi', pods: '1' }),
      small('m', { cpu: '2', memory: '1Gi', pods: '1', 'example.com/gpu': '1' }),
    ],
    answers: ['Insufficient cpu, Insufficient memory, Insufficient example.com/gpu', undefined],
  },
  {
    what: 'what others hold counts, and so does their number',
    plugin: nodeResourcesFit,
    pod: testPod('p', { containers: [asking({ cpu: '1' })] }),
    nodes: [small('n', { cpu: '1500m', pods: '1' })],
    there: { n: [testPod('q', { containers: [asking({ cpu: '501m' })] })] },
    answers: ['Too many pods, Insufficient cpu'],
  },
  {
    what: 'a pod that names its node',
    plugin: nodeName,
    pod: testPod('p', { nodeName: 'b' }),
    nodes: [testNode('a'), testNode('b')],
    answers: ["node(s) didn't match the requested node name", undefined],
  },
  {
    what: 'a cordoned node',
    plugin: nodeUnschedulable,
    pod: testPod('p'),
    nodes: [testNode('a', {}, { spec: { unschedulable: true } }), testNode('b')],
    answers: ['node(s) were unschedulable', undefined],
  },
  {
    what: 'a cordoned node, tolerated',
    plugin: nodeUnschedulable,
    pod: testPod('p', { tolerations: [{ operator: 'Exists' }] }),
    nodes: [testNode('a', {}, { spec: { unschedulable: true } })],
    answers: [undefined],
  },
  {
    what: 'taints that forbid',
    plugin: taintToleration,
    pod: testPod('p', { tolerations: [{ key: 'k', value: 'w', effect: 'NoSchedule' }] }),
    nodes: [
      tainted('NoSchedule', 'v'),
      tainted('NoExecute', 'v'),
      tainted('PreferNoSchedule', 'v'),
      tainted('NoSchedule', 'w'),
      tainted('NoSchedule'),
    ],
    answers: [untolerated, untolerated, undefined, undefined, untolerated],
  },
  {
    what: 'a toleration without effect stands for all',
    plugin: taintToleration,
    pod: testPod('p', { tolerations: [{ key: 'k', operator: 'Exists' }] }),
    nodes: [tainted('NoSchedule', 'v'), tainted('NoExecute', 'w')],
    answers: [undefined, undefined],
  },
  {
    what: 'nodeSelector',
    plugin: nodeAffinity,
    pod: testPod('p', { nodeSelector: { disk: 'ssd' } }),
    nodes: [testNode('a', { disk: 'ssd' }), testNode('b', { disk: 'hdd' }), testNode('c')],
    answers: [undefined, noAffinity, noAffinity],
  },
  {
    what: 'required expressions',
    plugin: nodeAffinity,
    pod: testPod(
      'p',
      required([
        { key: 'cores', operator: 'Gt', values: ['8'] },
        { key: 'old', operator: 'DoesNotExist' },
      ]),
    ),
    nodes: [testNode('a', { cores: '16' }), testNode('b', { cores: '8' }), testNode('c', { cores: '16', old: 'yes' })],
    answers: [undefined, noAffinity, noAffinity],
  },
  {
    what: 'an empty term matches nothing',
    plugin: nodeAffinity,
    pod: testPod('p', required([])),
    nodes: [testNode('a')],
    answers: [noAffinity],
  },
  {
    what: 'host ports, by protocol and address',
    plugin: nodePorts,
    pod: testPod('p', port(80)),
    nodes: [testNode('a'), testNode('b'), testNode('c'), testNode('d')],
    there: {
      a: [testPod('q', port(80))],
      b: [testPod('r', port(80, { hostIP: '10.0.0.1' }))],
      c: [testPod('s', port(80, { protocol: 'UDP' }))],
      d: [testPod('t', port(81))],
    },
    answers: [noPorts, noPorts, undefined, undefined],
  },
  {
    what: 'affinity: where such a pod is, by topology',
    plugin: interPodAffinity,
    pod: testPod('p', near(term('db', zoneKey))),
    nodes: [zone('a', 'x'), zone('b', 'x'), zone('c', 'y'), testNode('d')],
    there: { a: [labelled('db', { app: 'db' })], c: [labelled('other', { app: 'db' }, {}, { namespace: 'elsewhere' })] },
    answers: [undefined, undefined, notNear, notNear],
  },
  {
    what: 'affinity reaches namespaces by their labels',
    plugin: interPodAffinity,
    pod: testPod('p', near(term('db', host, { namespaceSelector: { matchLabels: { name: 'elsewhere' } } }))),
    nodes: [testNode('a'), testNode('b')],
    there: { a: [labelled('db', { app: 'db' })], b: [labelled('other', { app: 'db' }, {}, { namespace: 'elsewhere' })] },
    answers: [notNear, undefined],
  },
  {
    what: 'the first of a group may go anywhere that has the topology',
    plugin: interPodAffinity,
    pod: labelled('p', { app: 'a' }, near(term('a', zoneKey))),
    nodes: [zone('a', 'x'), testNode('b')],
    answers: [undefined, notNear],
  },
  {
    what: 'anti-affinity keeps away from others',
    plugin: interPodAffinity,
    pod: testPod('p', apart(term('a', host))),
    nodes: [testNode('a'), testNode('b')],
    there: { a: [labelled('q', { app: 'a' })] },
    answers: [notApart, undefined],
  },
  {
    what: 'and others from it',
    plugin: interPodAffinity,
    pod: labelled('p', { app: 'a' }),
    nodes: [zone('a', 'x'), zone('b', 'x'), zone('c', 'y')],
    there: { a: [testPod('q', apart(term('a', zoneKey)))] },
    answers: [repelled, repelled, undefined],
  },
  {
    what: 'spreading counts per domain; pods that go do not count',
    plugin: podTopologySpread,
    pod: labelled('p', { app: 'a' }, spread(zoneKey)),
    nodes: [zone('a', 'x'), zone('b', 'x'), zone('c', 'y'), testNode('d')],
    there: {
      a: [labelled('q', { app: 'a' })],
      c: [labelled('r', { app: 'a' }, {}, { deletionTimestamp: '2026-01-01T00:00:00Z' }), labelled('s', { app: 'b' })],
    },
    answers: [skewed, skewed, undefined, `${skewed} (missing required label)`],
  },
  {
    what: 'fewer domains than minDomains count as one more that is empty',
    plugin: podTopologySpread,
    pod: labelled('p', { app: 'a' }, spread(zoneKey, { minDomains: 2 })),
    nodes: [zone('a', 'x')],
    there: { a: [labelled('q', { app: 'a' })] },
    answers: [skewed],
  },
  {
    what: 'a selector that asks for nothing counts nothing',
    plugin: podTopologySpread,
    pod: labelled('p', { app: 'a' }, spread(host, { labelSelector: {} })),
    nodes: [testNode('a'), testNode('b')],
    there: { a: [labelled('q', { app: 'a' })] },
    answers: [undefined, undefined],
  },
  {
    what: 'nodes that the pod cannot use are no domains',
    plugin: podTopologySpread,
    pod: labelled('p', { app: 'a' }, { ...spread(host), nodeSelector: { disk: 'ssd' } }),
    nodes: [testNode('a', { disk: 'ssd' }), testNode('b')],
    there: { a: [labelled('q', { app: 'a' })] },
    answers: [undefined, undefined],
  },
]

test.each(cases)('$plugin.name: $what', ({ plugin, pod, nodes, there, answers }) => {
  const { snapshot } = testCluster(nodes, there)
  const { filter } = plugin.begin(podInfo(pod), snapshot)
  const found = nodes.map(({ metadata }) => filter?.(snapshot.node(metadata.name)!)?.reasons.join(', '))
  expect(found).toEqual(answers)
})

test('a DaemonSet pod looks at its own node alone', () => {
  const matchFields = [{ key: 'metadata.name', operator: 'In', values: ['b'] }]
  const affinity = { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchFields }] } } }
  const { only } = nodeAffinity.begin(podInfo(testPod('p', { affinity })), testCluster([]).snapshot)
  expect(only).toEqual(new Set(['b']))
})
