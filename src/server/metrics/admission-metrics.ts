import type { Clock } from '../../base/clock.ts'
import type { Histogram, MetricFamily, MetricRegistry } from '../../base/metrics/metric-registry.ts'
import type { AdmissionPlugin, AdmissionRequest } from '../admission/admission.ts'

const buckets = [0.005, 0.025, 0.1, 0.5, 1, 2.5]

type Step = (request: AdmissionRequest) => void | Promise<void>

/** Makes plug-ins that are as they were, and tell how long they took. What answers at once took less than the clock shows. */
export function timedPlugins(metrics: MetricRegistry, clock: Clock): (plugin: AdmissionPlugin) => AdmissionPlugin {
  const seconds = metrics.histogram(
    'apiserver_admission_controller_admission_duration_seconds',
    'How long an admission plug-in took, by whether it refused.',
    buckets,
    ['name', 'type', 'operation', 'rejected'],
  )
  return (plugin) => ({
    name: plugin.name,
    ...(plugin.wantsAgain && { wantsAgain: (request: AdmissionRequest) => plugin.wantsAgain?.(request) ?? false }),
    ...(plugin.mutate && { mutate: timed((request) => plugin.mutate?.(request), timesOf(seconds, plugin.name, 'admit'), clock) }),
    ...(plugin.validate && { validate: timed((request) => plugin.validate?.(request), timesOf(seconds, plugin.name, 'validate'), clock) }),
  })
}

interface Times {
  readonly passed: Histogram
  readonly rejected: Histogram
}

/** Found once for each operation. */
function timesOf(seconds: MetricFamily<Histogram>, name: string, type: string): (operation: AdmissionRequest['operation']) => Times {
  const known = new Map<string, Times>()
  return (operation) => {
    let times = known.get(operation)
    if (!times) {
      times = {
        get passed() {
          return passed()
        },
        get rejected() {
          return seconds.of(name, type, operation, 'true')
        },
      }
      let child: Histogram | undefined
      const passed = () => {
        child ??= seconds.of(name, type, operation, 'false')
        return child
      }
      known.set(operation, times)
    }
    return times
  }
}

function timed(step: Step, times: (operation: AdmissionRequest['operation']) => Times, clock: Clock): Step {
  return (request) => {
    const found = times(request.operation)
    let pending: void | Promise<void>
    try {
      pending = step(request)
    } catch (error) {
      found.rejected.observe(0)
      throw error
    }
    if (!pending) {
      found.passed.observe(0)
      return
    }
    const beganMs = clock.now()
    return pending.then(
      () => found.passed.observe((clock.now() - beganMs) / 1000),
      (error: unknown) => {
        found.rejected.observe((clock.now() - beganMs) / 1000)
        throw error
      },
    )
  }
}
