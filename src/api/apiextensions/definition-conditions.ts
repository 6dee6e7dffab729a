import type { CustomResourceDefinitionCondition } from '../types/apiextensions-v1.ts'

/** Holds a deleted definition until its objects are gone. */
export const cleanupFinalizer = 'customresourcecleanup.apiextensions.k8s.io'

/** A condition without the time of its last change. */
export type Stated = Pick<CustomResourceDefinitionCondition, 'type' | 'status' | 'reason' | 'message'>

/** A deletion has been asked for. */
export const instancesPending: Stated = {
  type: 'Terminating',
  status: 'True',
  reason: 'InstanceDeletionPending',
  message: 'CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon',
}

export const instancesGoing: Stated = {
  type: 'Terminating',
  status: 'True',
  reason: 'InstanceDeletionInProgress',
  message: 'CustomResource deletion is in progress',
}

export const instancesGone: Stated = {
  type: 'Terminating',
  status: 'False',
  reason: 'InstanceDeletionCompleted',
  message: 'removed all instances',
}

/** The conditions with one of them as stated; a status that stays keeps its time. */
export function withCondition(
  conditions: readonly CustomResourceDefinitionCondition[],
  stated: Stated,
  time: string,
): CustomResourceDefinitionCondition[] {
  const before = conditions.find(({ type }) => type === stated.type)
  const lastTransitionTime = before?.status === stated.status ? (before.lastTransitionTime ?? time) : time
  const condition = {
    lastTransitionTime,
    message: stated.message ?? '',
    reason: stated.reason ?? '',
    status: stated.status,
    type: stated.type,
  }
  return before ? conditions.map((one) => (one === before ? condition : one)) : [...conditions, condition]
}
