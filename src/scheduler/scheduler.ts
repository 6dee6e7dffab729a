import { conditionOf } from '../api/conditions.ts'
import { keyOf } from '../api/object.ts'
import { namespaces, nodes, pods } from '../api/resources.ts'
import { hasReason } from '../api/status-error.ts'
import { timestamp } from '../api/timestamp.ts'
import type { Binding, Pod, PodCondition } from '../api/types/core-v1.ts'
import type { Clock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import type { Random } from '../base/random.ts'
import { nextTurn } from '../base/turns.ts'
import { Wakeup } from '../base/wakeup.ts'
import type { Caches } from '../client/client.ts'
import { createEventRecorder } from '../client/event-recorder.ts'
import type { ClusterChange } from './cluster-change.ts'
import { createClusterState } from './cluster-state.ts'
import type { Diagnosis } from './diagnosis.ts'
import { followCluster } from './follow-cluster.ts'
import type { Plugin } from './plugin.ts'
import { schedule } from './schedule.ts'
import { createSchedulingQueue, type PendingPods, type QueuedPod } from './scheduling-queue.ts'
import { siblingsOf } from './siblings.ts'
import { standardPlugins } from './standard-plugins.ts'

/** Told of every try; main makes metrics of it. */
export interface SchedulerMetrics {
  attempted(profile: string, result: 'scheduled' | 'unschedulable' | 'error', durationMs: number): void
  /** Given once, to be asked whenever somebody wants to know. */
  pending(counts: () => PendingPods): void
}

export interface SchedulerOptions {
  /** Over a client whose user may bind pods. */
  readonly caches: Caches
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  /** It runs until this aborts. */
  readonly signal: AbortSignal
  readonly plugins?: readonly Plugin[]
  /** Pods that ask for another scheduler are left alone. */
  readonly schedulerName?: string
  readonly metrics?: SchedulerMetrics
}

/** Writes under way at once; the loop waits when there are more. */
const maxWrites = 256
/** The longest that the loop goes on before others in the process have their turn. */
const maxTurnMs = 4

/**
 * Gives every pod that waits a node. Resolves when it has stopped.
 *
 * One pod after the other is placed in memory at once ("assumed"); the bindings are written meanwhile, many together.
 */
export async function startScheduler(options: SchedulerOptions): Promise<void> {
  const { caches, clock, random, signal, plugins = standardPlugins, schedulerName = 'default-scheduler', metrics } = options
  const log = options.log.with({ component: 'scheduler' })
  const { client } = caches
  const recorder = createEventRecorder({ client, clock, random, log, component: schedulerName, signal })
  const wakeup = new Wakeup(signal)
  const wake = () => wakeup.signal()
  const namespaceCache = caches.cache(namespaces)
  const state = createClusterState({
    namespaceLabels: (namespace) => namespaceCache.get(undefined, namespace)?.metadata.labels,
    siblings: siblingsOf(caches),
  })
  const queue = createSchedulingQueue({ clock, plugins, onReady: wake })
  metrics?.pending(() => queue.counts())
  const changes = new Set<ClusterChange>()
  const unfollow = followCluster({
    caches,
    state,
    queue,
    schedulerName,
    onChange(more) {
      for (const change of more) changes.add(change)
      if (more.length > 0) wake()
    },
  })
  let writes = 0
  let start = 0

  // Pods that are not known yet would be overlooked, and their nodes given away twice.
  await synced()
  await run()
  unfollow()
  queue.close()

  async function synced(): Promise<void> {
    const aborted = new Promise<void>((resolve) => {
      if (signal.aborted) resolve()
      signal.addEventListener('abort', () => resolve(), { once: true })
    })
    await Promise.race([Promise.all([caches.cache(nodes).synced(), caches.cache(pods).synced(), namespaceCache.synced()]), aborted])
  }

  async function run(): Promise<void> {
    let turnBegan = performance.now()
    while (!signal.aborted) {
      queue.changed(changes)
      changes.clear()
      const pod = writes < maxWrites ? queue.take() : undefined
      if (!pod) {
        await wakeup.wait()
        turnBegan = performance.now()
        continue
      }
      tryPod(pod)
      if (performance.now() - turnBegan > maxTurnMs) {
        await nextTurn()
        turnBegan = performance.now()
      }
    }
  }

  function tryPod(pod: QueuedPod): void {
    try {
      const beganMs = performance.now()
      const { outcome, nextStart } = schedule({ pod: pod.info, cluster: state.snapshot, plugins, start, random })
      start = nextStart
      metrics?.attempted(schedulerName, outcome.type === 'fits' ? 'scheduled' : 'unschedulable', performance.now() - beganMs)
      if (outcome.type === 'fits') {
        state.place(pod.info, outcome.nodeName)
        write(bind(pod, outcome.nodeName))
      } else {
        queue.turnedAway(pod, outcome.diagnosis.plugins)
        write(tell(pod.info.pod, outcome.diagnosis))
      }
    } catch (error) {
      // A bug in a plug-in must not stop the others' pods.
      log.error('A pod cannot be scheduled', { error, pod: pod.info.key })
      metrics?.attempted(schedulerName, 'error', 0)
      queue.failed(pod)
    }
  }

  /** Writes answer their errors themselves; what still comes out is a bug. */
  function write(work: Promise<void>): void {
    writes++
    void work
      .catch((error: unknown) => log.error('The scheduler cannot write', { error }))
      .finally(() => {
        if (writes-- === maxWrites) wake()
      })
  }

  async function bind(queued: QueuedPod, nodeName: string): Promise<void> {
    const { pod, uid } = queued.info
    const { namespace, name } = pod.metadata
    const assumed = queued.info
    try {
      const binding: Binding = {
        apiVersion: 'v1',
        kind: 'Binding',
        metadata: { name, ...(namespace !== undefined && { namespace }), uid },
        target: { apiVersion: 'v1', kind: 'Node', name: nodeName },
      }
      await client.resource(pods).createSubresource(namespace, name, 'binding', binding, { cause: causeOf(pod), signal })
      recorder.record(pod, 'Normal', 'Scheduled', `Successfully assigned ${keyOf(pod)} to ${nodeName}`)
    } catch (error) {
      if (signal.aborted) return
      // Unless the watch has shown meanwhile that it is there after all.
      if (state.placeOf(uid)?.info === assumed) {
        state.remove(uid)
        changes.add('pod-removed')
        wake()
      }
      queue.failed(queued)
      if (hasReason(error, 'NotFound')) return
      const words = error instanceof Error ? error.message : String(error)
      log.warn('A binding was refused', { error, pod: keyOf(pod), node: nodeName })
      recorder.record(pod, 'Warning', 'FailedScheduling', `binding rejected: ${words}`)
    }
  }

  async function tell(pod: Pod, { message }: Diagnosis): Promise<void> {
    recorder.record(pod, 'Warning', 'FailedScheduling', message)
    const known = conditionOf(pod.status, 'PodScheduled')
    if (known?.status === 'False' && known.reason === 'Unschedulable' && known.message === message) return
    const { namespace, name, generation } = pod.metadata
    const condition: PodCondition = {
      type: 'PodScheduled',
      status: 'False',
      reason: 'Unschedulable',
      message,
      lastTransitionTime:
        known?.status === 'False' && known.lastTransitionTime !== undefined ? known.lastTransitionTime : timestamp(clock.now()),
      ...(generation !== undefined && { observedGeneration: generation }),
    }
    try {
      const patch = { metadata: { uid: pod.metadata.uid }, status: { conditions: [condition] } }
      await client.resource(pods).patch(namespace, name, 'strategic', patch, { subresource: 'status', cause: causeOf(pod), signal })
    } catch (error) {
      // It went meanwhile, or another took its name.
      if (!signal.aborted && !hasReason(error, 'NotFound', 'Conflict', 'Invalid'))
        log.warn('A condition cannot be written', { error, pod: keyOf(pod) })
    }
  }
}

const causeOf = (pod: Pod) => `pods/${keyOf(pod)}@${pod.metadata.resourceVersion ?? ''}`
