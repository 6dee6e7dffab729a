import { checkName, checkOneOf, type Found } from '../checks.ts'
import { pathSegmentProblems } from '../names.ts'
import { forbidden, invalid, notSupported, required } from '../problem.ts'
import { parseQuantity } from '../quantity.ts'
import type {
  CrossVersionObjectReference,
  ExternalMetricSource,
  HorizontalPodAutoscalerSpec,
  HPAScalingRules,
  MetricIdentifier,
  MetricSpec,
  MetricTarget,
  ObjectMetricSource,
  PodsMetricSource,
} from '../types/autoscaling-v2.ts'

const maxPeriodSeconds = 1800
const maxWindowSeconds = 3600
const selectPolicies = new Set(['Disabled', 'Max', 'Min'])
const policyTypes = ['Percent', 'Pods']
const targetTypes = ['Utilization', 'Value', 'AverageValue']

/** Types of metrics, and the field that each is described in. */
const sources: ReadonlyMap<string, SourceField> = new Map([
  ['Object', 'object'],
  ['External', 'external'],
  ['Pods', 'pods'],
  ['Resource', 'resource'],
  ['ContainerResource', 'containerResource'],
])
const sourceTypes = new Set(sources.keys())
type SourceField = Exclude<keyof MetricSpec, 'type'>

export function checkAutoscaler(found: Found, spec: HorizontalPodAutoscalerSpec): void {
  const { minReplicas, maxReplicas = 0 } = spec
  if (minReplicas !== undefined && minReplicas < 1)
    found.push(invalid('spec.minReplicas', minReplicas, 'must be greater than or equal to 1'))
  if (maxReplicas < 1) found.push(invalid('spec.maxReplicas', maxReplicas, 'must be greater than 0'))
  if (minReplicas !== undefined && maxReplicas < minReplicas)
    found.push(invalid('spec.maxReplicas', maxReplicas, 'must be greater than or equal to `minReplicas`'))
  checkReference(found, 'spec.scaleTargetRef', spec.scaleTargetRef)
  spec.metrics?.forEach((metric, index) => {
    checkMetric(found, `spec.metrics[${index}]`, metric)
  })
  checkRules(found, 'spec.behavior.scaleUp', spec.behavior?.scaleUp)
  checkRules(found, 'spec.behavior.scaleDown', spec.behavior?.scaleDown)
}

function checkReference(found: Found, field: string, reference: CrossVersionObjectReference | undefined): void {
  checkName(found, `${field}.kind`, reference?.kind, pathSegmentProblems)
  checkName(found, `${field}.name`, reference?.name, pathSegmentProblems)
}

function checkRules(found: Found, field: string, rules: HPAScalingRules | undefined): void {
  if (!rules) return
  const { stabilizationWindowSeconds: seconds, selectPolicy, policies = [], tolerance } = rules
  if (seconds !== undefined && seconds < 0)
    found.push(invalid(`${field}.stabilizationWindowSeconds`, seconds, 'must be greater than or equal to zero'))
  if (seconds !== undefined && seconds > maxWindowSeconds)
    found.push(invalid(`${field}.stabilizationWindowSeconds`, seconds, `must be less than or equal to ${maxWindowSeconds}`))
  checkOneOf(found, `${field}.selectPolicy`, selectPolicy, selectPolicies)
  if (policies.length === 0) found.push(required(`${field}.policies`, 'must specify at least one Policy'))
  policies.forEach(({ type = '', value = 0, periodSeconds = 0 }, index) => {
    const at = `${field}.policies[${index}]`
    if (!policyTypes.includes(type)) found.push(notSupported(`${at}.type`, type, policyTypes))
    if (value <= 0) found.push(invalid(`${at}.value`, value, 'must be greater than zero'))
    if (periodSeconds <= 0) found.push(invalid(`${at}.periodSeconds`, periodSeconds, 'must be greater than zero'))
    if (periodSeconds > maxPeriodSeconds)
      found.push(invalid(`${at}.periodSeconds`, periodSeconds, `must be less than or equal to ${maxPeriodSeconds}`))
  })
  if (tolerance?.startsWith('-')) found.push(invalid(`${field}.tolerance`, tolerance, 'must be greater than or equal to 0'))
}

