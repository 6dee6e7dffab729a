import type { Pod } from '../api/types/core-v1.ts'
import type { Cache } from '../client/client.ts'

const nodeIndex = 'spec.nodeName'

export const addNodeIndex = (pods: Cache<Pod>): void => pods.addIndex(nodeIndex, ({ spec }) => (spec.nodeName ? [spec.nodeName] : []))

/** Needs `addNodeIndex`. */
export const podsOn = (pods: Cache<Pod>, node: string): readonly Pod[] => pods.byIndex(nodeIndex, node)
