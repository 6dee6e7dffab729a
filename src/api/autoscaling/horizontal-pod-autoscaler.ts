import { checkNotNegative } from '../checks.ts'
import { defineKind } from '../define-kind.ts'
import type { JsonObject } from '../object.ts'
import type { Problem } from '../problem.ts'
import type { HorizontalPodAutoscaler, HorizontalPodAutoscalerSpec, HPAScalingRules } from '../types/autoscaling-v2.ts'
import { checkAutoscaler } from './autoscaler-rules.ts'
import { autoscalerColumns } from './autoscaler-table.ts'
import { carriedParts } from './carried-parts.ts'

const periodSeconds = 15
const scaleUp = (): HPAScalingRules => ({
  stabilizationWindowSeconds: 0,
  selectPolicy: 'Max',
  policies: [
    { type: 'Pods', value: 4, periodSeconds },
    { type: 'Percent', value: 100, periodSeconds },
  ],
})
const scaleDown = (): HPAScalingRules => ({ selectPolicy: 'Max', policies: [{ type: 'Percent', value: 100, periodSeconds }] })

/** This version has fields for what the first one carries in annotations; those would speak of another time. */
function dropCarriedParts({ metadata }: JsonObject): void {
  const { annotations } = metadata as { annotations?: Record<string, string> }
  if (annotations) for (const { annotation } of Object.values(carriedParts)) delete annotations[annotation]
}

export const horizontalPodAutoscaler = defineKind<HorizontalPodAutoscaler>({
  group: 'autoscaling',
  kind: 'HorizontalPodAutoscaler',
  shortNames: ['hpa'],
  categories: ['all'],
  defaults(draft) {
    const spec = draft.spec as JsonObject & Partial<HorizontalPodAutoscalerSpec>
    spec.minReplicas ??= 1
    if (!spec.metrics?.length)
      spec.metrics = [{ type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 80 } } }]
    if (spec.behavior)
      spec.behavior = { scaleUp: { ...scaleUp(), ...spec.behavior.scaleUp }, scaleDown: { ...scaleDown(), ...spec.behavior.scaleDown } }
    dropCarriedParts(draft)
  },
  validate({ spec }) {
    const found: Problem[] = []
    checkAutoscaler(found, spec)
    return found
  },
  validateSubresource({ status }) {
    const found: Problem[] = []
    checkNotNegative(found, 'status.currentReplicas', status?.currentReplicas)
    checkNotNegative(found, 'status.desiredReplicas', status?.desiredReplicas)
    return found
  },
  columns: autoscalerColumns,
})