/** A metric is described in the field of its type and in no other; only the first description is looked into. */
function checkMetric(found: Found, field: string, metric: MetricSpec): void {
  const { type = '' } = metric
  const expected = sources.get(type)
  if (type === '') found.push(required(`${field}.type`, 'must specify a metric source type'))
  if (!expected) found.push(notSupported(`${field}.type`, type, sourceTypes))
  const given = [...sources.values()].filter((name) => metric[name])
  const [first] = given
  if (first) checkSource(found, `${field}.${first}`, first, metric)
  if (!expected) found.push(notSupported(`${field}.type`, type, sourceTypes))
  else if (!metric[expected]) found.push(required(`${field}.${expected}`, 'must populate information for the given metric source'))
  if (given.length !== 1)
    for (const name of given) if (name !== expected) found.push(forbidden(`${field}.${name}`, 'must populate the given metric source only'))
}

function checkSource(found: Found, field: string, name: SourceField, metric: MetricSpec): void {
  switch (name) {
    case 'object':
      if (metric.object) checkObject(found, field, metric.object)
      break
    case 'external':
      if (metric.external) checkExternal(found, field, metric.external)
      break
    case 'pods':
      if (metric.pods) checkPods(found, field, metric.pods)
      break
    case 'resource':
      if (metric.resource) checkResource(found, field, metric.resource)
      break
    case 'containerResource':
      if (!metric.containerResource) break
      if (!metric.containerResource.container) found.push(required(`${field}.container`, 'must specify a container'))
      checkResource(found, field, metric.containerResource)
  }
}

function checkObject(found: Found, field: string, { describedObject, metric, target }: ObjectMetricSource): void {
  checkReference(found, `${field}.describedObject`, describedObject)
  checkIdentifier(found, `${field}.metric`, metric)
  checkTarget(found, `${field}.target`, target)
  if (target?.value === undefined && target?.averageValue === undefined)
    found.push(required(`${field}.target.averageValue`, 'must set either a target value or averageValue'))
}

function checkExternal(found: Found, field: string, { metric, target }: ExternalMetricSource): void {
  checkIdentifier(found, `${field}.metric`, metric)
  checkTarget(found, `${field}.target`, target)
  if (target?.value === undefined && target?.averageValue === undefined)
    found.push(required(`${field}.target.averageValue`, 'must set either a target value for metric or a per-pod target'))
  if (target?.value !== undefined && target.averageValue !== undefined)
    found.push(forbidden(`${field}.target.value`, 'may not set both a target value for metric and a per-pod target'))
}

function checkPods(found: Found, field: string, { metric, target }: PodsMetricSource): void {
  checkIdentifier(found, `${field}.metric`, metric)
  checkTarget(found, `${field}.target`, target)
  if (target?.averageValue === undefined)
    found.push(required(`${field}.target.averageValue`, 'must specify a positive target averageValue'))
}

function checkResource(found: Found, field: string, { name, target }: { readonly name?: string; readonly target?: MetricTarget }): void {
  if (!name) found.push(required(`${field}.name`, 'must specify a resource name'))
  checkTarget(found, `${field}.target`, target)
  const { averageUtilization, averageValue } = target ?? {}
  if (averageUtilization === undefined && averageValue === undefined)
    found.push(required(`${field}.target.averageUtilization`, 'must set either a target raw value or a target utilization'))
  if (averageUtilization !== undefined && averageValue !== undefined)
    found.push(forbidden(`${field}.target.averageValue`, 'may not set both a target raw value and a target utilization'))
}

const checkIdentifier = (found: Found, field: string, metric: MetricIdentifier | undefined): void =>
  checkName(found, `${field}.name`, metric?.name, pathSegmentProblems, 'must specify a metric name')

function checkTarget(found: Found, field: string, target: MetricTarget | undefined): void {
  const { type = '', value, averageValue, averageUtilization } = target ?? {}
  if (type === '') found.push(required(`${field}.type`, 'must specify a metric target type'))
  if (!targetTypes.includes(type)) found.push(invalid(`${field}.type`, type, 'must be either Utilization, Value, or AverageValue'))
  // The path is upstream's, blank and all.
  if (value === undefined && averageValue === undefined && averageUtilization === undefined)
    found.push(invalid(`${field}. utilization, value and averageValue`, type, 'at least one not nil'))
  if (value !== undefined && !isPositive(value)) found.push(invalid(`${field}.value`, value, 'must be positive'))
  if (averageValue !== undefined && !isPositive(averageValue))
    found.push(invalid(`${field}.averageValue`, averageValue, 'must be positive'))
  if (averageUtilization !== undefined && averageUtilization < 1)
    found.push(invalid(`${field}.averageUtilization`, averageUtilization, 'must be greater than 0'))
}

const isPositive = (amount: string) => (parseQuantity(amount)?.nanos ?? 0n) > 0n
