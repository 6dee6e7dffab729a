import type { Node, Pod, PodSpec } from '../api/types/core-v1.ts'
import { type ClusterState, createClusterState } from './cluster-state.ts'
import { podInfo } from './pod-info.ts'

/** Objects for the scheduler's tests. */
export const testNode = (name: string, labels: Record<string, string> = {}, more: Partial<Pick<Node, 'spec' | 'status'>> = {}): Node => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name, labels: { 'kubernetes.io/hostname': name, ...labels } },
  spec: {},
  ...more,
  status: { allocatable: { cpu: '4', memory: '8Gi', pods: '110' }, ...more.status },
})

export const testPod = (name: string, spec: Partial<PodSpec> = {}, metadata: Partial<Pod['metadata']> = {}): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace: 'default', uid: name, ...metadata },
  spec: { containers: [{ name: 'c', image: 'app:1' }], ...spec },
})

export const asking = (requests: Record<string, string>) => ({ name: 'c', image: 'app:1', resources: { requests } })

/** A cluster of these nodes, with pods by node. */
export function testCluster(nodes: readonly Node[], pods: Readonly<Record<string, readonly Pod[]>> = {}): ClusterState {
  const state = createClusterState({ namespaceLabels: (namespace) => ({ name: namespace }), siblings: () => undefined })
  for (const node of nodes) state.setNode(node)
  for (const [node, there] of Object.entries(pods)) for (const pod of there) state.place(podInfo(pod), node)
  return state
}
