import type { ContainerStats, RuntimeService } from '../cri/types.ts'
import type { MachineUsage } from './kubelet-options.ts'
import { runtimeKeys } from './runtime-keys.ts'

interface StatsSource {
  readonly runtime: Pick<RuntimeService, 'listContainerStats'>
  /** When the container of this id was started. */
  readonly startedAtMs: (containerId: string) => number | undefined
  readonly nowMs: number
  /** What the whole machine uses, and how many billionths of a core at present. */
  readonly machine?: MachineUsage & { readonly cores: number }
}

/** Billionths of a core that were used on average in a time. */
export const coresOf = (nanoseconds: number, elapsedMs: number): number =>
  elapsedMs > 0 ? Math.max(0, Math.round((nanoseconds / elapsedMs) * 1000)) : 0

/** The Summary API's answer, as far as CRI tells: what the node uses, and what each container does. */
export async function statsSummary({ runtime, startedAtMs, nowMs, machine }: StatsSource, nodeName: string): Promise<object> {
  const time = new Date(nowMs).toISOString()
  const pods = new Map<string, { podRef: object; containers: object[]; cpu: number; cores: number; memory: number; rss: number }>()
  for (const { attributes, cpu, memory } of await containerStats(runtime)) {
    const labels = attributes?.labels ?? {}
    const uid = labels[runtimeKeys.podUid] ?? ''
    const podRef = { name: labels[runtimeKeys.podName], namespace: labels[runtimeKeys.podNamespace], uid }
    const pod = pods.get(uid) ?? { podRef, containers: [], cpu: 0, cores: 0, memory: 0, rss: 0 }
    pods.set(uid, pod)
    const startMs = startedAtMs(attributes?.id ?? '')
    const total = cpu?.usageCoreNanoSeconds?.value ?? 0
    const used = {
      cpu: total,
      // Before a rate is known, what it used since it was started.
      cores: cpu?.usageNanoCores?.value ?? (startMs === undefined ? 0 : coresOf(total, nowMs - startMs)),
      memory: memory?.workingSetBytes?.value ?? 0,
      rss: memory?.rssBytes?.value ?? 0,
    }
    pod.cpu += used.cpu
    pod.cores += used.cores
    pod.memory += used.memory
    pod.rss += used.rss
    pod.containers.push({
      name: labels[runtimeKeys.containerName],
      ...(startMs !== undefined && { startTime: new Date(startMs).toISOString() }),
      cpu: { time, usageNanoCores: used.cores, usageCoreNanoSeconds: used.cpu },
      memory: { time, workingSetBytes: used.memory, rssBytes: used.rss, usageBytes: memory?.usageBytes?.value ?? 0 },
    })
  }
  return {
    node: {
      nodeName,
      ...(machine && {
        startTime: new Date(machine.bootedAtMs).toISOString(),
        cpu: { time, usageNanoCores: machine.cores, usageCoreNanoSeconds: machine.cpuNanoseconds },
        memory: { time, workingSetBytes: machine.workingSetBytes, availableBytes: machine.availableBytes },
      }),
    },
    pods: [...pods.values()].map(({ podRef, containers, cpu, cores, memory, rss }) => ({
      podRef,
      containers,
      cpu: { time, usageNanoCores: cores, usageCoreNanoSeconds: cpu },
      memory: { time, workingSetBytes: memory, rssBytes: rss },
    })),
  }
}

/** What metrics-server reads of containers, in Prometheus' text format. */
export async function resourceMetrics({ runtime, startedAtMs, nowMs, machine }: StatsSource): Promise<string> {
  const lines = { cpu: [] as string[], memory: [] as string[], start: [] as string[] }
  for (const { attributes, cpu, memory } of await containerStats(runtime)) {
    const labels = attributes?.labels ?? {}
    const named = `{container=${quoted(labels[runtimeKeys.containerName])},namespace=${quoted(labels[runtimeKeys.podNamespace])},pod=${quoted(labels[runtimeKeys.podName])}}`
    lines.cpu.push(`container_cpu_usage_seconds_total${named} ${(cpu?.usageCoreNanoSeconds?.value ?? 0) / 1e9} ${nowMs}`)
    const startMs = startedAtMs(attributes?.id ?? '')
    if (startMs !== undefined) lines.start.push(`container_start_time_seconds${named} ${startMs / 1000}`)
    lines.memory.push(`container_memory_working_set_bytes${named} ${memory?.workingSetBytes?.value ?? 0} ${nowMs}`)
  }
  return [
    '# HELP container_cpu_usage_seconds_total [STABLE] Cumulative cpu time consumed by the container in core-seconds',
    '# TYPE container_cpu_usage_seconds_total counter',
    ...lines.cpu,
    '# HELP container_memory_working_set_bytes [STABLE] Current working set of the container in bytes',
    '# TYPE container_memory_working_set_bytes gauge',
    ...lines.memory,
    '# HELP container_start_time_seconds [STABLE] Start time of the container since unix epoch in seconds',
    '# TYPE container_start_time_seconds gauge',
    ...lines.start,
    ...(machine ? nodeMetrics(machine, nowMs) : []),
    '',
  ].join('\n')
}

const nodeMetrics = ({ cpuNanoseconds, workingSetBytes }: MachineUsage, nowMs: number): string[] => [
  '# HELP node_cpu_usage_seconds_total [STABLE] Cumulative cpu time consumed by the node in core-seconds',
  '# TYPE node_cpu_usage_seconds_total counter',
  `node_cpu_usage_seconds_total ${cpuNanoseconds / 1e9} ${nowMs}`,
  '# HELP node_memory_working_set_bytes [STABLE] Current working set of the node in bytes',
  '# TYPE node_memory_working_set_bytes gauge',
  `node_memory_working_set_bytes ${workingSetBytes} ${nowMs}`,
]

const quoted = (value = '') => JSON.stringify(value)

async function containerStats(runtime: StatsSource['runtime']): Promise<readonly ContainerStats[]> {
  return (await runtime.listContainerStats({})).stats ?? []
}
