import { podQuantities } from '../../api/pod-quantities.ts'
import { type Quantities, quantitiesOf, zeroQuantity } from '../../api/quantities.ts'
import { compareQuantities, formatQuantity, parseQuantity, type Quantity } from '../../api/quantity.ts'
import type { Container, LimitRange, LimitRangeItem, PersistentVolumeClaim, PodSpec } from '../../api/types/core-v1.ts'

type ResourceList = Readonly<Record<string, string>>
type Resources = { requests?: Record<string, string>; limits?: Record<string, string> }

const quantityOf = (text: string): Quantity => parseQuantity(text) ?? zeroQuantity
const itemsOf = ({ spec }: LimitRange, type: string): readonly LimitRangeItem[] => (spec?.limits ?? []).filter((item) => item.type === type)

/** Gives containers what they do not say themselves; what was set, in words for an annotation, or '' for nothing. */
export function setDefaults(spec: PodSpec, limits: LimitRange): string {
  const items = itemsOf(limits, 'Container')
  const requests = Object.assign({}, ...items.map(({ defaultRequest }) => defaultRequest)) as ResourceList
  const most = Object.assign({}, ...items.map((item) => item.default)) as ResourceList
  if (Object.keys(requests).length === 0 && Object.keys(most).length === 0) return ''
  const set = (container: Container, what: string): string[] => {
    const resources = (container.resources ?? {}) as Resources
    const added = { request: missing(resources.requests, requests), limit: missing(resources.limits, most) }
    if (added.limit.length > 0) resources.limits = { ...most, ...resources.limits }
    if (added.request.length > 0) resources.requests = { ...requests, ...resources.requests }
    container.resources = resources
    return (['request', 'limit'] as const).flatMap((word) =>
      added[word].length > 0 ? [`${added[word].join(', ')} ${word} for ${what} ${container.name}`] : [],
    )
  }
  const told = [
    ...(spec.containers ?? []).flatMap((container) => set(container, 'container')),
    ...(spec.initContainers ?? []).flatMap((container) => set(container, 'init container')),
  ]
  return told.length > 0 ? `LimitRanger plugin set: ${told.join('; ')}` : ''
}

const missing = (own: ResourceList | undefined, defaults: ResourceList): string[] =>
  Object.keys(defaults)
    .filter((name) => own?.[name] === undefined)
    .sort()

/** What of a pod is outside the limits, in upstream's words. */
export function podProblems(spec: PodSpec, limits: LimitRange): string[] {
  const containers = [...(spec.containers ?? []), ...(spec.initContainers ?? [])]
  return [
    ...itemsOf(limits, 'Container').flatMap((item) =>
      containers.flatMap(({ resources }) => boundProblems(item, quantitiesOf(resources?.requests), quantitiesOf(resources?.limits))),
    ),
    ...itemsOf(limits, 'Pod').flatMap((item) => boundProblems(item, podQuantities(spec, 'requests'), podQuantities(spec, 'limits'))),
  ]
}

/** Of a claim only what it requests counts. */
export function claimProblems({ spec }: PersistentVolumeClaim, limits: LimitRange): string[] {
  const requests = quantitiesOf(spec.resources?.requests)
  return itemsOf(limits, 'PersistentVolumeClaim').flatMap((item) => [
    ...each(item.min, (name, least) => belowProblem(item.type, name, least, requests.get(name), undefined)),
    ...each(item.max, (name, most) => {
      const request = requests.get(name)
      if (!request) return `maximum ${name} usage per ${item.type} is ${formatQuantity(most)}.  No request is specified`
      return compareQuantities(request, most) > 0
        ? `maximum ${name} usage per ${item.type} is ${formatQuantity(most)}, but request is ${formatQuantity(request)}`
        : undefined
    }),
  ])
}

function boundProblems(item: LimitRangeItem, requests: Quantities, limits: Quantities): string[] {
  return [
    ...each(item.min, (name, least) => belowProblem(item.type, name, least, requests.get(name), limits.get(name))),
    ...each(item.max, (name, most) => aboveProblem(item.type, name, most, requests.get(name), limits.get(name))),
    ...each(item.maxLimitRequestRatio, (name, ratio) => ratioProblem(item.type, name, ratio, requests.get(name), limits.get(name))),
  ]
}

const each = (list: ResourceList | undefined, problemOf: (name: string, bound: Quantity) => string | undefined): string[] =>
  Object.entries(list ?? {}).flatMap(([name, text]) => problemOf(name, quantityOf(text)) ?? [])

function belowProblem(type: string, name: string, least: Quantity, request: Quantity | undefined, limit: Quantity | undefined) {
  const bound = `minimum ${name} usage per ${type} is ${formatQuantity(least)}`
  if (!request) return `${bound}.  No request is specified`
  if (compareQuantities(request, least) < 0) return `${bound}, but request is ${formatQuantity(request)}`
  if (limit && compareQuantities(limit, least) < 0) return `${bound}, but limit is ${formatQuantity(limit)}`
  return undefined
}

function aboveProblem(type: string, name: string, most: Quantity, request: Quantity | undefined, limit: Quantity | undefined) {
  const bound = `maximum ${name} usage per ${type} is ${formatQuantity(most)}`
  if (!limit) return `${bound}.  No limit is specified`
  if (compareQuantities(limit, most) > 0) return `${bound}, but limit is ${formatQuantity(limit)}`
  if (request && compareQuantities(request, most) > 0) return `${bound}, but request is ${formatQuantity(request)}`
  return undefined
}

function ratioProblem(type: string, name: string, ratio: Quantity, request: Quantity | undefined, limit: Quantity | undefined) {
  const bound = `${name} max limit to request ratio per ${type} is ${formatQuantity(ratio)}`
  if (!request || request.nanos === 0n) return `${bound}, but no request is specified or request is 0`
  if (!limit || limit.nanos === 0n) return `${bound}, but no limit is specified or limit is 0`
  const observed = Number(limit.nanos) / Number(request.nanos)
  return observed * 1e9 > Number(ratio.nanos) ? `${bound}, but provided ratio is ${observed.toFixed(6)}` : undefined
}
