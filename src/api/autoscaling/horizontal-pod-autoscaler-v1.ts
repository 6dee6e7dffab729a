import { DecodeError, decodeObject } from '../decode.ts'
import { defineKind } from '../define-kind.ts'
import { isJsonObject } from '../merge-patch.ts'
import type { JsonObject } from '../object.ts'
import type { Schema } from '../schema.ts'
import type { HorizontalPodAutoscaler } from '../types/autoscaling-v1.ts'
import type { HorizontalPodAutoscaler as StoredAutoscaler } from '../types/autoscaling-v2.ts'
import { autoscalerColumns } from './autoscaler-table.ts'
import { type CarriedPart, carriedParts } from './carried-parts.ts'

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

function toStored(object: JsonObject, schema?: Schema): JsonObject {
  const { targetCPUUtilizationPercentage: target, ...spec } = record(object.spec)
  const { currentCPUUtilizationPercentage: current, currentReplicas, ...status } = record(object.status)
  const metadata = record(object.metadata)
  const annotations = { ...record(metadata.annotations) }
  const taken = (part: CarriedPart): unknown => {
    const text = annotations[part.annotation]
    delete annotations[part.annotation]
    return typeof text === 'string' ? carried(part, text, schema) : undefined
  }
  const metrics = [
    ...(target === undefined ? [] : [cpu({ target: { type: 'Utilization', averageUtilization: target } })]),
    ...list(taken(carriedParts.metrics)),
  ]
  const currentMetrics = [
    ...(current === undefined ? [] : [cpu({ current: { averageUtilization: current } })]),
    ...list(taken(carriedParts.currentMetrics)),
  ]
  const behavior = taken(carriedParts.behavior)
  const conditions = taken(carriedParts.conditions)
  return {
    ...object,
    apiVersion: 'autoscaling/v2',
    metadata: withAnnotations(metadata, annotations),
    spec: { ...spec, ...(metrics.length > 0 && { metrics }), ...(behavior !== undefined && { behavior }) },
    ...(object.status !== undefined && {
      // The first version always says how many there are, the second not when there is none.
      status: {
        ...(Boolean(currentReplicas) && { currentReplicas }),
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
  for (const { annotation } of Object.values(carriedParts)) delete annotations[annotation]
  const keep = ({ annotation, write }: CarriedPart, value: unknown) => {
    if (value !== undefined && !(Array.isArray(value) && value.length === 0)) annotations[annotation] = JSON.stringify(write(value))
  }
  keep(carriedParts.metrics, otherMetrics)
  keep(carriedParts.behavior, behavior)
  keep(carriedParts.currentMetrics, otherCurrent)
  keep(carriedParts.conditions, conditions)
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

/** What an annotation carries; what somebody wrote there that is no such part is left out. */
function carried({ of, field, read }: CarriedPart, text: string, schema: Schema | undefined): unknown {
  try {
    const part = { [of]: { [field]: read(JSON.parse(text)) } }
    return record((schema ? decodeObject(schema, part, 'HorizontalPodAutoscaler').object : part)[of])[field]
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof DecodeError) return undefined
    throw error
  }
}
