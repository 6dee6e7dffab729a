import { defineKind } from '../define-kind.ts'
import { invalid, type Problem } from '../problem.ts'
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

const pairs = [
  ['min', 'max'],
  ['min', 'defaultRequest'],
  ['min', 'default'],
  ['defaultRequest', 'max'],
  ['defaultRequest', 'default'],
  ['default', 'max'],
] as const

export const limitRange = defineKind<LimitRange>({
  group: '',
  kind: 'LimitRange',
  shortNames: ['limits'],
  defaults(draft) {
    for (const item of (draft as unknown as LimitRange).spec.limits ?? []) defaultItem(item)
  },
  validate({ spec }) {
    const found: Problem[] = []
    spec?.limits?.forEach((item, index) => {
      for (const [low, high] of pairs)
        for (const [name, amount] of Object.entries(item[low] ?? {})) {
          const bound = item[high]?.[name]
          if (bound !== undefined && compareAmounts(amount, bound) > 0)
            found.push(
              invalid(`spec.limits[${index}].${low}[${name}]`, amount, `${low} value ${amount} is greater than ${high} value ${bound}`),
            )
        }
    })
    return found
  },
  columns: [nameColumn, createdColumn],
})
