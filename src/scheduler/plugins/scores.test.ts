import { expect, test } from 'vitest'
import type { Node, Pod } from '../../api/types/core-v1.ts'
import type { Plugin } from '../plugin.ts'
import { podInfo } from '../pod-info.ts'
import { asking, testCluster, testNode, testPod } from '../test-objects.ts'
import { imageLocality } from './image-locality.ts'
import { interPodAffinity } from './inter-pod-affinity.ts'
import { nodeAffinity } from './node-affinity.ts'
import { nodeResourcesBalancedAllocation } from './node-resources-balanced-allocation.ts'
import { nodeResourcesFit } from './node-resources-fit.ts'
import { podTopologySpread } from './pod-topology-spread.ts'
import { taintToleration } from './taint-toleration.ts'

interface Case {
  what: string
  plugin: Plugin
  pod: Pod
  nodes: Node[]
  there?: Record<string, Pod[]>
  scores: number[] | undefined
}

const sized = (name: string, cpu: string, memory: string) => testNode(name, {}, { status: { allocatable: { cpu, memory, pods: '9' } } })
const holding = (name: string, cpu: string, memory: string) => testPod(name, { containers: [asking({ cpu, memory })] })
const app = (name: string, more = {}) => testPod(name, more, { labels: { app: 'a' } })
const taint = { key: 'k', effect: 'PreferNoSchedule' }
const withImages = (name: string, images: Record<string, number>) =>
  testNode(name, {}, { status: { images: Object.entries(images).map(([image, sizeBytes]) => ({ names: [image], sizeBytes })) } })
const term = { labelSelector: { matchLabels: { app: 'a' } }, topologyKey: 'kubernetes.io/hostname' }
const preferredTerm = [{ weight: 10, podAffinityTerm: term }]

const cases: Case[] = [
  {
    what: 'more left over is better',
    plugin: nodeResourcesFit,
    pod: holding('p', '1', '1Gi'),
    nodes: [sized('a', '4', '4Gi'), sized('b', '4', '4Gi'), sized('c', '2', '8Gi')],
    there: { b: [holding('q', '1', '1Gi')] },
    scores: [75, 50, 68],
  },
  {
    what: 'a pod that asks for nothing counts a little',
    plugin: nodeResourcesFit,
    pod: testPod('p'),
    nodes: [sized('a', '1', '2000Mi')],
    scores: [90],
  },
  {
    what: 'even use is better',
    plugin: nodeResourcesBalancedAllocation,
    pod: holding('p', '1', '1Gi'),
    nodes: [sized('a', '4', '4Gi'), sized('b', '4', '2Gi'), sized('c', '4', '1Gi')],
    scores: [100, 87, 62],
  },
  {
    what: 'no say without requests',
    plugin: nodeResourcesBalancedAllocation,
    pod: testPod('p'),
    nodes: [testNode('a')],
    scores: undefined,
  },
  {
    what: 'weights of what matches add up',
    plugin: nodeAffinity,
    pod: testPod('p', {
      affinity: {
        nodeAffinity: {
          preferredDuringSchedulingIgnoredDuringExecution: [
            { weight: 3, preference: { matchExpressions: [{ key: 'x', operator: 'Exists' }] } },
            { weight: 1, preference: { matchExpressions: [{ key: 'y', operator: 'Exists' }] } },
            { weight: 50, preference: {} },
          ],
        },
      },
    }),
    nodes: [testNode('a', { x: '', y: '' }), testNode('b', { y: '' }), testNode('c')],
    scores: [100, 25, 0],
  },
  {
    what: 'discouraging taints',
    plugin: taintToleration,
    pod: testPod('p'),
    nodes: [
      testNode('a'),
      testNode('b', {}, { spec: { taints: [taint] } }),
      testNode('c', {}, { spec: { taints: [taint, { ...taint, key: 'l' }] } }),
    ],
    scores: [100, 50, 0],
  },
  {
    what: 'the least wanted node has nothing, also where others are there',
    plugin: interPodAffinity,
    pod: testPod('p', { affinity: { podAffinity: { preferredDuringSchedulingIgnoredDuringExecution: preferredTerm } } }),
    nodes: [testNode('a'), testNode('b')],
    there: { a: [app('q'), app('r')], b: [app('s')] },
    scores: [100, 0],
  },
  {
    what: 'images that are there, weighed by how many nodes have them',
    plugin: imageLocality,
    pod: testPod('p', { containers: [{ name: 'c', image: 'app' }] }),
    nodes: [withImages('a', { 'app:latest': 1000 * 1024 * 1024 }), testNode('b')],
    scores: [48, 0],
  },
  {
    what: 'preferred affinity draws',
    plugin: interPodAffinity,
    pod: testPod('p', { affinity: { podAffinity: { preferredDuringSchedulingIgnoredDuringExecution: preferredTerm } } }),
    nodes: [testNode('a'), testNode('b'), testNode('c')],
    there: { a: [app('q'), app('r')], b: [app('s')] },
    scores: [100, 50, 0],
  },
  {
    what: 'the least wanted node has nothing, also where others are there',
    plugin: interPodAffinity,
    pod: testPod('p', { affinity: { podAffinity: { preferredDuringSchedulingIgnoredDuringExecution: preferredTerm } } }),
    nodes: [testNode('a'), testNode('b')],
    there: { a: [app('q'), app('r')], b: [app('s')] },
    scores: [100, 0],
  },
  {
    what: 'preferred anti-affinity, also of those who are there, repels',
    plugin: interPodAffinity,
    pod: app('p'),
    nodes: [testNode('a'), testNode('b')],
    there: { a: [testPod('q', { affinity: { podAntiAffinity: { preferredDuringSchedulingIgnoredDuringExecution: preferredTerm } } })] },
    scores: [0, 100],
  },
  {
    what: 'fewer of a kind is better; nodes without the label come last',
    plugin: podTopologySpread,
    pod: app('p', {
      topologySpreadConstraints: [
        { topologyKey: 'zone', maxSkew: 1, whenUnsatisfiable: 'ScheduleAnyway', labelSelector: { matchLabels: { app: 'a' } } },
      ],
    }),
    nodes: [testNode('a', { zone: 'x' }), testNode('b', { zone: 'y' }), testNode('c')],
    there: { a: [app('q'), app('r')] },
    scores: [0, 100, 0],
  },
]

test.each(cases)('$plugin.name: $what', ({ plugin, pod, nodes, there, scores }) => {
  const { snapshot } = testCluster(nodes, there)
  const found = plugin.begin(podInfo(pod), snapshot).score?.(nodes.map(({ metadata }) => snapshot.node(metadata.name)!))
  expect(found).toEqual(scores)
})
