import { defineKind } from '../define-kind.ts'
import { isJsonObject } from '../merge-patch.ts'
import type { JsonObject } from '../object.ts'
import type { HorizontalPodAutoscaler } from '../types/autoscaling-v1.ts'
import type { HorizontalPodAutoscaler as StoredAutoscaler } from '../types/autoscaling-v2.ts'
import { autoscalerColumns } from './autoscaler-table.ts'

/** Where v1 carries what it has no fields for, as JSON. */
const kept = {
  metrics: 'autoscaling.alpha.kubernetes.io/metrics',
  behavior: 'autoscaling.alpha.kubernetes.io/behavior',
  currentMetrics: 'autoscaling.alpha.kubernetes.io/current-metrics',
  conditions: 'autoscaling.alpha.kubernetes.io/conditions',
} as const

/** The first version of autoscalers, which speaks of CPU alone; they are kept as v2. */
export const horizontalPodAutoscalerV1 = defineKind<HorizontalPodAutoscaler>({
  group: 'autoscaling',
  versions: ['v1'],
  kind: 'HorizontalPodAutoscaler',
  shortNames: ['hpa'],
  categories: ['all'],
  storage: { group: 'autoscaling', version: 'v2', plural: 'horizontalpodautoscalers', toStored, fromStored },
  // Both versions show the same cells.
  columns: autoscalerColumns.map(({ cell, ...rest }) => ({
    ...rest,
    cell: (object, nowMs) => cell(toStored(object as unknown as JsonObject) as unknown as StoredAutoscaler, nowMs),
  })),
})

function toStored(object: JsonObject): JsonObject {
  const { targetCPUUtilizationPercentage: target, ...spec } = record(object.spec)
  const { currentCPUUtilizationPercentage: current, ...status } = record(object.status)
  const metadata = record(object.metadata)
  const annotations = { ...record(metadata.annotations) }
  const taken = (key: keyof typeof kept): unknown => {
    const text = annotations[kept[key]]
    delete annotations[kept[key]]
    return typeof text === 'string' ? parsed(text) : undefined
  }
  const metrics = [
    ...(target === undefined ? [] : [cpu({ target: { type: 'Utilization', averageUtilization: target } })]),
    ...list(taken('metrics')),
  ]
  const currentMetrics = [
    ...(current === undefined ? [] : [cpu({ current: { averageUtilization: current } })]),
    ...list(taken('currentMetrics')),
  ]
  const behavior = taken('behavior')
  const conditions = taken('conditions')
  return {
    ...object,
    apiVersion: 'autoscaling/v2',
    metadata: withAnnotations(metadata, annotations),
    spec: { ...spec, ...(metrics.length > 0 && { metrics }), ...(behavior !== undefined && { behavior }) },
    ...(object.status !== undefined && {
      // The first version always says how many there are.
      status: {
        currentReplicas: 0,
        ...status,
        ...(currentMetrics.length > 0 && { currentMetrics }),
        ...(conditions !== undefined && { conditions }),
      },
    }),
  }
}

function fromStored(object: JsonObject): JsonObject {
  const { metrics, behavior, ...spec } = record(object.spec)
  const { currentMetrics, conditions, ...status } = record(object.status)
  const metadata = record(object.metadata)
  const [target, otherMetrics] = cpuOf(list(metrics), 'target')
  const [current, otherCurrent] = cpuOf(list(currentMetrics), 'current')
  const annotations = { ...record(metadata.annotations) }
  const keep = (key: keyof typeof kept, value: unknown) => {
    if (value !== undefined && !(Array.isArray(value) && value.length === 0)) annotations[kept[key]] = JSON.stringify(value)
  }
  keep('metrics', otherMetrics)
  keep('behavior', behavior)
  keep('currentMetrics', otherCurrent)
  keep('conditions', conditions)
  return {
    ...object,
    apiVersion: 'autoscaling/v1',
    metadata: withAnnotations(metadata, annotations),
    spec: { ...spec, ...(target !== undefined && { targetCPUUtilizationPercentage: target }) },
    ...(object.status !== undefined && {
      // The first version always says how many there are.
      status: { currentReplicas: 0, ...status, ...(current !== undefined && { currentCPUUtilizationPercentage: current }) },
    }),
  }
}

const cpu = (more: object) => ({ type: 'Resource', resource: { name: 'cpu', ...more } })

/** The utilization that the first metric of CPU names, and all other metrics. */
function cpuOf(metrics: readonly unknown[], part: 'target' | 'current'): [unknown, readonly unknown[]] {
  const utilization = (metric: unknown) => {
    const resource = record(record(metric).resource)
    return resource.name === 'cpu' ? record(resource[part]).averageUtilization : undefined
  }
  const index = metrics.findIndex((metric) => utilization(metric) !== undefined)
  return index < 0 ? [undefined, metrics] : [utilization(metrics[index]), metrics.filter((_, at) => at !== index)]
}

function withAnnotations({ annotations: _, ...metadata }: JsonObject, annotations: JsonObject): JsonObject {
  return Object.keys(annotations).length === 0 ? metadata : { ...metadata, annotations }
}

const record = (value: unknown): JsonObject => (isJsonObject(value) ? value : {})
const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [])

/** What somebody else wrote there is left out. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}
