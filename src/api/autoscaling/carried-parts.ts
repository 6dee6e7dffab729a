import { isJsonObject } from '../merge-patch.ts'
import type { JsonObject } from '../object.ts'

/** A part of an autoscaler that the first version has no field for, and carries in an annotation as JSON. */
export interface CarriedPart {
  readonly annotation: string
  /** Where the second version has it. */
  readonly of: 'spec' | 'status'
  readonly field: string
  /** Between the second version's shape and the one that is carried, which is older, or has the names of Go's fields. */
  write(value: unknown): unknown
  read(value: unknown): unknown
}

const same = (value: unknown) => value

export const carriedParts = {
  metrics: {
    annotation: 'autoscaling.alpha.kubernetes.io/metrics',
    of: 'spec',
    field: 'metrics',
    write: (value) => list(value).map((metric) => flatMetric(metric, 'target')),
    read: (value) => list(value).map((metric) => nestedMetric(metric, 'target')),
  },
  behavior: {
    annotation: 'autoscaling.alpha.kubernetes.io/behavior',
    of: 'spec',
    field: 'behavior',
    write: goBehavior,
    read: uncapitalized,
  },
  currentMetrics: {
    annotation: 'autoscaling.alpha.kubernetes.io/current-metrics',
    of: 'status',
    field: 'currentMetrics',
    write: (value) => list(value).map((metric) => flatMetric(metric, 'current')),
    read: (value) => list(value).map((metric) => nestedMetric(metric, 'current')),
  },
  conditions: {
    annotation: 'autoscaling.alpha.kubernetes.io/conditions',
    of: 'status',
    field: 'conditions',
    write: same,
    read: same,
  },
} as const satisfies Record<string, CarriedPart>

/** What is wanted of a metric, or what it is. */
type Side = 'target' | 'current'

/** In the first version amounts stand beside the metric's name, called after their side. */
function flatMetric(metric: unknown, side: Side): JsonObject {
  const { type, object, pods, resource, containerResource, external } = record(metric)
  return given({
    type,
    object: object && flatObject(record(object), side),
    pods: pods && flatPods(record(pods), side),
    resource: resource && flatResource(record(resource), side),
    containerResource: containerResource && flatResource(record(containerResource), side),
    external: external && flatExternal(record(external), side),
  })
}

function flatObject({ describedObject, metric, ...source }: JsonObject, side: Side): JsonObject {
  const { value, averageValue } = record(source[side])
  const { name, selector } = record(metric)
  return given({ target: describedObject, metricName: name, [`${side}Value`]: value ?? '0', selector, averageValue })
}

function flatPods({ metric, ...source }: JsonObject, side: Side): JsonObject {
  const { name, selector } = record(metric)
  return given({ metricName: name, [`${side}AverageValue`]: record(source[side]).averageValue, selector })
}

function flatResource({ name, container, ...source }: JsonObject, side: Side): JsonObject {
  const { averageUtilization, averageValue } = record(source[side])
  return given({ name, [`${side}AverageUtilization`]: averageUtilization, [`${side}AverageValue`]: averageValue, container })
}

function flatExternal({ metric, ...source }: JsonObject, side: Side): JsonObject {
  const { value, averageValue } = record(source[side])
  const { name, selector } = record(metric)
  return given({ metricName: name, metricSelector: selector, [`${side}Value`]: value, [`${side}AverageValue`]: averageValue })
}

/** The way back; which kind of target was meant is seen from the amounts. */
function nestedMetric(metric: unknown, side: Side): JsonObject {
  const { type, object, pods, resource, containerResource, external } = record(metric)
  const amounts = (type: string, values: JsonObject) => ({ [side]: given({ ...(side === 'target' && { type }), ...values }) })
  const nestedResource = (source: JsonObject) => {
    const [averageUtilization, averageValue] = [source[`${side}AverageUtilization`], source[`${side}AverageValue`]]
    const kind = averageUtilization === undefined ? 'AverageValue' : 'Utilization'
    return given({ name: source.name, container: source.container, ...amounts(kind, { averageUtilization, averageValue }) })
  }
  const nestedObject = ({ target, metricName: name, selector, averageValue, ...source }: JsonObject) => {
    const hasAverage = averageValue !== undefined
    // The first version cannot leave the value out.
    const value = hasAverage && source[`${side}Value`] === '0' ? undefined : source[`${side}Value`]
    return given({
      describedObject: target,
      metric: given({ name, selector }),
      ...amounts(hasAverage ? 'AverageValue' : 'Value', { value, averageValue }),
    })
  }
  const nestedPods = ({ metricName: name, selector, ...source }: JsonObject) => ({
    metric: given({ name, selector }),
    ...amounts('AverageValue', { averageValue: source[`${side}AverageValue`] }),
  })
  const nestedExternal = ({ metricName: name, metricSelector: selector, ...source }: JsonObject) => {
    const [value, averageValue] = [source[`${side}Value`], source[`${side}AverageValue`]]
    return { metric: given({ name, selector }), ...amounts(value === undefined ? 'AverageValue' : 'Value', { value, averageValue }) }
  }
  return given({
    type,
    object: object && nestedObject(record(object)),
    pods: pods && nestedPods(record(pods)),
    resource: resource && nestedResource(record(resource)),
    containerResource: containerResource && nestedResource(record(containerResource)),
    external: external && nestedExternal(record(external)),
  })
}

/** Every field, as Go writes a struct whose fields have no names for JSON. */
function goBehavior(behavior: unknown): JsonObject {
  const rules = (value: unknown) => {
    if (value === undefined) return null
    const { stabilizationWindowSeconds = null, selectPolicy = null, policies, tolerance = null } = record(value)
    return {
      StabilizationWindowSeconds: stabilizationWindowSeconds,
      SelectPolicy: selectPolicy,
      Policies: policies === undefined ? null : list(policies).map(policy),
      Tolerance: tolerance,
    }
  }
  const policy = (value: unknown) => {
    const { type = '', value: amount = 0, periodSeconds = 0 } = record(value)
    return { Type: type, Value: amount, PeriodSeconds: periodSeconds }
  }
  const { scaleUp, scaleDown } = record(behavior)
  return { ScaleUp: rules(scaleUp), ScaleDown: rules(scaleDown) }
}

function uncapitalized(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(uncapitalized)
  if (!isJsonObject(value)) return value
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, element]) => element !== null)
      .map(([key, element]) => [`${key.charAt(0).toLowerCase()}${key.slice(1)}`, uncapitalized(element)]),
  )
}

const given = (fields: JsonObject): JsonObject => Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))
const record = (value: unknown): JsonObject => (isJsonObject(value) ? value : {})
const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [])
