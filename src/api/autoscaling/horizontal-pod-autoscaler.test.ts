import { describe, expect, test } from 'vitest'
import { kindUnderTest } from '../kind-under-test.ts'

const kind = kindUnderTest('autoscaling', 'v2', 'HorizontalPodAutoscaler')
const first = kindUnderTest('autoscaling', 'v1', 'HorizontalPodAutoscaler')
const scaleTargetRef = { kind: 'Deployment', name: 'web' }
const of = (more: object = {}) => ({ spec: { scaleTargetRef, maxReplicas: 3, ...more } })
const cpu = (target: object) => ({ type: 'Resource', resource: { name: 'cpu', target } })
const half = cpu({ type: 'Utilization', averageUtilization: 50 })

describe('defaults', () => {
  test('one pod at least, and four fifths of their CPU', () => {
    expect(kind.defaulted(of())).toMatchObject({
      spec: { minReplicas: 1, metrics: [cpu({ type: 'Utilization', averageUtilization: 80 })] },
    })
    expect(kind.defaulted(of())).not.toHaveProperty('spec.behavior')
  })

  test('what the first version would carry in annotations is not kept beside the fields', () => {
    const annotations = { 'autoscaling.alpha.kubernetes.io/metrics': '[]', b: 'c' }
    expect(kind.defaulted({ metadata: { annotations }, ...of() })).toHaveProperty('metadata.annotations', { b: 'c' })
  })

  test('a behavior is completed, each direction in its own way', () => {
    const { spec } = kind.defaulted(of({ behavior: { scaleDown: { stabilizationWindowSeconds: 60 } } }))
    expect(spec).toMatchObject({
      behavior: {
        scaleUp: {
          stabilizationWindowSeconds: 0,
          selectPolicy: 'Max',
          policies: [
            { type: 'Pods', value: 4, periodSeconds: 15 },
            { type: 'Percent', value: 100, periodSeconds: 15 },
          ],
        },
        scaleDown: { stabilizationWindowSeconds: 60, selectPolicy: 'Max', policies: [{ type: 'Percent', value: 100, periodSeconds: 15 }] },
      },
    })
  })
})

const metric = 'spec.metrics[0]'
test.each([
  [of(), []],
  [of({ minReplicas: 0 }), ['spec.minReplicas: Invalid value: 0: must be greater than or equal to 1']],
  [
    of({ minReplicas: 5, scaleTargetRef: {} }),
    [
      'spec.maxReplicas: Invalid value: 3: must be greater than or equal to `minReplicas`',
      'spec.scaleTargetRef.kind: Required value',
      'spec.scaleTargetRef.name: Required value',
    ],
  ],
  [of({ metrics: [{ type: 'Resource' }] }), [`${metric}.resource: Required value: must populate information for the given metric source`]],
  [
    of({ metrics: [cpu({ type: 'Utilization' })] }),
    [
      `${metric}.resource.target. utilization, value and averageValue: Invalid value: "Utilization": at least one not nil`,
      `${metric}.resource.target.averageUtilization: Required value: must set either a target raw value or a target utilization`,
    ],
  ],
  [
    of({ metrics: [cpu({ type: 'Utilization', averageUtilization: 0 })] }),
    [`${metric}.resource.target.averageUtilization: Invalid value: 0: must be greater than 0`],
  ],
  [
    of({ metrics: [{ ...half, pods: { metric: { name: 'm' }, target: { type: 'AverageValue', averageValue: '1' } } }] }),
    [`${metric}.pods: Forbidden: must populate the given metric source only`],
  ],
  [
    of({ metrics: [{ type: 'External', external: { metric: { name: 'm' }, target: { type: 'Value', value: '-1' } } }] }),
    [`${metric}.external.target.value: Invalid value: "-1": must be positive`],
  ],
  [
    of({
      metrics: [{ type: 'ContainerResource', containerResource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 5 } } }],
    }),
    [`${metric}.containerResource.container: Required value: must specify a container`],
  ],
  [
    of({ behavior: { scaleUp: { policies: [{ type: 'All', value: 0, periodSeconds: 2000 }] } } }),
    [
      'spec.behavior.scaleUp.policies[0].type: Unsupported value: "All": supported values: "Percent", "Pods"',
      'spec.behavior.scaleUp.policies[0].value: Invalid value: 0: must be greater than zero',
      'spec.behavior.scaleUp.policies[0].periodSeconds: Invalid value: 2000: must be less than or equal to 1800',
    ],
  ],
  [
    of({ behavior: { scaleDown: { stabilizationWindowSeconds: 3601, tolerance: '-1' } } }),
    [
      'spec.behavior.scaleDown.stabilizationWindowSeconds: Invalid value: 3601: must be less than or equal to 3600',
      'spec.behavior.scaleDown.tolerance: Invalid value: "-1": must be greater than or equal to 0',
    ],
  ],
])('%#: %j', (given, problems) => {
  expect(kind.problems(given)).toEqual(problems)
})

describe('the table', () => {
  const targets = (metrics: object[], currentMetrics: object[] = []) => kind.cells({ ...of({ metrics }), status: { currentMetrics } })[2]

  test('shows what is measured of what is wanted', () => {
    expect(kind.columns).toBe('Name Reference Targets MinPods MaxPods Replicas Age')
    expect(kind.cells(of())).toEqual(['a', 'Deployment/web', 'cpu: <unknown>/80%', '1', 3, 0, '5m'])
    const current = { type: 'Resource', resource: { name: 'cpu', current: { averageUtilization: 12, averageValue: '20m' } } }
    expect(targets([half], [current])).toBe('cpu: 12%/50%')
    expect(targets([cpu({ type: 'AverageValue', averageValue: '100m' })], [current])).toBe('cpu: 20m/100m')
  })

  test('has as many forms as metrics have', () => {
    const external = (target: object) => ({ type: 'External', external: { metric: { name: 'm' }, target } })
    expect(targets([external({ type: 'Value', value: '10' })])).toBe('<unknown>/10')
    expect(targets([external({ type: 'AverageValue', averageValue: '10' })])).toBe('<unknown>/10 (avg)')
    const pods = { type: 'Pods', pods: { metric: { name: 'm' }, target: { type: 'AverageValue', averageValue: '5' } } }
    expect(targets([pods], [{ type: 'Pods', pods: { metric: { name: 'm' }, current: { averageValue: '3' } } }])).toBe('3/5')
    expect(targets([half, half, half, half])).toBe('cpu: <unknown>/50%, cpu: <unknown>/50% + 2 more...')
  })

  test('is the same for the first version', () => {
    expect(first.columns).toBe(kind.columns)
    const given = { spec: { scaleTargetRef, maxReplicas: 3, minReplicas: 2, targetCPUUtilizationPercentage: 70 } }
    const status = { currentReplicas: 2, desiredReplicas: 2, currentCPUUtilizationPercentage: 35 }
    expect(first.cells({ ...given, status })).toEqual(['a', 'Deployment/web', 'cpu: 35%/70%', '2', 3, 2, '5m'])
  })
})
