import { conditionOf } from '../api/conditions.ts'
import { leases as leasesRef, nodes as nodesRef, pods as podsRef } from '../api/resources.ts'
import { timestamp } from '../api/timestamp.ts'
import type { Node, Pod } from '../api/types/core-v1.ts'
import type { Clock } from '../base/clock.ts'
import type { Caches } from '../client/client.ts'
import type { EventRecorder } from '../client/event-recorder.ts'
import { semanticEqual } from '../client/semantic-equal.ts'
import { unlessGone } from './api-errors.ts'
import { type Controller, type Outcome, type Reconcile, type Watch, watchOf } from './controller.ts'
import { readyOf, silentConditions, taintsOf } from './node-health.ts'
import { isReady } from './pod-state.ts'
import { addNodeIndex, podsOn } from './pods-on-node.ts'

const leaseNamespace = 'kube-node-lease'
/** Upstream's `--node-monitor-grace-period` since 1.32, and `--node-startup-grace-period`. */
const graceMs = 50_000
const startupGraceMs = 60_000

/**
 * Finds nodes whose kubelet is silent (neither lease nor status renewed), says so in their conditions, taints nodes as
 * their conditions want, and tells that pods of silent nodes are not ready. Where no node is ready, none drives its pods
 * off: more likely the nodes cannot reach us than that all have failed at once (upstream's full disruption).
 *
 * A heartbeat only notes the time, by this process's own clock: one reconcile per node and grace period looks at it.
 */
export function nodeLifecycleController({
  caches,
  clock,
  recorder,
}: {
  caches: Caches
  clock: Clock
  recorder: EventRecorder
}): Controller<Node> {
  const { client } = caches
  const primary = caches.cache(nodesRef)
  const leases = caches.cache(leasesRef, { namespace: leaseNamespace })
  const pods = caches.cache(podsRef)
  const heardMs = new Map<string, number>()
  const ready = new Set<string>()
  addNodeIndex(pods)
  /** Reconciles all nodes when the first becomes ready, and when the last is so no longer. */
  const whetherAnyIsReady: Watch = {
    subscribe(enqueue) {
      for (const node of primary.list()) if (readyOf(node) === 'True') ready.add(node.metadata.name)
      return primary.onChange((before, after) => {
        const wasAny = ready.size > 0
        if (after && readyOf(after) === 'True') ready.add(after.metadata.name)
        else ready.delete((after ?? before)?.metadata.name ?? '')
        if (ready.size > 0 !== wasAny) for (const { metadata } of primary.list()) enqueue(metadata.name)
      })
    },
    synced: () => primary.synced(),
  }

  return {
    name: 'node-lifecycle',
    primary,
    matters(before, after) {
      if (after && (!before || isHeartbeat(before, after))) heardMs.set(after.metadata.name, clock.now())
      if (!after && before) heardMs.delete(before.metadata.name)
      return !before || !after || !semanticEqual(factsOf(before), factsOf(after))
    },
    watches: [
      whetherAnyIsReady,
      watchOf(leases, (before, after) => {
        const name = after?.metadata.name
        if (name === undefined || before?.spec?.renewTime === after?.spec?.renewTime) return []
        heardMs.set(name, clock.now())
        return []
      }),
      // A pod that becomes ready on a silent node, or is bound to it, was told by nobody who knows.
      watchOf(pods, (_, pod) => {
        const node = pod?.spec.nodeName ? primary.get(undefined, pod.spec.nodeName) : undefined
        return pod && node && isReady(pod) && node.status?.conditions && readyOf(node) === 'Unknown' ? [node.metadata.name] : []
      }),
    ],
    reconcile,
  }

  async function reconcile(node: Node, { cause }: Reconcile): Promise<Outcome> {
    const nowMs = clock.now()
    const hasPosted = conditionOf(node.status, 'Ready') !== undefined
    const heard = heardMs.get(node.metadata.name) ?? nowMs
    heardMs.set(node.metadata.name, heard)
    const leftMs = heard + (hasPosted ? graceMs : startupGraceMs) - nowMs
    const told = leftMs > 0 ? node : await tellSilent(node, nowMs, cause)
    await taint(told, nowMs, cause)
    if (leftMs <= 0)
      await Promise.all(
        podsOn(pods, node.metadata.name)
          .filter(isReady)
          .map((pod) => tellNotReady(pod, nowMs, cause)),
      )
    // A silent node is heard of by a status that its kubelet writes.
    return leftMs > 0 ? { afterMs: leftMs } : undefined
  }

  async function tellSilent(node: Node, nowMs: number, cause: string): Promise<Node> {
    const conditions = silentConditions(node, nowMs)
    if (semanticEqual(node.status?.conditions, conditions)) return node
    recorder.record(node, 'Normal', 'NodeNotReady', `Node ${node.metadata.name} status is now: NodeNotReady`)
    return client.resource(nodesRef).updateStatus({ ...node, status: { ...node.status, conditions } }, { cause })
  }

  async function taint(node: Node, nowMs: number, cause: string): Promise<void> {
    const taints = taintsOf(node, { mayDriveOff: ready.size > 0, nowMs })
    if (semanticEqual(node.spec?.taints, taints)) return
    await client.resource(nodesRef).update({ ...node, spec: { ...node.spec, taints: [...taints] } }, { cause })
  }

  async function tellNotReady(pod: Pod, nowMs: number, cause: string): Promise<void> {
    const conditions = [{ type: 'Ready', status: 'False', lastTransitionTime: timestamp(nowMs) }]
    const { namespace, name, uid } = pod.metadata
    const patch = { metadata: { uid }, status: { conditions } }
    await unlessGone(client.resource(podsRef).patch(namespace, name, 'strategic', patch, { subresource: 'status', cause }))
    recorder.record(pod, 'Warning', 'NodeNotReady', 'Node is not ready')
  }
}

/** Conditions carry the time at which the kubelet wrote them. */
function isHeartbeat(before: Node, after: Node): boolean {
  const [was, is] = [conditionOf(before.status, 'Ready'), conditionOf(after.status, 'Ready')]
  return is?.status !== 'Unknown' && (is?.lastHeartbeatTime !== was?.lastHeartbeatTime || is?.status !== was?.status)
}

/** What the controller acts on. */
const factsOf = ({ spec, status }: Node) => [
  spec?.unschedulable,
  spec?.taints?.map(({ key, effect }) => [key, effect]),
  status?.conditions?.map(({ type, status: value }) => [type, value]),
]
