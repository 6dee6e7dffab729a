import type { MetricRegistry } from '../../base/metrics/metric-registry.ts'
import type { PriorityLevel, Refusal } from './priority-level.ts'

const waitBuckets = [0, 0.005, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30]
const executionBuckets = [...waitBuckets, 60]

/** What is counted of one schema at one level. */
export interface SchemaMetrics {
  waited(ms: number, isAdmitted: boolean): void
  begin(): void
  end(heldMs: number): void
  refused(why: Refusal): void
}

/** Upstream's families of flow control; those of levels are looked up when somebody asks. */
export function flowMetrics(metrics: MetricRegistry, levels: () => Iterable<PriorityLevel>) {
  const name = (rest: string) => `apiserver_flowcontrol_${rest}`
  const labels = ['priority_level', 'flow_schema']
  const dispatched = metrics.counter(name('dispatched_requests_total'), 'Requests that were given seats.', labels)
  const rejected = metrics.counter(name('rejected_requests_total'), 'Requests that were sent away.', [...labels, 'reason'])
  const executing = metrics.gauge(name('current_executing_requests'), 'Requests that hold seats.', labels)
  const waited = metrics.histogram(name('request_wait_duration_seconds'), 'How long requests waited for seats.', waitBuckets, [
    ...labels,
    'execute',
  ])
  const held = metrics.histogram(name('request_execution_seconds'), 'How long requests held seats.', executionBuckets, labels)
  const ofLevel = (rest: string, help: string) => metrics.gauge(name(rest), help, ['priority_level'])
  const gauges = [
    [ofLevel('nominal_limit_seats', 'Seats of each level.'), (level: PriorityLevel) => level.limits.nominal],
    [ofLevel('upper_limit_seats', 'The most seats of each level, with what it may borrow.'), (level: PriorityLevel) => level.limits.max],
    [
      ofLevel('lower_limit_seats', 'The seats of each level that it does not lend.'),
      (level: PriorityLevel) => level.limits.nominal - level.limits.lendable,
    ],
    [ofLevel('current_executing_seats', 'Seats that are held.'), (level: PriorityLevel) => level.executingSeats],
    [ofLevel('current_inqueue_requests', 'Requests that wait.'), (level: PriorityLevel) => level.waiting],
  ] as const
  metrics.onCollect(() => {
    for (const [gauge, seatsOf] of gauges) {
      gauge.clear()
      for (const level of levels()) gauge.of(level.name).set(seatsOf(level))
    }
  })

  return {
    of(schema: string, level: string): SchemaMetrics {
      const [done, now] = [dispatched.of(level, schema), executing.of(level, schema)]
      const seconds = held.of(level, schema)
      const waitedFor = { true: waited.of(level, schema, 'true'), false: waited.of(level, schema, 'false') }
      return {
        waited: (ms, isAdmitted) => waitedFor[isAdmitted ? 'true' : 'false'].observe(ms / 1000),
        begin() {
          done.add()
          now.add()
        },
        end(heldMs) {
          now.add(-1)
          seconds.observe(heldMs / 1000)
        },
        refused: (why) => rejected.of(level, schema, why).add(),
      }
    },
  }
}
