import type { MetricRegistry } from '../base/metrics/metric-registry.ts'
import type { ControllerMetrics } from '../controllers/controller.ts'
import type { SchedulerMetrics } from '../scheduler/scheduler.ts'

/** From 10 ns to 10 s, as upstream's queues are measured. */
const workBuckets = [1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 0.01, 0.1, 1, 10]
const attemptBuckets = Array.from({ length: 15 }, (_, index) => 0.001 * 2 ** index)

/** What is counted of controllers, under the names of upstream's work queues. */
export function controllerMetrics(metrics: MetricRegistry): ControllerMetrics {
  const labels = ['name']
  const adds = metrics.counter('workqueue_adds_total', 'Keys that were given to a queue.', labels)
  const depth = metrics.gauge('workqueue_depth', 'Keys that wait in a queue.', labels)
  const seconds = metrics.histogram('workqueue_work_duration_seconds', 'How long it took to work on a key.', workBuckets, labels)
  const retries = metrics.counter('workqueue_retries_total', 'Keys that were worked on in vain and are tried again.', labels)
  const known = new Map<string, ReturnType<typeof childrenOf>>()
  const childrenOf = (name: string) => ({
    adds: adds.of(name),
    depth: depth.of(name),
    seconds: seconds.of(name),
    retries: retries.of(name),
  })
  const of = (name: string) => {
    const children = known.get(name) ?? childrenOf(name)
    known.set(name, children)
    return children
  }
  return {
    added: (name) => of(name).adds.add(),
    depth: (name, length) => of(name).depth.set(length),
    reconciled(name, result, durationMs) {
      of(name).seconds.observe(durationMs / 1000)
      if (result === 'failed') of(name).retries.add()
    },
  }
}

/** What is counted of the scheduler, under upstream's names. */
export function schedulerMetrics(metrics: MetricRegistry): SchedulerMetrics {
  const labels = ['profile', 'result']
  const attempts = metrics.counter('scheduler_schedule_attempts_total', 'Tries to find a node for a pod.', labels)
  const seconds = metrics.histogram(
    'scheduler_scheduling_attempt_duration_seconds',
    'How long a try to find a node took.',
    attemptBuckets,
    labels,
  )
  const pending = metrics.gauge('scheduler_pending_pods', 'Pods that wait, by why.', ['queue'])
  return {
    attempted(profile, result, durationMs) {
      attempts.of(profile, result).add()
      seconds.of(profile, result).observe(durationMs / 1000)
    },
    pending(counts) {
      metrics.onCollect(() => {
        for (const [queue, count] of Object.entries(counts())) pending.of(queue).set(count)
      })
    },
  }
}
