import { nodes as nodesRef, pods as podsRef } from '../api/resources.ts'
import type { Pod } from '../api/types/core-v1.ts'
import type { Clock } from '../base/clock.ts'
import type { Caches } from '../client/client.ts'
import { unlessGone } from './api-errors.ts'
import { type Controller, type Outcome, type Reconcile, watchOf } from './controller.ts'
import { disruptionPatch } from './disruption-target.ts'
import { hasEnded } from './pod-state.ts'
import { addNodeIndex, podsOn } from './pods-on-node.ts'

/** Upstream's `--terminated-pod-gc-threshold`. */
const maxEnded = 12_500
/** A node that is not there may be on its way: its pods are given so long. */
const quarantineMs = 40_000

/** What of a pod this controller may have to act on. */
type Case = 'orphaned' | 'unscheduled' | 'ended' | undefined

/** Deletes pods that nobody else will: of nodes that are gone, never placed and being deleted, or ended in too large numbers. */
export function podGcController({ caches, clock }: { caches: Caches; clock: Clock }): Controller<Pod> {
  const { client } = caches
  const pods = caches.cache(podsRef)
  const nodes = caches.cache(nodesRef)
  /** Since when a pod's node is missing. */
  const missingMs = new Map<string, number>()
  /** Ended pods in the order in which they ended: who did first goes first. */
  const ended = new Set<string>()
  addNodeIndex(pods)

  return {
    name: 'pod-garbage-collector',
    primary: pods,
    matters(before, after) {
      const key = keyOf(after ?? before)
      if (after && hasEnded(after)) ended.add(key)
      else ended.delete(key)
      if (!after) missingMs.delete(before?.metadata.uid ?? '')
      return after !== undefined && caseOf(after) !== undefined
    },
    watches: [watchOf(nodes, (before, after) => (before && !after ? podsOn(pods, before.metadata.name).map(keyOf) : []))],
    reconcile,
  }

  function caseOf(pod: Pod): Case {
    const { nodeName } = pod.spec
    if (nodeName && !nodes.get(undefined, nodeName)) return 'orphaned'
    if (!nodeName && pod.metadata.deletionTimestamp !== undefined) return 'unscheduled'
    return ended.size > maxEnded && hasEnded(pod) ? 'ended' : undefined
  }

  async function reconcile(pod: Pod, context: Reconcile): Promise<Outcome> {
    const found = caseOf(pod)
    switch (found) {
      case undefined:
        missingMs.delete(pod.metadata.uid ?? '')
        return undefined
      case 'orphaned':
        return removeOrphan(pod, context)
      case 'unscheduled':
        await remove(pod, context)
        return undefined
      case 'ended':
        await removeEnded(context)
        return undefined
    }
  }

  async function removeOrphan(pod: Pod, context: Reconcile): Promise<Outcome> {
    const { nodeName = '' } = pod.spec
    const nowMs = clock.now()
    const uid = pod.metadata.uid ?? ''
    const sinceMs = missingMs.get(uid) ?? nowMs
    missingMs.set(uid, sinceMs)
    const leftMs = sinceMs + quarantineMs - nowMs
    if (leftMs > 0) return { afterMs: leftMs }
    if (await unlessGone(client.resource(nodesRef).get(undefined, nodeName))) return undefined
    const { namespace, name } = pod.metadata
    if (!hasEnded(pod)) {
      const patch = disruptionPatch(pod, 'DeletionByPodGC', 'PodGC: node no longer exists', nowMs, 'Failed')
      await unlessGone(client.resource(podsRef).patch(namespace, name, 'strategic', patch, { subresource: 'status', cause: context.cause }))
    }
    await remove(pod, context)
    return undefined
  }

  async function removeEnded(context: Reconcile): Promise<void> {
    const surplus = [...ended].slice(0, Math.max(0, ended.size - maxEnded))
    for (const key of surplus) {
      const [namespace, name = ''] = key.split('/')
      const pod = pods.get(namespace, name)
      if (pod && hasEnded(pod)) await remove(pod, context)
    }
  }

  async function remove({ metadata }: Pod, { cause }: Reconcile): Promise<void> {
    const preconditions = metadata.uid === undefined ? {} : { preconditions: { uid: metadata.uid } }
    await unlessGone(client.resource(podsRef).delete(metadata.namespace, metadata.name, { gracePeriodSeconds: 0, ...preconditions, cause }))
  }
}

const keyOf = (pod: Pod | undefined) => `${pod?.metadata.namespace}/${pod?.metadata.name}`
