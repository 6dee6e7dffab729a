import { isDeepStrictEqual } from 'node:util'
import type { Node, Pod } from '../api/types/core-v1.ts'

/** A change of the cluster that may let a pod in that did not fit before. */
export type ClusterChange =
  | 'node-added'
  | 'node-removed'
  | 'node-allocatable'
  | 'node-labels'
  | 'node-taints'
  | 'pod-added'
  | 'pod-labels'
  | 'pod-removed'
  | 'pod-resized'
  | 'namespace-labels'

/** `undefined` before: the node is new. Heartbeats and conditions change nothing here. */
export function nodeChanges(before: Node | undefined, after: Node): readonly ClusterChange[] {
  if (!before) return ['node-added']
  const changes: ClusterChange[] = []
  if (!isDeepStrictEqual(before.status?.allocatable, after.status?.allocatable)) changes.push('node-allocatable')
  if (!isDeepStrictEqual(before.metadata.labels, after.metadata.labels)) changes.push('node-labels')
  if (!isDeepStrictEqual(before.spec?.taints, after.spec?.taints) || before.spec?.unschedulable !== after.spec?.unschedulable)
    changes.push('node-taints')
  return changes
}

/** What changed of a pod that has its node: undefined before, it came; undefined after, it went. */
export function placedPodChanges(before: Pod | undefined, after: Pod | undefined): readonly ClusterChange[] {
  if (!before) return ['pod-added']
  if (!after) return ['pod-removed']
  const changes: ClusterChange[] = []
  // Spreading does not count a pod that goes.
  if (
    before.metadata.deletionTimestamp !== after.metadata.deletionTimestamp ||
    !isDeepStrictEqual(before.metadata.labels, after.metadata.labels)
  )
    changes.push('pod-labels')
  if (!isDeepStrictEqual(resources(before), resources(after))) changes.push('pod-resized')
  return changes
}

const resources = ({ spec, status }: Pod) => [
  spec?.containers.map((container) => container.resources),
  status?.containerStatuses?.map(({ allocatedResources, resources: held }) => [allocatedResources, held]),
]
