import type { ColumnDefinition } from '../define-kind.ts'
import { ageColumn, column, nameColumn } from '../table-columns.ts'
import type { HorizontalPodAutoscaler, MetricSpec, MetricStatus, MetricTarget, MetricValueStatus } from '../types/autoscaling-v2.ts'

const shownMetrics = 2
const unknown = '<unknown>'

/** What is measured of what is wanted, such as `cpu: 12%/80%`. */
export function metricsText(metrics: readonly MetricSpec[] = [], statuses: readonly MetricStatus[] = []): string {
  if (metrics.length === 0) return '<none>'
  const texts = metrics.slice(0, shownMetrics).map((metric, index) => metricText(metric, statuses[index]))
  const more = metrics.length - shownMetrics
  return more > 0 ? `${texts.join(', ')} + ${more} more...` : texts.join(', ')
}

function metricText(metric: MetricSpec, status: MetricStatus | undefined): string {
  switch (metric.type) {
    case 'External':
      return valueText(metric.external?.target, status?.external?.current)
    case 'Object':
      return valueText(metric.object?.target, status?.object?.current)
    case 'Pods':
      return `${status?.pods ? (status.pods.current.averageValue ?? '0') : unknown}/${metric.pods?.target.averageValue ?? '0'}`
    case 'Resource':
      return `${metric.resource?.name}: ${shareText(metric.resource?.target, status?.resource?.current)}`
    case 'ContainerResource':
      return `${metric.containerResource?.name}: ${shareText(metric.containerResource?.target, status?.containerResource?.current)}`
    default:
      return '<unknown type>'
  }
}

function valueText(target: MetricTarget | undefined, current: MetricValueStatus | undefined): string {
  if (target?.averageValue !== undefined) return `${current?.averageValue ?? unknown}/${target.averageValue} (avg)`
  return `${current ? (current.value ?? '0') : unknown}/${target?.value ?? '0'}`
}

function shareText(target: MetricTarget | undefined, current: MetricValueStatus | undefined): string {
  if (target?.averageValue !== undefined) return `${current ? (current.averageValue ?? '0') : unknown}/${target.averageValue}`
  const [now, wanted] = [current?.averageUtilization, target?.averageUtilization]
  return `${now === undefined ? unknown : `${now}%`}/${wanted === undefined ? '<auto>' : `${wanted}%`}`
}

export const autoscalerColumns: readonly ColumnDefinition<HorizontalPodAutoscaler>[] = [
  nameColumn,
  column('Reference', 'What it scales.', ({ spec }) => `${spec.scaleTargetRef.kind}/${spec.scaleTargetRef.name}`),
  column('Targets', 'What is measured, of what is wanted.', ({ spec, status }) => metricsText(spec.metrics, status?.currentMetrics)),
  column('MinPods', 'How many pods there are at least.', ({ spec }) =>
    spec.minReplicas === undefined ? '<unset>' : String(spec.minReplicas),
  ),
  column('MaxPods', 'How many pods there are at most.', ({ spec }) => spec.maxReplicas ?? 0),
  column('Replicas', 'How many pods there are.', ({ status }) => status?.currentReplicas ?? 0),
  ageColumn,
]
