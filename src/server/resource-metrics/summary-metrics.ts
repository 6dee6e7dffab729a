import { isJsonObject } from '../../api/merge-patch.ts'
import { timestamp } from '../../api/timestamp.ts'
import type { Node, Pod } from '../../api/types/core-v1.ts'
import { metricsGroup, type NodeMetrics, type PodMetrics, type Usage } from './metrics-kinds.ts'

const apiVersion = `${metricsGroup}/v1beta1`
/** What kubelets tell is of the time since they were asked before; upstream's metrics-server says so of its own interval. */
const window = '10s'

/** What a kubelet's summary tells of its node; undefined when it does not tell enough. Pure, and trusts nothing of it. */
export function nodeMetricsOf(summary: unknown, { metadata }: Node, nowMs: number): NodeMetrics | undefined {
  const node = isJsonObject(summary) ? summary.node : undefined
  const usage = usageOf(node)
  if (!usage) return undefined
  return { apiVersion, kind: 'NodeMetrics', metadata: headOf(metadata, nowMs), timestamp: timeOf(node, nowMs), window, usage }
}

/** What the summary tells of those of its pods that `find` knows. */
export function podMetricsOf(
  summary: unknown,
  find: (namespace: string, name: string, uid: string) => Pod | undefined,
  nowMs: number,
): PodMetrics[] {
  const pods = isJsonObject(summary) && Array.isArray(summary.pods) ? summary.pods : []
  return pods.flatMap((entry: unknown) => {
    if (!isJsonObject(entry) || !isJsonObject(entry.podRef)) return []
    const { namespace, name, uid } = entry.podRef
    const pod = find(String(namespace), String(name), String(uid))
    if (!pod) return []
    const containers = (Array.isArray(entry.containers) ? entry.containers : []).flatMap((container: unknown) => {
      const usage = usageOf(container)
      return usage && isJsonObject(container) ? [{ name: String(container.name), usage }] : []
    })
    if (containers.length === 0) return []
    return [{ apiVersion, kind: 'PodMetrics', metadata: headOf(pod.metadata, nowMs), timestamp: timeOf(entry, nowMs), window, containers }]
  })
}

/** They are found by the labels of what they tell of. */
const headOf = ({ name, namespace, labels }: Pod['metadata'], nowMs: number) => ({
  name,
  ...(namespace !== undefined && { namespace }),
  ...(labels && { labels }),
  creationTimestamp: timestamp(nowMs),
})

function usageOf(of: unknown): Usage | undefined {
  if (!isJsonObject(of) || !isJsonObject(of.cpu) || !isJsonObject(of.memory)) return undefined
  const { usageNanoCores } = of.cpu
  const { workingSetBytes } = of.memory
  if (!isAmount(usageNanoCores) || !isAmount(workingSetBytes)) return undefined
  return { cpu: `${usageNanoCores}n`, memory: `${Math.floor(workingSetBytes / 1024)}Ki` }
}

const isAmount = (value: unknown): value is number => typeof value === 'number' && Number.isSafeInteger(value) && value >= 0

function timeOf(of: unknown, nowMs: number): string {
  const told = isJsonObject(of) && isJsonObject(of.cpu) && typeof of.cpu.time === 'string' ? Date.parse(of.cpu.time) : Number.NaN
  return timestamp(Number.isNaN(told) ? nowMs : told)
}
