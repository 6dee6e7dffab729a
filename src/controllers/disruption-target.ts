import { timestamp } from '../api/timestamp.ts'
import type { Pod } from '../api/types/core-v1.ts'

/** A strategic patch of a pod's status that says why it is about to be deleted; with `phase`, also that it ended. */
export function disruptionPatch({ metadata }: Pod, reason: string, message: string, nowMs: number, phase?: 'Failed'): object {
  const condition = { type: 'DisruptionTarget', status: 'True', reason, message, lastTransitionTime: timestamp(nowMs) }
  return { metadata: { uid: metadata.uid }, status: { ...(phase && { phase }), conditions: [condition] } }
}
