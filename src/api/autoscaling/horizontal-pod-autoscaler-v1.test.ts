import { expect, test } from 'vitest'
import { builtinCatalog } from '../catalog.ts'
import type { JsonObject } from '../object.ts'

const catalog = builtinCatalog()
const schema = catalog.byKind('autoscaling', 'v2', 'HorizontalPodAutoscaler')?.schema
const storage = catalog.byKind('autoscaling', 'v1', 'HorizontalPodAutoscaler')?.storage
const toStored = (object: JsonObject) => storage?.toStored?.(structuredClone(object), schema) ?? {}
const fromStored = (object: JsonObject) => storage?.fromStored?.(structuredClone(object)) ?? {}

const prefix = 'autoscaling.alpha.kubernetes.io'
const annotationsOf = (object: JsonObject) =>
  Object.fromEntries(
    Object.entries((object.metadata as { annotations?: Record<string, string> }).annotations ?? {}).map(([key, text]) => [
      key.replace(`${prefix}/`, ''),
      JSON.parse(text),
    ]),
  )

const selector = { matchLabels: { a: 'b' } }
const ingress = { apiVersion: 'networking.k8s.io/v1', kind: 'Ingress', name: 'web' }
const target = (type: string, amounts: object) => ({ target: { type, ...amounts } })
const stored: JsonObject = {
  apiVersion: 'autoscaling/v2',
  kind: 'HorizontalPodAutoscaler',
  metadata: { name: 'a' },
  spec: {
    scaleTargetRef: { kind: 'Deployment', name: 'web' },
    maxReplicas: 3,
    metrics: [
      { type: 'Resource', resource: { name: 'cpu', ...target('Utilization', { averageUtilization: 50 }) } },
      { type: 'Resource', resource: { name: 'memory', ...target('AverageValue', { averageValue: '1Gi' }) } },
      {
        type: 'ContainerResource',
        containerResource: { name: 'cpu', container: 'c', ...target('Utilization', { averageUtilization: 60 }) },
      },
      { type: 'Pods', pods: { metric: { name: 'queue', selector }, ...target('AverageValue', { averageValue: '5' }) } },
      { type: 'Object', object: { describedObject: ingress, metric: { name: 'hits' }, ...target('Value', { value: '10' }) } },
      { type: 'Object', object: { describedObject: ingress, metric: { name: 'hits' }, ...target('AverageValue', { averageValue: '2' }) } },
      { type: 'External', external: { metric: { name: 'mails', selector }, ...target('AverageValue', { averageValue: '30' }) } },
      { type: 'External', external: { metric: { name: 'mails' }, ...target('Value', { value: '7' }) } },
    ],
    behavior: {
      scaleDown: { stabilizationWindowSeconds: 60, selectPolicy: 'Max', policies: [{ type: 'Pods', value: 1, periodSeconds: 15 }] },
    },
  },
  status: {
    currentReplicas: 2,
    desiredReplicas: 2,
    currentMetrics: [
      { type: 'Resource', resource: { name: 'cpu', current: { averageUtilization: 40, averageValue: '400m' } } },
      { type: 'Pods', pods: { metric: { name: 'queue' }, current: { averageValue: '4' } } },
    ],
    conditions: [{ type: 'AbleToScale', status: 'True' }],
  },
}

test('what the first version has no field for is carried in the shapes of its time', () => {
  expect(annotationsOf(fromStored(stored))).toEqual({
    metrics: [
      { type: 'Resource', resource: { name: 'memory', targetAverageValue: '1Gi' } },
      { type: 'ContainerResource', containerResource: { name: 'cpu', targetAverageUtilization: 60, container: 'c' } },
      { type: 'Pods', pods: { metricName: 'queue', targetAverageValue: '5', selector } },
      { type: 'Object', object: { target: ingress, metricName: 'hits', targetValue: '10' } },
      { type: 'Object', object: { target: ingress, metricName: 'hits', targetValue: '0', averageValue: '2' } },
      { type: 'External', external: { metricName: 'mails', metricSelector: selector, targetAverageValue: '30' } },
      { type: 'External', external: { metricName: 'mails', targetValue: '7' } },
    ],
    behavior: {
      ScaleUp: null,
      ScaleDown: {
        StabilizationWindowSeconds: 60,
        SelectPolicy: 'Max',
        Policies: [{ Type: 'Pods', Value: 1, PeriodSeconds: 15 }],
        Tolerance: null,
      },
    },
    'current-metrics': [{ type: 'Pods', pods: { metricName: 'queue', currentAverageValue: '4' } }],
    conditions: [{ type: 'AbleToScale', status: 'True' }],
  })
  expect(fromStored(stored)).toMatchObject({
    spec: { targetCPUUtilizationPercentage: 50 },
    status: { currentCPUUtilizationPercentage: 40 },
  })
})

test('nothing that is wanted is lost on the way there and back', () => {
  const back = toStored(fromStored(stored))
  expect(back).toMatchObject({ metadata: { name: 'a' }, spec: stored.spec as object })
  expect(back.metadata).not.toHaveProperty('annotations')
  expect(back).toHaveProperty('status.conditions', [{ type: 'AbleToScale', status: 'True' }])
})

test.each([
  ['metrics', '[null]', [{}]],
  ['metrics', '{"a"', undefined],
  ['metrics', '[{"type":"Resource","resource":{"name":5}}]', undefined],
  ['behavior', '5', undefined],
  ['behavior', '{"ScaleUp":{"Policies":{}}}', undefined],
])('what somebody wrote there that is no such part: %s %s', (name, text, expected) => {
  const object = { metadata: { name: 'a', annotations: { [`${prefix}/${name}`]: text } }, spec: { maxReplicas: 3 } }
  const back = toStored(object)
  expect((back.spec as JsonObject)[name]).toEqual(expected)
  expect(back.metadata).toEqual({ name: 'a' })
})

test('annotations of that name that were not made from anything are not shown', () => {
  const object = {
    ...stored,
    metadata: { name: 'a', annotations: { [`${prefix}/metrics`]: '[null]', b: 'c' } },
    spec: { maxReplicas: 3 },
    status: {},
  }
  expect(fromStored(object).metadata).toEqual({ name: 'a', annotations: { b: 'c' } })
})
