import { checkFormat, type Found } from '../checks.ts'
import { defineKind } from '../define-kind.ts'
import { qualifiedNameProblems } from '../names.ts'
import { duplicate, forbidden, invalid, type Problem, required } from '../problem.ts'
import { milliUnits } from '../quantity.ts'
import { createdColumn, nameColumn } from '../table-columns.ts'
import type { LimitRange, LimitRangeItem } from '../types/core-v1.ts'
import { compareAmounts } from './pod-rules/resource-rules.ts'

/** What containers get that say nothing: the limit is the maximum, the request the limit or else the minimum. */
function defaultItem(item: LimitRangeItem): void {
  if (item.type !== 'Container') return
  const limits = { ...item.max, ...item.default }
  const requests = { ...item.min, ...limits, ...item.defaultRequest }
  if (Object.keys(limits).length > 0) item.default = limits
  if (Object.keys(requests).length > 0) item.defaultRequest = requests
}

/** Amounts of which the first may not be above the second: where upstream says so, whose amount it shows, and what it calls both. */
const orders = [
  { low: 'min', high: 'max', field: 'min', shown: 'min', words: ['min', 'max'] },
  { low: 'min', high: 'defaultRequest', field: 'defaultRequest', shown: 'defaultRequest', words: ['min', 'default request'] },
  { low: 'defaultRequest', high: 'max', field: 'defaultRequest', shown: 'defaultRequest', words: ['default request', 'max'] },
  {
    low: 'defaultRequest',
    high: 'default',
    field: 'defaultRequest',
    shown: 'defaultRequest',
    words: ['default request', 'default limit'],
  },
  { low: 'min', high: 'default', field: 'default', shown: 'min', words: ['min', 'default'] },
  { low: 'default', high: 'max', field: 'default', shown: 'max', words: ['default', 'max'] },
] as const
const lists = ['max', 'min', 'default', 'defaultRequest', 'maxLimitRequestRatio'] as const
const types = new Set(['Container', 'PersistentVolumeClaim', 'Pod'])
const containerResources = new Set(['cpu', 'memory', 'ephemeral-storage'])
const claimResources = new Set([...containerResources, 'storage'])

function checkItem(found: Found, field: string, item: LimitRangeItem): void {
  const { type = '' } = item
  checkFormat(found, `${field}.type`, type, qualifiedNameProblems)
  if (!type.includes('/') && !types.has(type))
    found.push(invalid(`${field}.type`, type, 'must be a standard limit type or fully qualified'))
  const names = new Set<string>()
  for (const list of lists) {
    const amounts = item[list] ?? {}
    const isForbidden = type === 'Pod' && (list === 'default' || list === 'defaultRequest')
    if (isForbidden && Object.keys(amounts).length > 0)
      found.push(forbidden(`${field}.${list}`, "may not be specified when `type` is 'Pod'"))
    for (const name of Object.keys(amounts)) {
      names.add(name)
      if (!isForbidden) checkResource(found, `${field}.${list}[${name}]`, type, name)
    }
  }
  if (type === 'PersistentVolumeClaim' && item.min?.storage === undefined && item.max?.storage === undefined)
    found.push(required(`${field}.limits`, 'either minimum or maximum storage value is required, but neither was provided'))
  for (const name of names) checkBounds(found, field, item, name)
}

function checkResource(found: Found, field: string, type: string, name: string): void {
  checkFormat(found, field, name, qualifiedNameProblems)
  if (name.includes('/') || name.startsWith('hugepages-')) return
  const isOfContainers = type === 'Pod' || type === 'Container'
  if (isOfContainers && !containerResources.has(name)) found.push(invalid(field, name, 'must be a standard resource for containers'))
  if (!isOfContainers && !claimResources.has(name)) found.push(invalid(field, name, 'must be a standard resource type'))
}

function checkBounds(found: Found, field: string, item: LimitRangeItem, name: string): void {
  for (const { low, high, field: list, shown, words } of orders) {
    const [least, most] = [item[low]?.[name], item[high]?.[name]]
    if (least !== undefined && most !== undefined && compareAmounts(least, most) > 0)
      found.push(
        invalid(`${field}.${list}[${name}]`, item[shown]?.[name], `${words[0]} value ${least} is greater than ${words[1]} value ${most}`),
      )
  }
  checkRatio(found, `${field}.maxLimitRequestRatio[${name}]`, item, name)
  const [limit, request] = [item.default?.[name], item.defaultRequest?.[name]]
  if (limit !== undefined && request !== undefined && !isOvercommitted(name) && compareAmounts(limit, request) !== 0)
    found.push(
      invalid(
        `${field}.defaultRequest[${name}]`,
        request,
        `default value ${limit} must equal to defaultRequest value ${request} in ${name}`,
      ),
    )
}

/** Of huge pages and of others' resources no more is requested than there is. */
const isOvercommitted = (name: string) => !name.includes('/') && !name.startsWith('hugepages-')

/** How far a limit may be above the request: no further than the bounds are apart. */
function checkRatio(found: Found, field: string, { maxLimitRequestRatio, min, max }: LimitRangeItem, name: string): void {
  const [ratio, least, most] = [maxLimitRequestRatio?.[name], min?.[name], max?.[name]]
  if (ratio === undefined) return
  if (compareAmounts(ratio, '1') < 0) found.push(invalid(field, ratio, `ratio ${ratio} is less than 1`))
  if (least === undefined || most === undefined) return
  const widest = milliUnits(most) / milliUnits(least)
  if (milliUnits(ratio) / 1000 > widest) found.push(invalid(field, ratio, `ratio ${ratio} is greater than max/min = ${widest.toFixed(6)}`))
}

export const limitRange = defineKind<LimitRange>({
  group: '',
  kind: 'LimitRange',
  createsOnUpdate: true,
  shortNames: ['limits'],
  defaults(draft) {
    for (const item of (draft as unknown as LimitRange).spec.limits ?? []) defaultItem(item)
  },
  validate({ spec }) {
    const found: Problem[] = []
    const seen = new Set<string>()
    spec?.limits?.forEach((item, index) => {
      const at = `spec.limits[${index}]`
      if (seen.has(item.type)) found.push(duplicate(`${at}.type`, item.type))
      seen.add(item.type)
      checkItem(found, at, item)
    })
    return found
  },
  columns: [nameColumn, createdColumn],
})
